"""How long to wait before trying again."""

from __future__ import annotations

MOST_DOUBLINGS = 60
"""After these any cap is reached; a float overflows at 1024 doublings, and an outage may last for weeks."""


def full_jitter(attempt: int, draw: float, base_s: float, cap_s: float) -> float:
    """Seconds to wait after failure number `attempt` (from 1): `draw` (in [0, 1)) of `base_s` doubled each.

    Uniform down to zero: a thousand peers that lost the same host must not come back in the same second.
    """
    doublings = min(max(attempt, 1) - 1, MOST_DOUBLINGS)
    return draw * min(cap_s, base_s * 2.0**doublings)
