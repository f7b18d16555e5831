"""evgate: relays OCPP-J chargers to the operator's CSMS and publishes their state on MQTT."""

__version__ = "0.1.0"
