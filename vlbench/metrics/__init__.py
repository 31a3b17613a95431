"""Metrics: pure functions of scores or ranks and the truth."""
