"""The one evaluator. It knows the contracts only."""
