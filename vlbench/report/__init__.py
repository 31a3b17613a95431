"""Results to leaderboard CSVs."""
