"""Model objects of a user's program: evaluated in memory and left unchanged."""
