"""`evgate check`: is the configuration right, and what will the daemon do with it?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.settings.caveats import warnings
from gateway.settings.load import DEFAULT_PATH, load
from gateway.settings.models import Settings
from gateway.settings.not_yet import not_in_this_version
from gateway.settings.plan import plan
from gateway.settings.problems import ConfigurationError, Problem
from gateway.settings.quirk_files import load_quirks, replaced
from gateway.settings.resolve import resolve_what_can_be
from gateway.settings.sockets import Ask, ask_systemd, passed_by, unmatched

RIGHT = 0
WRONG = 1


def check(
    path: Path | None,
    environ: Mapping[str, str],
    out: Callable[[str], None],
    as_json: bool,
    *,
    service_file: Path = DEFAULT_PATH,
    ask: Ask = ask_systemd,
) -> int:
    """Print what is wrong (status 1), or what the daemon will do (status 0); `out` takes one line at a time.

    Secrets that only the service can read (systemd credentials, files of another user) are warnings here. Without a
    path it is the service's own file, which is compared with the sockets that systemd opens for the service.
    """
    problems: list[Problem] = []
    settings: Settings | None = None
    cautions: list[str] = []
    steps: list[str] = []
    try:
        settings = load(path or service_file, environ)
    except ConfigurationError as error:
        problems = error.problems
    else:
        resolution = resolve_what_can_be(settings, environ)
        passed = passed_by(ask()) if path in (None, service_file) else None
        orphans, uncovered = unmatched(settings, passed) if passed is not None else ([], [])
        quirks, wrong = load_quirks(settings)
        problems = [*resolution.problems, *wrong, *orphans]
        steps = [*plan(settings), *replaced(quirks)]
        endpoints = [address.endpoint for address in passed or ()]
        cautions = [*(str(doubt) for doubt in resolution.doubts), *uncovered, *warnings(settings, endpoints)]
    report = _json if as_json else _text
    report(out, settings, problems, cautions, steps)
    return WRONG if problems else RIGHT


def _text(
    out: Callable[[str], None],
    settings: Settings | None,
    problems: Sequence[Problem],
    cautions: Sequence[str],
    steps: Sequence[str],
) -> None:
    for problem in problems:
        out(str(problem))
    if settings is None or problems:
        count = "1 problem; until it is" if len(problems) == 1 else f"{len(problems)} problems; until they are"
        out(f"{count} corrected, evgate keeps to the configuration that it has.")
    else:
        out(f"The configuration is right: {', '.join(settings.origins.files)}")
        _section(out, "The daemon will do this:", steps)
        _section(out, "Without effect:", not_in_this_version(settings))
    _section(out, "Warnings:", cautions)


def _section(out: Callable[[str], None], title: str, lines: Sequence[str]) -> None:
    if lines:
        out("")
        out(title)
        for line in lines:
            out(f"  {line}")


def _json(
    out: Callable[[str], None],
    settings: Settings | None,
    problems: Sequence[Problem],
    cautions: Sequence[str],
    steps: Sequence[str],
) -> None:
    usable = None if problems else settings
    out(
        json.dumps(
            {
                "ok": not problems,
                "files": list(settings.origins.files) if settings else [],
                "problems": [
                    {"file": problem.file, "line": problem.line, "key": problem.key, "text": problem.text}
                    for problem in problems
                ],
                "warnings": list(cautions),
                "plan": list(steps) if usable else [],
                "not_in_this_version": not_in_this_version(usable) if usable else [],
            }
        )
    )
