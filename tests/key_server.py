"""Somebody else who signs tokens: keys of every kind, published by a real server."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
STRANGER: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
"""Keys that nobody publishes."""
_JWK: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


def jwk(private: Any, algorithm: str, **fields: Any) -> dict[str, Any]:
    """The public half as it is published."""
    found: dict[str, Any] = json.loads(_JWK[algorithm].to_jwk(private.public_key()))
    return found | fields


def pem(private: Any) -> bytes:
    """The public half as a file, which attackers use as an HS256 secret."""
    return private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def forged(claims: dict[str, Any], secret: bytes, **header: Any) -> str:
    """An HS256 token keyed with anything at all; libraries refuse to sign with a public key."""
    parts = [{"typ": "JWT", "alg": "HS256", **header}, claims]
    text = b".".join(_base64(json.dumps(part).encode()) for part in parts)
    return (text + b"." + _base64(hmac.digest(secret, text, hashlib.sha256))).decode()


def signed(
    claims: dict[str, Any], algorithm: str = "RS256", *, keys: dict[str, Any] = PRIVATE,
    key_id: str | None = None, **header: Any,
) -> str:  # fmt: skip
    """A token as the provider signs it."""
    named = {"kid": algorithm if key_id is None else key_id, **header}
    return jwt.encode(claims, keys[algorithm], algorithm=algorithm, headers=named)


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


@dataclass
class KeyServer:
    """What it answers, and how often it was asked."""

    url: str = ""
    keys: list[Any] = field(
        default_factory=lambda: [jwk(PRIVATE[each], each, kid=each) for each in PRIVATE]
    )
    body: bytes | None = None
    """Instead of the keys."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    asked: int = 0


@contextmanager
def key_server() -> Generator[KeyServer]:
    """Serve keys until the end of the block."""
    found = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is http.server's
            found.asked += 1
            body = found.body
            if body is None:
                body = json.dumps({"keys": found.keys}).encode()
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # the names are http.server's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}/keys"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
