"""From YAML cards to models and tasks."""
