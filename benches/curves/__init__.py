"""One dimension each of how cost grows, for `growth`."""
