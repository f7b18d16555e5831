"""The keys that are documented for each topic, nested ones with a dot."""

from __future__ import annotations

from typing import Any, Final

READINGS: Final = """power_w power_l1_w power_l2_w power_l3_w power_offered_w current_l1_a current_l2_a current_l3_a
    current_a current_n_a current_offered_a voltage_l1_v voltage_l2_v voltage_l3_v voltage_l1_l2_v voltage_l2_l3_v
    voltage_l3_l1_v voltage_v frequency_hz power_factor energy_import_wh energy_export_wh reactive_power_var soc_pct
    temperature_c"""
FAULT: Final = """fault_id connector code vendor_id vendor_error_code key text info severity source raised last_seen
    occurrences pre_fault_status transaction_id latched"""
SESSION: Final = """connector revision session_id visit_id transaction_id local_transaction_id id_tag plugged_at
    started ended unplugged_at duration_s charging_s phases meter_start_wh meter_stop_wh energy_wh energy_source
    estimated resets max_power_w soc_start_pct soc_pct stop_reason started_offline ended_offline time_trust"""
EVENT: Final = "v event_id seq ts time_trust replayed gateway event charger"

KEYS: Final = {
    "gateway/info": """v ts gateway site site_name product version started boot_id os ocpp_versions mqtt mqtt.protocol
        mqtt.broker commands commands.enabled commands.allowed chargers meters asyncapi""",
    "gateway/state": """v ts seq gateway health reasons uptime_s chargers chargers.configured chargers.online
        chargers.stale chargers.faulted chargers.charging meters meters.configured meters.online upstream upstream.links
        upstream.online upstream.queued upstream.oldest_queued outbox outbox.queued outbox.oldest outbox.dead
        outbox.dropped outbox.db_bytes mqtt mqtt.reconnects mqtt.connected_since clock clock.trust clock.source
        clock.offset_ms counters quarantine quarantined""",
    "charger/cp01/info": """v ts gateway charger identity name vendor model serial firmware ocpp_version connectors
        features quirks security_profile first_seen meter_serial""",
    "charger/cp01/state": """v ts seq gateway charger online since last_seen status condition status_since error_code
        vendor_error_code info fault stale stale_reason registered last_boot boot_reason reconnects_24h clock_skew_s
        firmware_status diagnostics_status rtt_ms remote_addr""",
    "charger/cp01/faults": "v ts seq gateway charger count worst stale faults",
    "charger/cp01/connector/1/state": """v ts seq gateway charger connector evse_id connector_id ocpp_version status
        error_code info vendor_id vendor_error_code charger_ts condition plugged charging in_session operative reserved
        locked fault since previous transition expected unexpected_transitions visit_id plugged_at source stale
        stale_since stale_reason upstream_delivered""",
    "charger/cp01/connector/1/session": f"v ts seq gateway charger {SESSION} active meter_now_wh power_w stale",
    "charger/cp01/connector/1/meter": f"""v ts seq gateway charger connector source context charger_ts transaction_id
        {READINGS} stale extra""",
    "event/status/cp01/1": f"""{EVENT} connector from to status error_code info vendor_id vendor_error_code charger_ts
        transition expected dwell_s""",
    "event/fault/cp01/1": f"{EVENT} {FAULT} cleared duration_s cleared_by",
    "event/session/cp01/1": f"""{EVENT} {SESSION} identity upstream_start_delivered upstream_stop_delivered
        signed_meter""",
    "event/connectivity/cp01": f"{EVENT} remote_addr reconnects_24h",
}

PREVIOUS: Final = {"status", "condition", "since"}
PHASE: Final = {"name", "since", "seconds"}
QUARANTINED: Final = {"identity", "address", "subprotocols", "reason", "last_seen", "attempts", "credentials"}


def keys_of(payload: dict[str, Any], prefix: str = "") -> set[str]:
    """All keys but those below `previous`, which may be null, and of what names itself: `counters` and `extra`."""
    keys = set()
    for key, value in payload.items():
        keys.add(prefix + key)
        if isinstance(value, dict) and key not in ("previous", "counters", "extra"):
            keys |= keys_of(value, f"{prefix}{key}.")
    return keys
