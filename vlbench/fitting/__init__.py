"""What is learned on top of a frozen model."""
