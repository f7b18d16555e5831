"""The types of configuration values: what they accept, what they mean, what they refuse."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from gateway.core.identity import upstream_url
from gateway.settings import Address
from gateway.settings.addresses import (
    host_of,
    is_loopback,
    port_of,
    read_address,
    read_addresses,
    read_bus_url,
    read_local_address,
    read_mqtt_url,
    read_upstream_url,
)
from gateway.settings.values import duration_text, read_duration, read_size, size_text
from tests.settings.site import problems_of, settings_from


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("24h", 86_400), ("7d", 604_800), ("0.5s", 0.5), ("1.5h", 5_400), ("0s", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("value", ["90", 90, 1.5, "", "s", "-1s", "1 m", "1h30m", "1w", "999999999d", "٣s", True, None])
def test_what_is_no_duration(value: object) -> None:
    with pytest.raises(PydanticCustomError, match='must be a length of time such as "90s"'):
        read_duration(value)


@given(st.integers(min_value=0, max_value=10**7), st.sampled_from("smhd"))
def test_durations_are_shown_as_they_can_be_written(number: int, unit: str) -> None:
    length = read_duration(f"{number}{unit}")
    assert read_duration(duration_text(length)) == length


def test_fractions_of_a_second_are_shown() -> None:
    assert duration_text(timedelta(milliseconds=200)) == "0.2s"


@pytest.mark.parametrize(
    ("text", "size"),
    [("2MiB", 2_097_152), ("200MB", 200_000_000), ("64 KiB", 65_536), ("1kB", 1_000), ("1KB", 1_000), ("7B", 7)],
)
def test_sizes(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("value", ["2", "2M", "MiB", "-2MiB", "2mib", "2.5MiB", "2TB", "2kiB", True, None, 2.0])
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(PydanticCustomError, match='must be a size such as "2MiB"'):
        read_size(value)


def test_a_size_without_unit_is_asked_for_one() -> None:
    with pytest.raises(PydanticCustomError, match='needs a unit: write "2MiB" or "200MB", not 2097152'):
        read_size(2_097_152)


@given(st.integers(min_value=0, max_value=10**11), st.sampled_from(["B", "kB", "MB", "GB", "KiB", "MiB", "GiB"]))
def test_sizes_are_shown_as_they_can_be_written(number: int, unit: str) -> None:
    size = read_size(f"{number}{unit}")
    if size < 10**12:
        assert read_size(size_text(size)) == size


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[chargers]\nidle_limit = '20s'", 'chargers.idle_limit: must be between 30s and 24h, not "20s"'),
        ("[chargers]\nidle_limit = '25h'", 'chargers.idle_limit: must be between 30s and 24h, not "25h"'),
        ("[chargers]\nmax_frame = '1KiB'", 'chargers.max_frame: must be between 64KiB and 64MiB, not "1KiB"'),
        ("[chargers]\nmax_frame = '1GiB'", 'chargers.max_frame: must be between 64KiB and 64MiB, not "1GiB"'),
        ("[store]\nquota = '1MB'", 'store.quota: must be between 20MB and 1000GB, not "1MB"'),
        ("[authorization]\ncache_max_age = '1s'", 'authorization.cache_max_age: must be between 1m and 365d, not "1s"'),
    ],
)
def test_limits(text: str, problem: str) -> None:
    assert problems_of(text) == [f"a.toml:2: {problem}"]


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("0.0.0.0:9000", Address("0.0.0.0", 9000), "0.0.0.0:9000"),
        ("[::]:9000", Address("::", 9000), "[::]:9000"),
        ("[FE80::1%eth0]:1", Address("fe80::1%eth0", 1), "[fe80::1%eth0]:1"),
        ("127.0.0.1:0", Address("127.0.0.1", 0), "127.0.0.1:0"),
    ],
)
def test_addresses(text: str, address: Address, shown: str) -> None:
    assert read_address(text) == address
    assert str(read_address(address)) == shown


def test_one_address_or_a_list() -> None:
    assert read_addresses("127.0.0.1:1") == (Address("127.0.0.1", 1),)
    assert read_addresses(["127.0.0.1:1", "[::1]:2"]) == (Address("127.0.0.1", 1), Address("::1", 2))
    assert Address("0.0.0.0", 1).everywhere
    assert not Address("::1", 1).everywhere


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (9000, 'must be "address:port" in quotes, such as "0.0.0.0:9000", not 9000'),
        ("9000", 'must be "address:port" with a port up to 65535'),
        ("0.0.0.0:70000", "with a port up to 65535"),
        ("0.0.0.0:", "with a port up to 65535"),
        ("0.0.0.0:٣", "with a port up to 65535"),
        (":9000", 'needs an IP address of this machine before the port; write "0.0.0.0:9000" for every IPv4 address'),
        ("localhost:9000", 'write "127.0.0.1:9000"'),
        ("*:9000", 'write "0.0.0.0:9000"'),
        (":::9000", 'must have brackets around an IPv6 address only: "[::]:9000"'),
        ("[127.0.0.1]:9000", "must have brackets around an IPv6 address only"),
        (["127.0.0.1:1", []], "not a list"),
    ],
)
def test_what_is_no_address(value: object, problem: str) -> None:
    with pytest.raises(PydanticCustomError, match=re.escape(problem)):
        read_addresses(value)


def test_local_addresses() -> None:
    assert read_local_address("192.0.2.7") == "192.0.2.7"
    with pytest.raises(PydanticCustomError, match="must be an IP address of this machine"):
        read_local_address("eth0")


@pytest.mark.parametrize(
    ("url", "identity", "expected"),
    [
        ("wss://csms.example.com/ocpp", "CP01", "wss://csms.example.com/ocpp/CP01"),
        ("wss://csms.example.com/ocpp/", "CP01", "wss://csms.example.com/ocpp/CP01"),
        ("ws://192.0.2.1:8180", "RDAM 123", "ws://192.0.2.1:8180/RDAM%20123"),
        ("ws://[2001:db8::1]:80/x", "a|b+ü/", "ws://[2001:db8::1]:80/x/a%7Cb%2B%C3%BC%2F"),
        ("wss://h/{identity}/ws", "CP01", "wss://h/CP01/ws"),
        ("wss://h/ws?cp={identity}&v=1", "{identity}", "wss://h/ws?cp=%7Bidentity%7D&v=1"),
    ],
)
def test_upstream_urls(url: str, identity: str, expected: str) -> None:
    assert upstream_url(read_upstream_url(url), identity) == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (
            "https://csms.example.com",
            "must begin with ws:// or wss://; ask the operator for the OCPP address, often wss:",
        ),
        ("http://csms.example.com", "often ws://..."),
        ("csms.example.com", "must begin with wss:// or ws://"),
        ("WSS://csms.example.com", "must begin with wss:// or ws://"),
        ("mqtt://csms.example.com", "must begin with wss:// or ws://"),
        ("wss://user:pass@h/", "must not contain a user name or password"),
        ("wss://h/#x", "must not contain #"),
        ("wss://h/#", "must not contain #"),
        ("wss://h/?x=1", "has a query (?...), so say where the identity goes"),
        ("wss://h/?", "has a query (?...), so say where the identity goes"),
        ("wss://h/{id}", "may hold {identity} once and no other braces"),
        ("wss://h/{identity}/{identity}", "may hold {identity} once"),
        ("wss://{identity}.h/", "may hold {identity} in its path only"),
        ("wss://h/ü", "must be plain ASCII without spaces"),
        ("wss://h/a b", "must be plain ASCII without spaces"),
        ("wss:///ocpp", 'has no valid host name: ""'),
        ("wss://-/", 'has no valid host name: "-"'),
        ("wss://h:x/", "has no valid host and port"),
        ("wss://h:99999/", "has no valid host and port"),
        ("wss://[::1/", "has no valid host and port"),
        ("wss://h:0/", "needs a port between 1 and 65535"),
        ("wss://h:/", "needs a port between 1 and 65535"),
        ("", "is empty"),
        (5, "must be text"),
    ],
)
def test_what_is_no_upstream_url(url: object, problem: str) -> None:
    with pytest.raises(PydanticCustomError, match=re.escape(problem)):
        read_upstream_url(url)


def test_credentials_in_a_url_are_not_repeated() -> None:
    for scheme in ("wss", "xyz"):
        text = f"[[upstream]]\nname = 'x'\nurl = '{scheme}://user:hunter2@h/'"
        assert "hunter2" not in "".join(problems_of(text))


@pytest.mark.parametrize("url", ["mqtt://broker", "mqtts://[::1]:1/"])
def test_mqtt_urls(url: str) -> None:
    assert read_mqtt_url(url) == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("tcp://h", "must begin with mqtt:// or mqtts://"),
        ("mqtt://h/topic", "is the broker's address alone"),
        ("mqtt://h?x", "is the broker's address alone"),
        ("mqtt://u@h", "must not contain a user name"),
    ],
)
def test_what_is_no_mqtt_url(url: str, problem: str) -> None:
    with pytest.raises(PydanticCustomError, match=re.escape(problem)):
        read_mqtt_url(url)


@pytest.mark.parametrize("url", ["tcp://192.0.2.20", "rtu+tcp://h:4001", "serial:/dev/serial/by-id/usb-1a86"])
def test_bus_urls(url: str) -> None:
    assert read_bus_url(url) == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("/dev/ttyUSB0", "must begin with tcp://, rtu+tcp:// or serial:/"),
        ("serial://dev/ttyUSB0", "must name a device"),
        ("serial:ttyUSB0", "must name a device"),
        ("tcp://h/1", "must end with the port"),
        ("rtu+tcp://h", "needs the port of the serial converter"),
    ],
)
def test_what_is_no_bus_url(url: str, problem: str) -> None:
    with pytest.raises(PydanticCustomError, match=re.escape(problem)):
        read_bus_url(url)


def test_hosts_and_ports() -> None:
    assert host_of("mqtt://[::1]:1") == "::1"
    assert [port_of(url) for url in ("ws://h", "wss://h", "mqtts://h", "tcp://h", "ws://h:1")] == [
        80,
        443,
        8883,
        502,
        1,
    ]
    assert is_loopback("localhost")
    assert is_loopback("127.9.9.9")
    assert not is_loopback("csms.example.com")
    mqtt = settings_from("[mqtt]\nurl = 'mqtts://[::1]'").mqtt
    assert (mqtt.host, mqtt.port, mqtt.tls) == ("::1", 8883, True)
