"""HTTP Basic with OCPP's passwords (J16 6.2.2, 201 A00.FR.205): bytes, which are not always text.

The 1.6 key is configured as hex digits and shown as the bytes they stand for; firmware that shows the digits, or any
text at all, is as common. Passwords are therefore compared as bytes, in every form that the configured one can take.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from enum import Enum

from gateway.core.record import identity_key
from gateway.core.subprotocols import ASSUMED, version_of


class PasswordForm(Enum):
    """How a password stands in the header; the value says it in words."""

    TEXT = "text"
    RAW = "bytes that the hex digits stand for"
    HEX_AS_TEXT = "hex digits as text"


@dataclass(frozen=True, slots=True)
class PasswordVerdict:
    """Which form matched, None if none did; `reason` says which check failed, without a word of the secret."""

    form: PasswordForm | None
    reason: str

    @property
    def matches(self) -> bool:
        """Is it this charger with its password?"""
        return self.form is not None


_BASIC = re.compile(r"\s*basic\s+(\S+)\s*", re.IGNORECASE)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_KEY_DIGITS = range(32, 41)
"""An AuthorizationKey is 16 to 20 bytes, so 32 to 40 hex digits."""


def authorization_matches(header: str | None, identity: str, password: str) -> PasswordVerdict:
    """Compare an Authorization header with the configured password. Never raises, whatever the header holds."""
    if header is None:
        return _failed("the charger sends no Authorization header")
    basic = _BASIC.fullmatch(header)
    if basic is None:
        return _failed("the Authorization header is not of the scheme Basic")
    try:
        shown = base64.b64decode(basic[1], validate=True)
    except ValueError:
        return _failed("the Authorization header is not valid base64")
    # The user is the identity, and identities of 1.6 may hold colons too (a MAC address).
    colons = identity.count(":") + 1
    *user, secret = shown.split(b":", colons)
    if len(user) < colons:
        return _failed("the Authorization header does not hold identity, colon and password")
    if identity_key(_text(b":".join(user))) != identity_key(identity):
        return _failed("the user name in the Authorization header is not the identity in the URL")
    return _compared(secret, password)


def basic_authorization(user: str, password: str, subprotocol: str = ASSUMED, form: PasswordForm | None = None) -> str:
    """The header to show upstream; without `form` in the form that `default_form` gives for the subprotocol."""
    secret = _in_form(password, form or default_form(password, subprotocol))
    return "Basic " + base64.b64encode(_bytes(user) + b":" + secret).decode("ascii")


def default_form(password: str, subprotocol: str) -> PasswordForm:
    """As the specifications have it: a 1.6 key as its bytes, everything else as text."""
    is_key = len(password) in _KEY_DIGITS and _HEX.fullmatch(password) is not None
    return PasswordForm.RAW if is_key and version_of(subprotocol) == "ocpp1.6" else PasswordForm.TEXT


def _compared(secret: bytes, password: str) -> PasswordVerdict:
    # Hex digits count in either case. All three are always compared, so that time tells nothing.
    shown = dict.fromkeys(PasswordForm, secret) | {PasswordForm.HEX_AS_TEXT: secret.lower()}
    matching = [form for form in PasswordForm if hmac.compare_digest(shown[form], _in_form(password, form))]
    if not matching:
        return _failed("the password is not the configured one, neither as text nor as hex digits nor as bytes")
    return PasswordVerdict(matching[0], f"the password matches ({matching[0].value})")


def _in_form(password: str, form: PasswordForm) -> bytes:
    """Hex digits are lower case. A password that is not hex has its own digits: those of its text."""
    text = _bytes(password)
    raw = bytes.fromhex(password) if _HEX.fullmatch(password) else text
    return {PasswordForm.TEXT: text, PasswordForm.RAW: raw, PasswordForm.HEX_AS_TEXT: raw.hex().encode()}[form]


def _failed(reason: str) -> PasswordVerdict:
    return PasswordVerdict(None, reason)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    """Bytes that are no UTF-8 become lone surrogates, which stand in no identity."""
    return data.decode("utf-8", "surrogateescape")
