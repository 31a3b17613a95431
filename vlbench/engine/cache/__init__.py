"""The cache folder as a whole: how much lies there, what may go, what is damaged, two of them made one."""
