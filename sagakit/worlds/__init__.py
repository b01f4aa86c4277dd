"""Real worlds: the same services, not a line changed, on parts that last."""
