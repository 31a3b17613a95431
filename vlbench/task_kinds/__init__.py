"""Questions, a file each: a source becomes a problem and how it is scored."""
