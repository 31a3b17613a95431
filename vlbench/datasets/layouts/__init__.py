"""Published data sets in their authors' layouts, one file each."""
