"""Names of methods that version 0.1 wrote behind a task's name."""

MARKS = ("best-f1",)
"""Marks behind `+` at the end of a task's name in its results and baselines."""
