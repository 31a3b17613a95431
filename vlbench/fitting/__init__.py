"""Learning on top of a frozen model."""
