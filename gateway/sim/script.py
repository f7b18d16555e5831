"""Charger scripts: plain text, one step a line, read whole before the first step runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.sim.answers import SILENT, Answer, Failure
from gateway.sim.charger import SimCharger
from gateway.sim.errors import ScriptError, SimError
from gateway.sim.framing import JsonObject
from gateway.sim.life import boot_until_accepted

Act = Callable[[SimCharger], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a script, ready to run."""

    line: int
    text: str
    act: Act


@dataclass(frozen=True, slots=True)
class _Verb:
    usage: str
    meaning: str
    # Given the rest of the line; ValueError says what is wrong with it.
    read: Callable[[str], Act]


def parse(text: str) -> list[Step]:
    """The steps of a script; ScriptError names the first line that cannot be understood."""
    steps = []
    for number, raw_line in enumerate(text.splitlines(), start=1):
        line = raw_line.strip()
        if not line or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        verb = _VERBS.get(word)
        if verb is None:
            raise ScriptError(number, f"unknown step {word!r}; known are: {', '.join(_VERBS)}")
        try:
            steps.append(Step(number, line, verb.read(rest.strip())))
        except ValueError as error:
            raise ScriptError(number, f"{error}; write: {verb.usage}") from error
    return steps


async def run(steps: list[Step], charger: SimCharger) -> None:
    """Carry the steps out in order; ScriptError names the line at which that failed."""
    for step in steps:
        try:
            await step.act(charger)
        except SimError as error:
            raise ScriptError(step.line, f"{step.text}: {error}") from error


def reference() -> str:
    """All steps with their meaning, for --help."""
    width = max(len(verb.usage) for verb in _VERBS.values())
    return "\n".join(f"  {verb.usage.ljust(width)}  {verb.meaning}" for verb in _VERBS.values())


def _words(rest: str, least: int, most: int) -> list[str]:
    words = rest.split()
    if not least <= len(words) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        raise ValueError(f"expected {count} value{'' if count == '1' else 's'}, found {len(words)}")
    return words


def _integer(word: str, what: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"{what} must be a whole number, not {word!r}") from None


def _object(text: str) -> JsonObject:
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise ValueError(f"the payload is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError("the payload must be a JSON object")
    return value


def _plain(act: Act) -> Callable[[str], Act]:
    def read(rest: str) -> Act:
        _words(rest, 0, 0)
        return act

    return read


def _authorize(rest: str) -> Act:
    (tag,) = _words(rest, 1, 1)
    return lambda charger: charger.authorize(tag)


def _status(rest: str) -> Act:
    number, status, *codes = _words(rest, 2, 4)
    connector = _integer(number, "the connector")
    error_code = codes[0] if codes else "NoError"
    extra = {"vendorErrorCode": codes[1]} if len(codes) > 1 else {}
    return lambda charger: charger.status(connector, status, error_code, **extra)


def _start(rest: str) -> Act:
    number, tag = _words(rest, 2, 2)
    connector = _integer(number, "the connector")
    return lambda charger: charger.start(connector, tag)


def _meter(rest: str) -> Act:
    number, energy = _words(rest, 2, 2)
    connector, energy_wh = _integer(number, "the connector"), _integer(energy, "the energy in Wh")
    return lambda charger: charger.meter(connector, energy_wh)


def _stop(rest: str) -> Act:
    number, *reason = _words(rest, 1, 2)
    connector = _integer(number, "the connector")
    return lambda charger: charger.stop(connector, *reason)


def _session(rest: str) -> Act:
    number, tag = _words(rest, 2, 2)
    connector = _integer(number, "the connector")
    return lambda charger: charger.session(connector, tag)


def _call(rest: str) -> Act:
    action, _, text = rest.partition(" ")
    if not action:
        raise ValueError("the action is missing")
    payload = _object(text)
    return lambda charger: charger.call(action, payload)


def _raw(rest: str) -> Act:
    if not rest:
        raise ValueError("the text is missing")
    return lambda charger: charger.send_raw(rest)


def _answer(rest: str) -> Act:
    action, _, text = rest.partition(" ")
    word, _, code = text.strip().partition(" ")
    answer: Answer
    if word == "silent":
        answer = SILENT
    elif word == "error" and code:
        answer = Failure(code.strip(), "from the script")
    elif text:
        answer = _object(text)
    else:
        raise ValueError("the answer is missing")

    async def act(charger: SimCharger) -> None:
        charger.answer(action, answer)

    return act


def _wait(rest: str) -> Act:
    (word,) = _words(rest, 1, 1)
    try:
        seconds = float(word)
    except ValueError:
        raise ValueError(f"the seconds must be a number, not {word!r}") from None
    if not 0 <= seconds < float("inf"):
        raise ValueError("the seconds must be 0 or more")
    return lambda _: asyncio.sleep(seconds)


def _close(rest: str) -> Act:
    words = _words(rest, 0, 1)
    code = _integer(words[0], "the close code") if words else 1000
    if code not in {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, *range(3000, 5000)}:
        raise ValueError(f"{code} is no close code that may be sent")
    return lambda charger: charger.close(code)


_VERBS = {
    "boot": _Verb("boot", "BootNotification until accepted, then all statuses", _plain(boot_until_accepted)),
    "heartbeat": _Verb("heartbeat", "Heartbeat", _plain(SimCharger.heartbeat)),
    "authorize": _Verb("authorize TAG", "Authorize", _authorize),
    "status": _Verb(
        "status CONNECTOR STATUS [ERROR_CODE [VENDOR_CODE]]",
        "StatusNotification (connector 0: charger)",
        _status,
    ),
    "start": _Verb("start CONNECTOR TAG", "StartTransaction", _start),
    "meter": _Verb("meter CONNECTOR WH", "MeterValues after WH more", _meter),
    "stop": _Verb("stop CONNECTOR [REASON]", "StopTransaction", _stop),
    "session": _Verb("session CONNECTOR TAG", "a whole session, from Preparing to Available", _session),
    "call": _Verb("call ACTION [JSON]", "any call", _call),
    "raw": _Verb("raw TEXT", "this text frame as it stands, valid or not", _raw),
    "answer": _Verb(
        "answer ACTION JSON|silent|error CODE", "how to answer this command from now on (*: every)", _answer
    ),
    "wait": _Verb("wait SECONDS", "a pause", _wait),
    "close": _Verb("close [CODE]", "close the WebSocket", _close),
    "abort": _Verb("abort", "break the connection without a close frame", _plain(SimCharger.abort)),
    "connect": _Verb("connect", "dial again", _plain(SimCharger.connect)),
}
