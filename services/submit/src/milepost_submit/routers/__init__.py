"""The endpoints of submit: from HTTP to a decision and one command, and back."""
