"""What model families have in common."""
