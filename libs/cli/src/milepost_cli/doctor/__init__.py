"""Owns looking at a whole deployment for whoever runs it: facts, what they mean, the command."""
