"""Scores from and for other tools, published scores and trackers."""
