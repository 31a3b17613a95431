"""Data sets on this machine: whether they are all there, and fetching them from the hub."""
