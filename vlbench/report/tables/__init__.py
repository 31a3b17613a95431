"""From results to leaderboards and tables."""
