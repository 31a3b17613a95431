"""Functions for Python code. `vlbench` has the public names; each is imported when it is first used."""
