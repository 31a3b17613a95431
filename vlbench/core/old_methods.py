"""What version 0.1 called a task's thresholds and is a method of the row now."""

MARKS = ("best-f1",)
"""Marks behind `+` at the end of a task's name in its results and baselines."""
