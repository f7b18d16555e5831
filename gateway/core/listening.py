"""Which of the sockets that systemd passed serves which configured address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

Endpoint = tuple[str, int]
"""An IP address, without brackets, and a TCP port."""


@dataclass(frozen=True, slots=True)
class Matching:
    """For each configured address the position of its passed socket, None where there is none; and those left over."""

    of: tuple[int | None, ...]
    unused: tuple[int, ...]


def match(configured: Sequence[Endpoint], passed: Sequence[Endpoint]) -> Matching:
    """Find each configured address its passed socket: the same address, or else `::` on the same port.

    One passed socket may serve several addresses.
    """
    of = tuple(_position(endpoint, passed) for endpoint in configured)
    return Matching(of, tuple(position for position in range(len(passed)) if position not in of))


def _position(wanted: Endpoint, passed: Sequence[Endpoint]) -> int | None:
    host, port = ip_address(wanted[0]), wanted[1]
    here = {position: ip_address(address) for position, (address, at) in enumerate(passed) if at == port}
    same = [position for position, address in here.items() if address == host]
    # A socket on :: takes IPv4 as well, unless BindIPv6Only= says otherwise, which nobody does by accident.
    every = [position for position, address in here.items() if address.version == 6 and address.is_unspecified]
    return next(iter([*same, *every]), None)
