"""Names of methods that version 0.1 wrote after a task's name."""

MARKS = ("best-f1",)
"""The marks after `+` at the end of a task's name, in its results and baselines."""
