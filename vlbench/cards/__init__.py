"""YAML cards to objects."""
