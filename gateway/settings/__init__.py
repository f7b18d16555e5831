"""The configuration: the only reader of configuration files, environment and credentials."""

from __future__ import annotations

from gateway.settings.addresses import Address
from gateway.settings.caveats import warnings
from gateway.settings.check import check
from gateway.settings.load import DEFAULT_PATH, load
from gateway.settings.models import Settings
from gateway.settings.not_yet import not_in_this_version
from gateway.settings.plan import plan
from gateway.settings.problems import ConfigurationError, Problem
from gateway.settings.resolve import resolve
from gateway.settings.secret import KeyFile, Secret
from gateway.settings.sections import (
    Authorization,
    Bus,
    Charger,
    Chargers,
    ChargersTls,
    Log,
    Meter,
    Mqtt,
    Site,
    StatusPage,
    Store,
    Upstream,
)

__all__ = [
    "DEFAULT_PATH",
    "Address",
    "Authorization",
    "Bus",
    "Charger",
    "Chargers",
    "ChargersTls",
    "ConfigurationError",
    "KeyFile",
    "Log",
    "Meter",
    "Mqtt",
    "Problem",
    "Secret",
    "Settings",
    "Site",
    "StatusPage",
    "Store",
    "Upstream",
    "check",
    "load",
    "not_in_this_version",
    "plan",
    "resolve",
    "warnings",
]
