"""Simulated chargers and CSMS. Shares no code with the gateway, so that a shared bug cannot hide."""

from __future__ import annotations

from gateway.sim.answers import SILENT, Answer, AnswerBook, Failure, Raw, Reply, Then
from gateway.sim.charger import SimCharger
from gateway.sim.charger_rules import SimTransaction
from gateway.sim.credentials import basic
from gateway.sim.csms import SimCsms
from gateway.sim.csms_rules import CsmsTransaction
from gateway.sim.errors import (
    CallFailed,
    CallTimeout,
    Disconnected,
    Refused,
    ScriptError,
    SimError,
    Unreachable,
)
from gateway.sim.framing import Call, CallError, CallResult, JsonObject, decode, encode, new_message_id
from gateway.sim.ledger import RECEIVED, SENT, Direction, Ledger, Tally
from gateway.sim.link import Link
from gateway.sim.station import AUTO, SimStation, Upgrade, Verdict

__all__ = [
    "AUTO",
    "RECEIVED",
    "SENT",
    "SILENT",
    "Answer",
    "AnswerBook",
    "Call",
    "CallError",
    "CallFailed",
    "CallResult",
    "CallTimeout",
    "CsmsTransaction",
    "Direction",
    "Disconnected",
    "Failure",
    "JsonObject",
    "Ledger",
    "Link",
    "Raw",
    "Refused",
    "Reply",
    "ScriptError",
    "SimCharger",
    "SimCsms",
    "SimError",
    "SimStation",
    "SimTransaction",
    "Tally",
    "Then",
    "Unreachable",
    "Upgrade",
    "Verdict",
    "basic",
    "decode",
    "encode",
    "new_message_id",
]
