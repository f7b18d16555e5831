"""The configuration: the only reader of configuration files, environment and credentials."""

from __future__ import annotations

from gateway.settings.addresses import Address
from gateway.settings.caveats import warnings
from gateway.settings.check import check
from gateway.settings.control import control_path
from gateway.settings.last_good import load_or_last_good, remember, state_folder
from gateway.settings.load import DEFAULT_PATH, Loaded, Snapshot, load, load_present
from gateway.settings.models import Settings
from gateway.settings.not_yet import not_in_this_version
from gateway.settings.plan import plan, public
from gateway.settings.problems import ConfigurationError, Problem
from gateway.settings.quirk_files import catalogue, load_quirks
from gateway.settings.reloading import needs_restart, taken_over
from gateway.settings.resolve import Lost, Part, Resolution, resolve, resolve_what_can_be
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
    "Loaded",
    "Log",
    "Lost",
    "Meter",
    "Mqtt",
    "Part",
    "Problem",
    "Resolution",
    "Secret",
    "Settings",
    "Site",
    "Snapshot",
    "StatusPage",
    "Store",
    "Upstream",
    "catalogue",
    "check",
    "control_path",
    "load",
    "load_or_last_good",
    "load_present",
    "load_quirks",
    "needs_restart",
    "not_in_this_version",
    "plan",
    "public",
    "remember",
    "resolve",
    "resolve_what_can_be",
    "state_folder",
    "taken_over",
    "warnings",
]
