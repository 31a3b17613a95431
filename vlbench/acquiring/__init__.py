"""Data sets on this machine: checks whether they are complete, and downloads them from the hub."""
