"""Models that a user's program holds: named and digested as they are, and left as they were."""
