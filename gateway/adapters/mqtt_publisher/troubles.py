"""What the log is told of messages that are not published."""

from __future__ import annotations

import logging
from collections import defaultdict

log = logging.getLogger(__name__)


class Troubles:
    """Says it once for all topics of a kind: a site's chargers differ in nothing that matters to a broker."""

    def __init__(self) -> None:
        self._troubled: defaultdict[str, set[str]] = defaultdict(set)

    def tell(self, topic: str, text: str) -> None:
        """A message was not published; `text` ends with what to do next."""
        kind = kind_of(topic)
        level = logging.DEBUG if self._troubled[kind] else logging.WARNING
        self._troubled[kind].add(topic)
        log.log(level, "MQTT: %s not published: %s", topic, text)

    def over(self, topic: str) -> None:
        """A message was published."""
        kind = kind_of(topic)
        if topic in self._troubled[kind]:
            self._troubled[kind].discard(topic)
            if not self._troubled[kind]:
                log.info("MQTT: %s is published again", topic)


def kind_of(topic: str) -> str:
    """Topics of one kind differ in their ids only: `charger/cp01/state` and `charger/cp02/state`."""
    first, _, rest = topic.partition("/")
    if first == "event":
        return f"event/{rest.partition('/')[0]}/…"
    return f"{first}/…/{rest.rpartition('/')[2]}" if rest else topic
