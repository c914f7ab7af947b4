"""The endpoints of notify, a file for each kind of thing they are about."""
