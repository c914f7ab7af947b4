"""Owns what `up` hands its children besides settings: a descriptor, some variables. No logic."""

import socket

DESCRIPTOR = 3
"""A listening socket (web process, mail sink), or the lock on the data folder (Valkey)."""
MAIL_FOLDER = "_MILEPOST_MAIL_FOLDER"
"""Where the embedded sink keeps its mails; not there: no sink runs. No setting of anybody's."""
DATA_FOLDER = "_MILEPOST_DATA_FOLDER"
"""Where the embedded Valkey keeps its data; not there: somebody else's server is used."""
RESTARTED = "_MILEPOST_RESTARTED"
"""There where it is not the first process of its kind since `up` was started."""


def listening_socket() -> socket.socket:
    """The socket the supervisor listens on for us; connections wait in it while we restart."""
    return socket.socket(fileno=DESCRIPTOR)
