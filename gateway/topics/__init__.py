"""What is published where on MQTT: one table (`table`), and the payload of each row (the modules beside it).

Topics are below the base (`<root>/<gateway id>`). Payloads are JSON objects in which every documented key is
always present, null for what is unknown; availability topics carry a bare word. Keys are only added in `v` 1.
"""

from __future__ import annotations

from gateway.topics.payload import Context
from gateway.topics.rendering import Numbers, render
from gateway.topics.table import TOPICS, topics_table

__all__ = ["TOPICS", "Context", "Numbers", "render", "topics_table"]
