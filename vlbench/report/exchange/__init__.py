"""Scores from and for other tools, published scores, and experiment trackers."""
