"""Folds the log into read models and serves them; appends no events."""
