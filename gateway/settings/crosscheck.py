"""What no single section can see: names used twice, references to nothing, two listeners on one port.

It works on the tree as written, beside pydantic, so that one run reports everything. Values of the wrong type
are pydantic's to report and are passed over here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from pydantic_core import PydanticCustomError

from gateway.core.record import identity_key
from gateway.settings.addresses import (
    Address,
    host_of,
    is_loopback,
    port_of,
    read_addresses,
    read_upstream_url,
)
from gateway.settings.origins import Origins, Path
from gateway.settings.problems import Problem, listed, nearest, shown
from gateway.settings.sections import DEFAULT_LISTEN, DEFAULT_PAGE_LISTEN, DEFAULT_TLS_LISTEN

T = TypeVar("T")
Tree = Mapping[str, object]
Findings = Iterator[tuple[Path, str]]

# List of tables, key, and the form in which two values are the same.
_UNIQUE: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("charger", "identity", identity_key),
    ("charger", "alias", str),
    ("upstream", "name", str.casefold),
    ("bus", "id", str),
    ("bus", "url", str.casefold),
    ("meter", "id", str),
)


def crosscheck(tree: Tree, origins: Origins, *, complete: bool = True) -> list[Problem]:
    """Every problem between sections; references are passed over if the tree is not `complete`."""
    checks = (_duplicates, _references, _ports, _loops) if complete else (_duplicates, _ports, _loops)
    return [origins.problem(path, text) for check in checks for path, text in check(tree, origins)]


def _duplicates(tree: Tree, origins: Origins) -> Findings:
    for section, key, form in _UNIQUE:
        first: dict[str, Path] = {}
        for path, item in _items(tree, section):
            value = item.get(key)
            if not isinstance(value, str):
                continue
            earlier = first.setdefault(form(value), path)
            if earlier != path:
                there = origins.of((*earlier, key))
                yield (
                    (*path, key),
                    f"{shown(value)} is already used in {there}; remove or rename one of the two",
                )


def _references(tree: Tree, _: Origins) -> Findings:
    upstreams = _values(tree, "upstream", "name")
    read_only = [
        name
        for _, item in _items(tree, "upstream")
        if item.get("mode") == "read_only" and isinstance(name := item.get("name"), str)
    ]
    buses = _values(tree, "bus", "id")
    meters = _values(tree, "meter", "id")
    for path, charger in _items(tree, "charger"):
        yield from _reference((*path, "upstream"), charger.get("upstream"), "upstream", upstreams)
        if charger.get("upstream") in read_only:
            yield (*path, "upstream"), 'names an upstream with mode = "read_only"; name one that is primary'
        used = charger.get("meters")
        for connector, meter in used.items() if isinstance(used, Mapping) else ():
            yield from _reference((*path, "meters", connector), meter, "meter", meters)
    for path, meter in _items(tree, "meter"):
        yield from _reference((*path, "bus"), meter.get("bus"), "bus", buses)
    yield from _units(tree)


def _reference(path: Path, value: object, section: str, known: list[str]) -> Findings:
    if not isinstance(value, str) or value in known:
        return
    meant = nearest(value, known)
    if meant:
        text = f'did you mean "{meant}"?'
    elif known:
        text = f"known are {listed([shown(name) for name in known])}"
    else:
        text = f"there is no [[{section}]] at all, add one"
    yield path, f"names no [[{section}]]: {shown(value)}; {text}"


def _units(tree: Tree) -> Findings:
    lines = [
        item.get("id")
        for _, item in _items(tree, "bus")
        if isinstance(url := item.get("url"), str) and url.startswith(("serial:", "rtu+tcp:"))
    ]
    for path, meter in _items(tree, "meter"):
        unit = meter.get("unit")
        if meter.get("bus") in lines and isinstance(unit, int) and (unit == 0 or 247 < unit <= 255):
            yield (*path, "unit"), f"must be between 1 and 247 on a serial line, not {unit}"


def _ports(tree: Tree, origins: Origins) -> Findings:
    """Two listeners on one port, as the kernel sees it; our IPv6 sockets do not take IPv4."""
    taken: list[tuple[Path, Address]] = []
    for path, address in _listeners(tree):
        for other_path, other in taken:
            same_family = (":" in address.host) == (":" in other.host)
            overlap = address.host == other.host or address.everywhere or other.everywhere
            if address.port and address.port == other.port and same_family and overlap:
                there = f" ({origins.of(other_path)})" if other_path in origins.by_path else ", its default"
                key = origins.key(other_path)
                yield path, f"{address} collides with {other} of {key}{there}; use another port"
        taken.append((path, address))
    chargers = _table(tree, "chargers")
    if chargers.get("listen") == [] and ("tls" not in chargers or _table(chargers, "tls").get("listen") == []):
        yield ("chargers", "listen"), 'no charger can connect anywhere; write "0.0.0.0:9000" for example'


def _loops(tree: Tree, _: Origins) -> Findings:
    """An upstream that is the gateway itself would make every charger call itself, for ever."""
    own = {
        address.port
        for path, address in _listeners(tree)
        if path[0] == "chargers" and address.port and (address.everywhere or is_loopback(address.host))
    }
    for path, upstream in _items(tree, "upstream"):
        url = _accepted(read_upstream_url, upstream.get("url"))
        if isinstance(url, str) and port_of(url) in own and is_loopback(host_of(url)):
            yield (*path, "url"), "points at this gateway itself; write the address of the operator's CSMS"


def _listeners(tree: Tree) -> Iterator[tuple[Path, Address]]:
    """Every address that something will listen on, with the key that says so, defaults included."""
    chargers = _table(tree, "chargers")
    wanted: list[tuple[Path, object]] = [(("chargers", "listen"), chargers.get("listen", DEFAULT_LISTEN))]
    if "tls" in chargers:
        tls = _table(chargers, "tls").get("listen", DEFAULT_TLS_LISTEN)
        wanted.append((("chargers", "tls", "listen"), tls))
    page = _table(tree, "status_page").get("listen", DEFAULT_PAGE_LISTEN)
    for path, value in (*wanted, (("status_page", "listen"), page)):
        for address in _accepted(read_addresses, value) or ():
            yield path, address


def _accepted(read: Callable[[object], T], value: object) -> T | None:
    """The value as pydantic will read it, None where it will report a problem."""
    try:
        return read(value)
    except PydanticCustomError:
        return None


def _table(tree: Tree, key: str) -> Tree:
    table = tree.get(key)
    return table if isinstance(table, Mapping) else {}


def _items(tree: Tree, section: str) -> Iterator[tuple[Path, Tree]]:
    """The tables of a list, with their paths."""
    items = tree.get(section)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, Mapping):
            yield (section, index), item


def _values(tree: Tree, section: str, key: str) -> list[str]:
    """The texts under a key in every table of a list."""
    return [value for _, item in _items(tree, section) if isinstance(value := item.get(key), str)]
