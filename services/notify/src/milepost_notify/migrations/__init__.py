"""The schema of notify's tables, forwards only."""
