"""Dual encoders from the transformers package."""
