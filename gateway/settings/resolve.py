"""Secrets and key files: read what the configuration only names, and look whether the files are there."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from gateway.settings.models import Settings
from gateway.settings.origins import Path as KeyPath
from gateway.settings.problems import ConfigurationError, Problem
from gateway.settings.secret import LONGEST_SECRET, KeyFile, Secret, checked_secret

AnyModel = TypeVar("AnyModel", bound=BaseModel)

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd tells a service where its credentials are."""

CERTIFICATES = frozenset({"ca", "certificate", "client_ca"})


Part = Literal["charger", "upstream", "chargers.tls", "mqtt"]
"""What the daemon can do without."""

_WITHOUT: dict[Part, tuple[str, str]] = {
    "charger": ("charger {label} is refused", "reload"),
    "upstream": ("upstream {label} is not dialled", "reload"),
    "chargers.tls": ("chargers cannot connect with wss://", "restart"),
    "mqtt": ("nothing is published on MQTT", "restart"),
}
"""What becomes of the site without each part, and what takes over its repair."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A part that lacks a secret, key or certificate: `label` is a charger's identity, an upstream's name or empty.

    `problem` is what is wrong, `then` what takes over its repair, `without` what becomes of the site meanwhile.
    """

    kind: Part
    label: str
    problem: str
    then: str
    without: str

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.without}: {self.problem}{self.then}"


@dataclass(frozen=True)
class Resolution:
    """The settings with the secrets that can be had, and what is wrong with the others.

    `problems` are certain, `doubts` only the daemon's own user can settle; `lost` are the parts that either concerns,
    whose secrets stay unread: whoever runs them nevertheless would run them unchecked.
    """

    settings: Settings
    problems: list[Problem]
    doubts: list[Problem]
    lost: list[Lost]

    def lacks(self, kind: Part, label: str = "") -> str | None:
        """Why this part cannot be had, None where it can."""
        return next((lost.sentence for lost in self.lost if (lost.kind, lost.label) == (kind, label)), None)


@dataclass(frozen=True, slots=True)
class _Finding:
    path: KeyPath
    text: str
    doubtful: bool = False
    restart: bool = False


class _Missing(Exception):
    """A secret or file cannot be had; `doubtful` when the daemon, started otherwise, might have it.

    `restart`: no reload helps, whatever part it is, and the text says so.
    """

    def __init__(self, text: str, *, doubtful: bool = False, restart: bool = False) -> None:
        super().__init__(text)
        self.doubtful = doubtful
        self.restart = restart


class _Encrypted(Exception):
    """A private key asks for a passphrase, and nobody is there to type it."""


def resolve(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with every secret read. Raises ConfigurationError with all that cannot be read."""
    resolution = resolve_what_can_be(settings, environ)
    if resolution.lost:
        raise ConfigurationError([*resolution.problems, *resolution.doubts])
    return resolution.settings


def resolve_what_can_be(settings: Settings, environ: Mapping[str, str]) -> Resolution:
    """Read every secret, look for every file, and say which parts cannot be had without those that fail."""
    findings: list[_Finding] = []
    resolved = _resolved(settings, (), environ, findings)
    for path, section in sections(resolved):
        findings += [_Finding(path, text) for text in _tls_faults(section)]
    told = [(finding, settings.origins.problem(finding.path, finding.text)) for finding in findings]
    return Resolution(
        resolved,
        problems=[problem for finding, problem in told if not finding.doubtful],
        doubts=[problem for finding, problem in told if finding.doubtful],
        lost=[_lost(settings, finding, problem) for finding, problem in told],
    )


def part_at(path: KeyPath) -> Part:
    """The part that a secret, key or certificate at this path belongs to."""
    match path:
        case ("charger" | "upstream" | "mqtt" as part, *_):
            return part
        case ("chargers", "tls", *_):
            return "chargers.tls"
    raise LookupError(f"no part of the site is known for a secret at {path}")


def _lost(settings: Settings, finding: _Finding, problem: Problem) -> Lost:
    kind = part_at(finding.path)
    label = ""
    if kind == "charger":
        label = settings.charger[int(finding.path[1])].identity
    elif kind == "upstream":
        label = settings.upstream[int(finding.path[1])].name
    without, command = _WITHOUT[kind]
    then = "" if finding.restart else f", then run: systemctl {command} evgate"
    return Lost(kind, label, str(problem), then, without.format(label=label))


def sections(model: BaseModel, path: KeyPath = ()) -> Iterator[tuple[KeyPath, BaseModel]]:
    """Every section of the tree, outer ones first."""
    yield path, model
    for key in type(model).model_fields:
        value = getattr(model, key)
        if isinstance(value, BaseModel):
            yield from sections(value, (*path, key))
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from sections(item, (*path, key, index))


def _resolved(model: AnyModel, path: KeyPath, environ: Mapping[str, str], findings: list[_Finding]) -> AnyModel:
    changed: dict[str, object] = {}
    for key in type(model).model_fields:
        value = getattr(model, key)
        new = _resolved_value(value, (*path, key), environ, findings)
        if new is not value:
            changed[key] = new
    return model.model_copy(update=changed) if changed else model


def _resolved_value(value: object, path: KeyPath, environ: Mapping[str, str], findings: list[_Finding]) -> object:
    if isinstance(value, BaseModel):
        return _resolved(value, path, environ, findings)
    if isinstance(value, tuple):
        items = tuple(_resolved_value(item, (*path, index), environ, findings) for index, item in enumerate(value))
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    try:
        if isinstance(value, Secret):
            return _read_secret(value, environ)
        if isinstance(value, KeyFile):
            return _locate_key(value, environ)
        if isinstance(value, Path) and path[-1] in CERTIFICATES:
            _content(value)
    except _Missing as missing:
        findings.append(_Finding(path, str(missing), missing.doubtful, missing.restart))
    return value


def _read_secret(secret: Secret, environ: Mapping[str, str]) -> Secret:
    if secret.value is not None:
        return secret
    file = secret.file or _credential(secret.credential or "", environ)
    try:
        # The line end that every editor and `echo` adds is no part of the secret.
        value = _content(file).decode().removesuffix("\n").removesuffix("\r")
        return Secret(checked_secret(value), secret.credential, secret.file)
    except UnicodeDecodeError:
        raise _Missing(f"{file} is not UTF-8 text; store the secret as plain text") from None
    except PydanticCustomError as error:
        raise _Missing(f"the content of {file} {error.message()}") from None


def _locate_key(key: KeyFile, environ: Mapping[str, str]) -> KeyFile:
    file = key.file or _credential(key.credential or "", environ)
    _content(file)
    return key if key.file else KeyFile(file, key.credential)


def _credential(name: str, environ: Mapping[str, str]) -> Path:
    folder = environ.get(CREDENTIALS)
    if folder and _is_readable(Path(folder, name)):
        return Path(folder, name)
    raise _Missing(
        f'credential "{name}" is not here: systemd hands it to the service only, and only if told to; '
        f"add LoadCredential={name}:/path/of/the/file with `systemctl edit evgate` and restart evgate",
        doubtful=not folder,
        restart=True,
    )


def _content(path: Path) -> bytes:
    """The beginning of a file, more than any secret is long."""
    try:
        with path.open("rb") as stream:
            return stream.read(4 * LONGEST_SECRET + 2)
    except FileNotFoundError:
        raise _Missing(f"there is no file {path}; create it or correct the path") from None
    except IsADirectoryError:
        raise _Missing(f"{path} is a folder; name a file in it") from None
    except PermissionError:
        how = f"let the daemon's: chgrp evgate {path} && chmod 640 {path}"
        raise _Missing(f"this user may not read {path}; {how}", doubtful=True) from None
    except OSError as error:
        raise _Missing(f"{path} cannot be read: {error.strerror}; check the disk it is on") from None


def _tls_faults(section: BaseModel) -> Iterator[str]:
    """What OpenSSL has against the files of a section, those that cannot be read excepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in ("ca", "client_ca"):
        file = getattr(section, name, None)
        if file is not None and _is_readable(file):
            try:
                context.load_verify_locations(file)
            except (ssl.SSLError, OSError):
                yield f"{name}: {file} holds no certificate in PEM form; convert it or name another"
    certificate, key = getattr(section, "certificate", None), getattr(section, "key", None)
    if certificate is None or key is None or key.file is None:
        return
    if _is_readable(certificate) and _is_readable(key.file):
        try:
            context.load_cert_chain(certificate, key.file, password=_refuse_passphrase)
        except _Encrypted:
            yield f"key: {key.file} has a passphrase; remove it with openssl pkey -in ... -out ..."
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                yield f"key: {key.file} does not belong to {certificate}; name the key it was issued for"
            else:
                yield f"certificate and key: {certificate}, {key.file} are no pair in PEM form; convert them"


def _is_readable(path: Path) -> bool:
    try:
        _content(path)
    except _Missing:
        return False
    return True


def _refuse_passphrase() -> str:
    raise _Encrypted
