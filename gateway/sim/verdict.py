"""Compares two ledgers: what one end sent through the gateway, and what arrived at the other end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.sim.framing import Call, CallError, CallResult, MessageId, decode
from gateway.sim.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Passage:
    """Frames through the gateway in one direction."""

    sent: int = 0
    arrived: int = 0
    lost: int = 0
    doubled: int = 0
    in_order: bool = True

    def __add__(self, other: Passage) -> Passage:
        return Passage(
            self.sent + other.sent,
            self.arrived + other.arrived,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.in_order and other.in_order,
        )

    @property
    def flawless(self) -> bool:
        """Everything arrived once and in order."""
        return self.lost == 0 and self.doubled == 0 and self.in_order


def passage(sender: Ledger, receiver: Ledger) -> Passage:
    """What arrived of the sender's frames. Traffic with the gateway itself does not count."""
    calls = {frame.message_id for frame in map(decode, receiver.sent) if isinstance(frame, Call)}
    sent = [text for text in sender.sent if _concerns(text, calls)]
    known = set(sent)
    arrived = [text for text in receiver.received if text in known]
    there = set(arrived)
    return Passage(
        sent=len(sent),
        arrived=len(arrived),
        lost=(Counter(sent) - Counter(arrived)).total(),
        doubled=(Counter(arrived) - Counter(sent)).total(),
        in_order=list(dict.fromkeys(arrived)) == [text for text in dict.fromkeys(sent) if text in there],
    )


def _concerns(text: str, calls_of_receiver: set[MessageId]) -> bool:
    """Whether a frame is for the other end: all but answers to calls that the other end never made."""
    frame = decode(text)
    return not isinstance(frame, CallResult | CallError) or frame.message_id in calls_of_receiver
