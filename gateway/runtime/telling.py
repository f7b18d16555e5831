"""Facts to MQTT messages: renders what the stations tell and hands it to the publisher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.facts import Fact
from gateway.runtime.ports import Publisher
from gateway.topics import Context, Numbers, render


@dataclass(slots=True)
class Telling:
    """`gateway` is the site id, `boot_id` that of gateway/info, `trust` says how far the clock is trusted right now.

    `listeners` hear of each fact after it was handed over.
    """

    publisher: Publisher
    gateway: str
    boot_id: str
    trust: Callable[[], str]
    listeners: list[Callable[[Fact], None]] = field(default_factory=list)
    _numbers: Numbers = field(default_factory=Numbers)

    def __call__(self, fact: Fact) -> None:
        """Publish one fact; never blocks."""
        context = Context(self.gateway, self.boot_id, self.trust())
        for message in render(fact, context, self._numbers):
            self.publisher.put(message)
        for listener in self.listeners:
            listener(fact)
