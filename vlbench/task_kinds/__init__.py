"""Task kinds, one per file: each turns a data set into a problem and states how it is scored."""
