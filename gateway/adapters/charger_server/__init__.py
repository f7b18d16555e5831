"""Accepts chargers by WebSocket: identity, subprotocol, credentials to the doors; frames to the link's events."""

from gateway.adapters.charger_server.server import ChargerServer, Listener, ListenerState, ListenFailed

__all__ = ["ChargerServer", "ListenFailed", "Listener", "ListenerState"]
