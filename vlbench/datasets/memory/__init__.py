"""Data in a user's program: its pictures are read and digested anew at every call."""
