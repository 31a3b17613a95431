"""The one evaluator; it knows the contracts only."""
