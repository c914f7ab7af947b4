"""The schema of submit's tables, forwards only."""
