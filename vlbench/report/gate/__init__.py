"""Checks results against a baseline."""
