"""One fact of each kind, as the station and the gateway tell them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.core.condition import meaning_of
from gateway.core.energy import Energy
from gateway.core.facts import (
    ChargerCounts,
    ChargerInfo,
    ChargerState,
    ConnectivityChanged,
    ConnectorState,
    FaultChanged,
    Faults,
    GatewayInfo,
    GatewayState,
    MeterState,
    Quarantined,
    SessionChanged,
    SessionState,
    StatusChanged,
)
from gateway.core.memory import ConnectorRecord, FaultRecord, Phase, PreviousStatus, SessionRecord
from gateway.core.reports import BootReported, StatusReported
from gateway.topics import Context

AT = datetime(2026, 3, 1, 8, 5, 12, 340_000, UTC)
HOUR = timedelta(hours=1)
CONTEXT = Context("site1", "b7f1c0de", "synced")

REPORT = StatusReported(1, "SuspendedEV", charger_ts="2026-03-01T08:05:13Z")
RECORD = ConnectorRecord(
    report=REPORT,
    condition="suspended_ev",
    since=AT,
    previous=PreviousStatus("Charging", "charging", AT - HOUR),
    transition="C4",
    unexpected=2,
    visit=1772349000,
    plugged_at=AT - 2 * HOUR,
)
CONNECTOR = ConnectorState(
    at=AT,
    charger="cp01",
    record=RECORD,
    meaning=meaning_of("SuspendedEV"),
    protocol="ocpp1.6",
    fault=False,
    source="status_notification",
    stale=False,
    stale_since=None,
    stale_reason=None,
    upstream_delivered=False,
)
STATUS_CHANGED = StatusChanged(
    at=AT,
    charger="cp01",
    report=REPORT,
    condition_before="charging",
    condition="suspended_ev",
    transition="C4",
    expected=True,
    dwell_s=2008,
)
CHARGER = ChargerState(
    at=AT,
    charger="cp01",
    online=True,
    since=AT,
    last_seen=AT,
    report=StatusReported(0, "Faulted", "GroundFailure", "RCD", None, "0x17"),
    condition="faulted",
    status_since=AT - HOUR,
    fault=True,
    stale=False,
    stale_reason=None,
    registered="accepted",
    last_boot=None,
    reconnects_24h=2,
    clock_skew_s=-1.4321,
    remote_addr="10.0.0.31",
)
INFO = ChargerInfo(
    at=AT,
    charger="cp01",
    identity="CP01",
    name="Wallbox left",
    boot=BootReported("ExampleCo", "Duo 22", "EX0012345", "4.2.0", "M7"),
    protocol="ocpp1.6",
    connectors=(1, 2),
    security_profile=1,
    first_seen=AT - timedelta(days=90),
)
CONNECTIVITY = ConnectivityChanged(AT, "cp01", "online", "10.0.0.31", 2)
FAULT = FaultRecord(
    number=1772352720,
    connector_id=2,
    code="OtherError",
    vendor_id="com.example",
    vendor_error_code="PP01",
    info=None,
    severity="error",
    raised=AT,
    last_seen=AT + HOUR,
    occurrences=3,
    pre_fault_status="Charging",
)
WARNING = FaultRecord(1772352721, 0, "WeakSignal", None, None, "-110 dBm", "warning", AT, AT)
FAULTS = Faults(AT, "cp01", (WARNING, FAULT), stale=False)
FAULT_CHANGED = FaultChanged(AT, "cp01", "raised", FAULT)
METER = MeterState(
    at=AT,
    charger="cp01",
    connector_id=1,
    readings={"power_w": 10807.6, "energy_import_wh": 4611954, "soc_pct": None},
    context="Sample.Periodic",
    charger_ts="2026-03-01T08:05:11Z",
    transaction_id=7712,
)
OPEN = SessionRecord(
    number=1772349100,
    connector_id=1,
    energy=Energy(start_wh=4605100, now_wh=4611954, energy_wh=6854),
    transaction_id=7712,
    id_tag="****4F2A",
    started=AT - HOUR,
    visit=1772349000,
    plugged_at=AT - 2 * HOUR,
    phases=(Phase("charging", AT - HOUR, 1988.9), Phase("suspended_ev", AT, 0.0)),
    charging_s=1988.9,
    max_power_w=11040.2,
)
ENDED = SessionRecord(
    number=1772349100,
    connector_id=1,
    energy=Energy(4605100, 4625480, 4625480, 20380, resets=1, estimated=True),
    transaction_id=7712,
    id_tag="****4F2A",
    started=AT - HOUR,
    ended=AT,
    stop_reason="EVDisconnected",
    revision=1,
    unplugged_at=AT,
    ended_late=True,
    start_delivered=True,
    signed=True,
)
SESSION = SessionState(AT, "cp01", OPEN, duration_s=3600, power_w=10807.6, stale=False)
SESSION_CHANGED = SessionChanged(AT, "cp01", "CP01", "ended", ENDED, duration_s=3600)
GATEWAY_INFO = GatewayInfo(
    at=AT,
    site="site1",
    site_name="Berlin Depot 3",
    version="0.1.0",
    started=AT,
    boot_id="b7f1c0de",
    os="Debian 12",
    ocpp_versions=("1.6",),
    protocol=5,
    broker="127.0.0.1:1883",
    chargers=("cp01", "cp02"),
)
STRANGER = Quarantined("CP99", "10.0.0.99", ("ocpp1.6",), "unknown identity", AT, 3)
GATEWAY_STATE = GatewayState(
    at=AT,
    health="degraded",
    reasons=("upstream_offline:cp02",),
    uptime_s=609,
    chargers=ChargerCounts(2, 2, 0, 1, 1),
    upstream_links=2,
    upstream_online=1,
    reconnects=1,
    connected_since=AT,
    clock_trust="learned",
    clock_source="operator",
    clock_offset_ms=-312,
    db_bytes=4096,
    quarantine=40,
    quarantined=(STRANGER,) * 40,
    counters={"late_answer": 2, "call_relayed": 7},
)
