"""MQTT through paho: `MqttPublisher` keeps a broker's retained state as it was last told, and hands on events."""

from __future__ import annotations

from gateway.adapters.mqtt_publisher.absent import AbsentPublisher
from gateway.adapters.mqtt_publisher.options import Broker, Pace
from gateway.adapters.mqtt_publisher.publisher import MqttPublisher

__all__ = ["AbsentPublisher", "Broker", "MqttPublisher", "Pace"]
