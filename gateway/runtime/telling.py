"""Facts to MQTT messages: renders what the stations tell and hands it to the publisher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.facts import Fact
from gateway.runtime.ports import Publisher
from gateway.topics import Numbers, render


@dataclass(slots=True)
class Telling:
    """`listeners` hear of each fact after it was handed over."""

    publisher: Publisher
    gateway: str
    listeners: list[Callable[[Fact], None]] = field(default_factory=list)
    _numbers: Numbers = field(default_factory=Numbers)

    def __call__(self, fact: Fact) -> None:
        """Publish one fact; never blocks."""
        for message in render(fact, self.gateway, self._numbers):
            self.publisher.put(message)
        for listener in self.listeners:
            listener(fact)
