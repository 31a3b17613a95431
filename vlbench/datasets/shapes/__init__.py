"""A small world of rendered coloured shapes."""
