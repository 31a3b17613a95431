"""A small rendered world of coloured shapes."""
