"""What the simulated charger answers to upstream's commands, unless a script says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gateway.sim.answers import Failure, Reply, Rule, Then
from gateway.sim.framing import Call, JsonObject
from gateway.sim.link import Link

# Commands that only need a word of consent.
_FIXED: dict[str, JsonObject] = {
    "CancelReservation": {"status": "Accepted"},
    "CertificateSigned": {"status": "Accepted"},
    "ClearCache": {"status": "Accepted"},
    "ClearChargingProfile": {"status": "Accepted"},
    "DataTransfer": {"status": "UnknownVendorId"},
    "DeleteCertificate": {"status": "NotFound"},
    "GetDiagnostics": {},
    "GetInstalledCertificateIds": {"status": "NotFound"},
    "GetLog": {"status": "Accepted", "filename": "simulated.log"},
    "InstallCertificate": {"status": "Accepted"},
    "ReserveNow": {"status": "Accepted"},
    "SetChargingProfile": {"status": "Accepted"},
    "SignedUpdateFirmware": {"status": "Accepted"},
    "UnlockConnector": {"status": "Unlocked"},
    "UpdateFirmware": {},
}

_ACCEPTED: JsonObject = {"status": "Accepted"}
_REJECTED: JsonObject = {"status": "Rejected"}


@dataclass(slots=True)
class SimTransaction:
    """One transaction as the charger sees it; energies are meter readings in Wh."""

    connector: int
    id_tag: str
    meter_start: int
    transaction_id: int
    id_tag_status: str
    meter_stop: int | None = None


@dataclass(slots=True)
class SimConnector:
    """What the charger knows about one connector (0 = the charger as a whole)."""

    status: str = "Available"
    error_code: str = "NoError"
    meter_wh: int = 0
    transaction: SimTransaction | None = None


class Charger(Protocol):
    """The part of SimCharger that rules act on."""

    connectors: dict[int, SimConnector]

    @property
    def link(self) -> Link: ...
    async def boot(self) -> JsonObject: ...
    async def heartbeat(self) -> JsonObject: ...
    async def statuses(self) -> None: ...
    async def status(self, connector: int, status: str, error_code: str = ...) -> JsonObject: ...
    async def start(self, connector: int, id_tag: str) -> SimTransaction: ...
    async def meter(self, connector: int) -> JsonObject: ...
    async def stop(self, connector: int, reason: str = ...) -> SimTransaction: ...
    async def finish(self, connector: int, reason: str = ...) -> SimTransaction: ...


class ChargerRules:
    """Default answers; `configuration` holds the keys of Get- and ChangeConfiguration."""

    def __init__(self, charger: Charger, *, acts_on_commands: bool) -> None:
        self._charger = charger
        self.acts_on_commands = acts_on_commands
        self.local_list_version = 0
        self.configuration: dict[str, str] = {
            "HeartbeatInterval": "300",
            "MeterValueSampleInterval": "60",
            "MinimumStatusDuration": "0",
            "NumberOfConnectors": str(len(charger.connectors) - 1),
            "StopTransactionOnInvalidId": "true",
            "SupportedFeatureProfiles": "Core,LocalAuthListManagement,Reservation,RemoteTrigger",
            "TransactionMessageAttempts": "3",
            "TransactionMessageRetryInterval": "60",
            "WebSocketPingInterval": "0",
        }
        self.readonly = {"NumberOfConnectors", "SupportedFeatureProfiles"}

    def table(self) -> dict[str, Rule]:
        """Action -> rule."""
        rules: dict[str, Rule] = {action: _always(reply) for action, reply in _FIXED.items()}
        rules |= {
            "ChangeAvailability": self._change_availability,
            "ChangeConfiguration": self._change_configuration,
            "ExtendedTriggerMessage": self._trigger,
            "GetCompositeSchedule": self._composite_schedule,
            "GetConfiguration": self._get_configuration,
            "GetLocalListVersion": lambda _: {"listVersion": self.local_list_version},
            "RemoteStartTransaction": self._remote_start,
            "RemoteStopTransaction": self._remote_stop,
            "Reset": self._reset,
            "SendLocalList": self._send_local_list,
            "TriggerMessage": self._trigger,
        }
        return rules

    def _change_availability(self, call: Call) -> Reply | Then:
        number = _integer(call.payload.get("connectorId"))
        if number not in self._charger.connectors:
            return _REJECTED
        if not self.acts_on_commands:
            return _ACCEPTED
        if self._charger.connectors[number].transaction is not None:
            return {"status": "Scheduled"}
        status = "Available" if call.payload.get("type") == "Operative" else "Unavailable"
        return Then(_ACCEPTED, lambda: self._charger.status(number, status))

    def _change_configuration(self, call: Call) -> Reply:
        key = str(call.payload.get("key"))
        if key in self.readonly:
            return _REJECTED
        if key not in self.configuration and key != "AuthorizationKey":
            return {"status": "NotSupported"}
        # AuthorizationKey is write-only: GetConfiguration never shows it.
        if key != "AuthorizationKey":
            self.configuration[key] = str(call.payload.get("value"))
        return _ACCEPTED

    def _get_configuration(self, call: Call) -> Reply:
        named = call.payload.get("key")
        wanted = [str(key) for key in named] if isinstance(named, list) and named else list(self.configuration)
        known = [
            {"key": key, "readonly": key in self.readonly, "value": self.configuration[key]}
            for key in wanted
            if key in self.configuration
        ]
        reply: JsonObject = {"configurationKey": known}
        unknown = [key for key in wanted if key not in self.configuration]
        if unknown:
            reply["unknownKey"] = unknown
        return reply

    def _composite_schedule(self, call: Call) -> Reply:
        return {"status": "Accepted", "connectorId": call.payload.get("connectorId", 0)}

    def _send_local_list(self, call: Call) -> Reply:
        self.local_list_version = _integer(call.payload.get("listVersion"))
        return _ACCEPTED

    def _remote_start(self, call: Call) -> Reply | Then:
        number = _integer(call.payload.get("connectorId", 1))
        place = self._charger.connectors.get(number)
        if number == 0 or place is None or place.transaction is not None:
            return _REJECTED
        if not self.acts_on_commands:
            return _ACCEPTED
        return Then(_ACCEPTED, lambda: self._begin(number, str(call.payload.get("idTag", ""))))

    async def _begin(self, connector: int, id_tag: str) -> None:
        await self._charger.status(connector, "Preparing")
        await self._charger.start(connector, id_tag)
        await self._charger.status(connector, "Charging")

    def _remote_stop(self, call: Call) -> Reply | Then:
        wanted = call.payload.get("transactionId")
        for number, place in self._charger.connectors.items():
            if place.transaction is not None and place.transaction.transaction_id == wanted:
                if not self.acts_on_commands:
                    return _ACCEPTED
                return Then(_ACCEPTED, partial(self._charger.finish, number, "Remote"))
        return _REJECTED

    def _reset(self, call: Call) -> Reply | Then:
        if not self.acts_on_commands:
            return _ACCEPTED
        reason = "HardReset" if call.payload.get("type") == "Hard" else "SoftReset"
        return Then(_ACCEPTED, partial(self._reboot, reason))

    async def _reboot(self, reason: str) -> None:
        for number, place in self._charger.connectors.items():
            if place.transaction is not None:
                await self._charger.stop(number, reason)
        # Whoever keeps the charger connected dials again and boots.
        await self._charger.link.close(1000, "reset")

    def _trigger(self, call: Call) -> Reply | Then:
        number = _integer(call.payload["connectorId"]) if "connectorId" in call.payload else None
        if number is not None and number not in self._charger.connectors:
            return _REJECTED
        match call.payload.get("requestedMessage"):
            case "BootNotification":
                return Then(_ACCEPTED, self._charger.boot)
            case "Heartbeat":
                return Then(_ACCEPTED, self._charger.heartbeat)
            case "MeterValues":
                return Then(_ACCEPTED, lambda: self._charger.meter(number or 1))
            case "StatusNotification":
                return Then(_ACCEPTED, lambda: self._report(number))
            case str():
                return {"status": "NotImplemented"}
            case _:
                return Failure("FormationViolation", "requestedMessage is missing")

    async def _report(self, number: int | None) -> None:
        if number is None:
            await self._charger.statuses()
        else:
            place = self._charger.connectors[number]
            await self._charger.status(number, place.status, place.error_code)


def _integer(value: object) -> int:
    """The value, or -1, which is no connector and no list version, when it is not a whole number."""
    return value if isinstance(value, int) else -1


def _always(reply: JsonObject) -> Rule:
    return lambda _: reply
