"""Owns what of strangers' words may reach a terminal."""


def printable(line: str) -> str:
    """The line with nothing in it that steers a terminal: it may quote what anybody wrote."""
    return "".join(character if character.isprintable() else "?" for character in line)
