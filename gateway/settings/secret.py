"""Secrets as configured: a value, `{ credential = "name" }` or `{ file = "path" }`; never shown or logged."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from gateway.settings.problems import listed, nearest, plain, shown
from gateway.settings.values import fault, read_path, read_text

LONGEST_SECRET = 4096
"""Characters: no password is longer, and a file that is was named by mistake."""

_PLACES = ("credential", "file")
_CREDENTIAL = re.compile(r"[A-Za-z0-9@._-]{1,255}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, or where it is kept. `resolve` puts the value in; until then `reveal` raises."""

    value: str | None = field(default=None, repr=False)
    credential: str | None = None
    file: Path | None = None

    def reveal(self) -> str:
        """The secret itself, for the one place that uses it. Raises LookupError before it was resolved."""
        if self.value is None:
            raise LookupError("this secret has not been read yet; use what `resolve` returns")
        return self.value

    def __str__(self) -> str:
        return repr(self)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key in a file (PEM): its path, or the systemd credential that `resolve` turns into one."""

    file: Path | None = None
    credential: str | None = None

    @property
    def path(self) -> Path:
        """Where to read it. Raises LookupError before it was resolved."""
        if self.file is None:
            raise LookupError("this key has not been located yet; use what `resolve` returns")
        return self.file


def checked_secret(value: str) -> str:
    """A secret as text that every protocol can carry; raises a fault that does not repeat it."""
    if not value:
        raise fault("is empty; write a value, or remove the line")
    if len(value) > LONGEST_SECRET:
        raise fault(f"is longer than {LONGEST_SECRET} characters, which no password is; write the right one")
    if any(char < " " or "\ud800" <= char <= "\udfff" for char in value):
        raise fault("contains control characters, a line break perhaps; remove them")
    return value


def read_secret(value: object) -> Secret:
    """A text, or a table that says where the secret is kept."""
    if isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(value=checked_secret(value))
    credential, file = _read_place(value, 'text in quotes, { credential = "name" } or { file = "/path" }')
    return Secret(credential=credential, file=file)


def read_key_file(value: object) -> KeyFile:
    """A path, or a table that says where the key is kept."""
    if isinstance(value, KeyFile):
        return value
    if isinstance(value, str):
        if "-----BEGIN" in value:
            raise fault('must name the file that holds the key, such as "/etc/evgate/tls.key", not the key')
        return KeyFile(file=read_path(value))
    credential, file = _read_place(value, 'a path in quotes or { credential = "name" }')
    return KeyFile(credential=credential, file=file)


def _read_place(value: object, allowed: str) -> tuple[str | None, Path | None]:
    if not isinstance(value, dict):
        raise fault(f"must be {allowed}")
    for key in value:
        if key not in _PLACES:
            meant = nearest(str(key), _PLACES)
            known = f"did you mean {meant}?" if meant else f"known are {listed(_PLACES)}"
            raise fault(f"has the unknown key {plain(str(key))}; {known}")
    if len(value) != 1:
        raise fault(f"must be {allowed}: one of them")
    if "file" in value:
        return None, read_path(value["file"])
    name = read_text(value["credential"])
    if not _CREDENTIAL.fullmatch(name) or name in (".", ".."):
        raise fault(f"must be the name of a systemd credential (letters, digits, . _ - @), not {shown(name)}")
    return name, None


SecretValue = Annotated[Secret, PlainValidator(read_secret), PlainSerializer(str)]
KeyFileValue = Annotated[KeyFile, PlainValidator(read_key_file), PlainSerializer(str)]
