"""Times as peers write them: any form of ISO 8601, and what firmware makes of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

LONGEST_TIME = 40
"""RFC 3339 with nanoseconds and offset takes 35 characters."""

EARLIEST_YEAR, LATEST_YEAR = 2020, 2099
"""Outside of these the peer has lost its own clock: they start at 1970 or 2000, and wrap around after 2100."""

UNREADABLE: Final = "unreadable_time"
IMPLAUSIBLE: Final = "implausible_time"
ZONELESS: Final = "time_without_zone"

# Seconds may be missing, fractions have any length, the offset may lack its minutes or stand apart.
_FORM: Final = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)? ?(Z|([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)


def instant(text: str) -> tuple[datetime | None, str | None]:
    """The instant (UTC) and what is odd: None if `unreadable_time` or `implausible_time`, UTC if `time_without_zone`.

    29 February of a common year and 24:00 are unreadable: which day was meant is anybody's guess.
    """
    text = text.strip().upper()
    form = _FORM.fullmatch(text) if len(text) <= LONGEST_TIME else None
    if form is None:
        return None, UNREADABLE
    year, month, day, hour, minute, second, fraction, zone, sign, hours, minutes = form.groups(default="")
    if int(minutes or 0) > 59:
        return None, UNREADABLE
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        local = datetime(
            *(int(year), int(month), int(day), int(hour), int(minute), int(second or 0)),
            microsecond=int(fraction[:6].ljust(6, "0")),
            tzinfo=timezone(-offset if sign == "-" else offset),
        )
    except ValueError:
        return None, UNREADABLE
    if not EARLIEST_YEAR <= local.year <= LATEST_YEAR:
        return None, IMPLAUSIBLE
    return local.astimezone(UTC), None if zone else ZONELESS
