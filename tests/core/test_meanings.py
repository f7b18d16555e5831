"""Every word of OCPP that an installer may meet has a meaning and an advice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp import exceptions
from ocpp.v16 import enums as v16
from ocpp.v21 import enums as v21
from ocpp.v201 import enums as v201

from gateway.core.condition import CONDITIONS, UNKNOWN
from gateway.core.meanings import LONGEST_WORD, MEANINGS, Meaning, fault_text, meaning, nearest

KINDS = {
    "connector status": [
        ("1.6", v16.ChargePointStatus),
        ("2.0.1", v201.ConnectorStatusEnumType),
        ("2.1", v21.ConnectorStatusEnumType),
    ],
    "error code": [("1.6", v16.ChargePointErrorCode)],
    "charging state": [("2.0.1", v201.ChargingStateEnumType), ("2.1", v21.ChargingStateEnumType)],
    "stop reason": [("1.6", v16.Reason), ("2.0.1", v201.ReasonEnumType), ("2.1", v21.ReasonEnumType)],
    "trigger reason": [("2.0.1", v201.TriggerReasonEnumType), ("2.1", v21.TriggerReasonEnumType)],
    "authorization status": [
        ("1.6", v16.AuthorizationStatus),
        ("2.0.1", v201.AuthorizationStatusEnumType),
        ("2.1", v21.AuthorizationStatusEnumType),
    ],
    "registration status": [
        ("1.6", v16.RegistrationStatus),
        ("2.0.1", v201.RegistrationStatusEnumType),
        ("2.1", v21.RegistrationStatusEnumType),
    ],
}

ENUMERATIONS = [(kind, version, enum) for kind, enums in KINDS.items() for version, enum in enums]

# The device model of 2.0.1 is far larger: these are the parts and variables whose events are faults.
TROUBLE = {
    "component": [
        *("ChargingStation", "EVSE", "Connector", "ConnectorPlugRetentionLock", "PowerContactor", "RCD"),
        *("OverCurrentProtection", "GroundIsolationProtection", "TemperatureSensor", "TokenReader", "FiscalMetering"),
        *("ControlMetering", "CPPWMController", "ISO15118Ctrlr", "CHAdeMOCtrlr", "EmergencyStopSensor", "TiltSensor"),
        *("FloodSensor", "ShockSensor", "AcDcConverter", "Controller", "DataLink", "ELVSupply", "ElectricalFeed"),
        *("CaseAccessSensor", "CableBreakawaySensor", "AirCoolingSystem", "LiquidCoolingSystem"),
    ],
    "variable": ["Problem", "Tripped", "Overload", "VoltageImbalance", "CurrentImbalance", "Active", "ACVoltage"],
    "condition": [*(condition.word for condition in CONDITIONS.values()), UNKNOWN.word],
}


def words(kind: str, version: str) -> set[str]:
    return {row.word for row in MEANINGS if row.kind == kind and version in row.versions}


@pytest.mark.parametrize(("kind", "version", "enum"), ENUMERATIONS)
def test_every_word_of_an_enumeration_and_no_other(kind: str, version: str, enum: type[v16.Action]) -> None:
    assert words(kind, version) == {member.value for member in enum}


def test_every_callerror_code() -> None:
    # The package has neither of these; OCPP-J 2.0.1 section 4.3 lists them.
    codes = {"MessageTypeNotSupported", "RpcFrameworkError"}
    codes |= {error.code for error in exceptions.OCPPError.__subclasses__()}
    assert {row.word for row in MEANINGS if row.kind == "CALLERROR code"} == codes


@pytest.mark.parametrize("kind", TROUBLE)
def test_the_words_of_trouble(kind: str) -> None:
    assert {row.word for row in MEANINGS if row.kind == kind} >= set(TROUBLE[kind])


def test_parts_and_variables_are_spelled_as_in_the_device_model() -> None:
    parts = {part.value for names in (v201.PhysicalComponentName, v201.ControllerComponentName) for part in names}
    assert {row.word for row in MEANINGS if row.kind == "component"} <= parts
    assert {row.word for row in MEANINGS if row.kind == "variable"} <= {
        name.value for name in v201.StandardizedVariableName
    }


def test_conditions_are_those_of_the_connector_topic() -> None:
    assert {row.word for row in MEANINGS if row.kind == "condition"} == set(TROUBLE["condition"])


def test_stale_reasons_are_those_that_are_published() -> None:
    published = {"charger_offline", "unconfirmed", "restored_after_restart", "clock"}
    assert {row.word for row in MEANINGS if row.kind == "stale reason"} == published


def test_words_that_are_the_gateways_own() -> None:
    own = {(row.kind, row.word) for row in MEANINGS if row.versions == ("MQTT",)}
    assert {("error code", "Unknown"), ("stop reason", "unknown")} <= own
    assert ("connector status", "Occupied") in {(row.kind, row.word) for row in MEANINGS if "1.5" in row.versions}


@pytest.mark.parametrize("row", MEANINGS, ids=lambda row: f"{row.kind} {row.word}")
def test_a_row_is_whole(row: Meaning) -> None:
    assert row.severity in {None, "ok", "notice", "warning", "error"}
    assert (row.severity is None) <= (row.kind in {"component", "variable"})
    assert set(row.versions) <= {"1.5", "1.6", "2.0.1", "2.1", "MQTT"}
    assert row.versions
    for sentence in (row.text, row.advice):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert row in meaning(row.word)


def test_no_row_stands_twice() -> None:
    rows = [(row.kind, row.word.casefold()) for row in MEANINGS]
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("asked", ["SuspendedEV", "suspendedev", "SUSPENDED_EV", " suspended  ev ", "Suspended-EV"])
def test_spelling_does_not_matter(asked: str) -> None:
    kinds = ["connector status", "charging state", "condition"]
    assert [row.kind for row in meaning(asked)] == kinds


def test_a_word_may_have_several_uses() -> None:
    assert [row.kind for row in meaning("Accepted")] == ["authorization status", "registration status"]
    assert [row.kind for row in meaning("InternalError")] == ["error code", "CALLERROR code"]
    assert [row.kind for row in meaning("Faulted")] == ["connector status", "condition"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("SuspendedVE", "SuspendedEV"),
        ("Avaliable", "Available"),
        ("GroundFault", "GroundFault"),
        ("HighTemp", "HighTemperature"),
        ("UnderVolts", "UnderVoltage"),
        ("charger offline!", "charger_offline"),
    ],
)
def test_the_nearest_word(asked: str, found: str) -> None:
    assert nearest(asked).split(" or ")[0] == found


@given(st.text())
def test_any_text_is_answered(asked: str) -> None:
    assert meaning(asked) or all(meaning(word) for word in nearest(asked).split(" or "))


def test_a_text_of_any_length_is_answered_soon() -> None:
    assert meaning("x" * 10_000_000) == ()
    assert nearest("Faulted" + "x" * 10_000_000)
    assert max(len(row.word) for row in MEANINGS) < LONGEST_WORD


def test_the_text_of_a_fault() -> None:
    assert fault_text("HighTemperature", None) == (
        "It is too hot inside the charger. "
        "Free the air inlets and shade the charger; let an electrician check terminals and plug for heat."
    )
    assert fault_text("othererror", "PP01").startswith("A fault of the maker's own: vendorErrorCode holds the ")
    assert fault_text("OtherError", "PP01").endswith(" Maker's code: PP01")
    assert fault_text("Unknown", None).startswith("The charger says Faulted and gives no error code.")


@pytest.mark.parametrize("code", ["Error", "Accepted", "PowerLoss", ""])
def test_the_text_of_a_code_that_ocpp_does_not_know(code: str) -> None:
    unknown = "The charger gives an error code that OCPP does not know. Look it up in the charger's manual."
    assert fault_text(code, None) == unknown
    assert fault_text(code, "7") == f"{unknown} Maker's code: 7"
