"""OCPP 1.6: payloads to reports, and the calls of the gateway's own.

Reading is lenient, because dirty frames are normal in the field: a status outside the enumeration, a number where a
string belongs, an empty string for an absent field. What was odd is named, the fact is still made, and the frame itself
is relayed by others, untouched.

The oddities:

    unreadable_connector, unreadable_status                  there is no fact without them
    unknown_status, unknown_error_code, unknown_reason       words that are not OCPP's, kept as sent
    missing_error_code, missing_vendor_or_model, missing_id_tag, missing_transaction, missing_time, missing_meter
    unreadable_transaction                                   something stands there, and it is no number of 64 bits
    unreadable_time, implausible_time                        the report tells no instant then
    time_without_zone                                        taken for UTC
    unreadable_meter, negative_meter, absurd_meter           meterStart and meterStop tell no register then
    empty_meter_value, empty_sampled_value                   a list with nothing in it
    unreadable_meter_value, unreadable_sampled_value         something else than a list of objects
    object_instead_of_list                                   read as the list's only entry
    too_many_samples                                         only the last are read
"""

from __future__ import annotations

from gateway.dialects.v16.dialect import Dialect16

__all__ = ["Dialect16"]
