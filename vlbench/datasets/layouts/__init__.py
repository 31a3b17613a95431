"""Published data sets in their authors' layouts, a file each."""
