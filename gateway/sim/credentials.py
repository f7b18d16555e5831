"""HTTP Basic credentials as chargers send them: any bytes, not only text (OCPP security white paper, profile 1)."""

from __future__ import annotations

import base64


def basic(username: str, password: bytes | str) -> str:
    """The value of an Authorization header."""
    secret = password.encode() if isinstance(password, str) else password
    return "Basic " + base64.b64encode(username.encode() + b":" + secret).decode("ascii")
