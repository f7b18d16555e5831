"""`evgate status` in words."""

from __future__ import annotations

import pytest

from gateway.commands.reading import WIDTH
from gateway.commands.status import MOST_STRANGERS, status_lines
from tests.commands.answers import Answer, charger, connector, report, stranger

ALL_IS_WELL = """\
evgate is OK: chargers are served
version 0.3.0, site depot3 (Depot Süd), up for 3 h 12 min, since
2026-11-21 10:48:00

Nothing is wrong.

Chargers: 1 of 1 online
  CP01 (East wall), configured: online since 2026-11-21 13:00:05
      from 192.0.2.7:51000, ocpp1.6, upstream operator online
      connector 1: Charging, since 2026-11-21 13:40:12

Quarantined: nobody

Upstreams:
  operator: 1 of 1 links online, wss://csms.example.com/ocpp

Listener: 0.0.0.0:9000, open, passed by systemd
MQTT:     127.0.0.1:1883 connected since 2026-11-21 10:48:01, MQTT 5, topics
          below evgate/depot3
Store:    /var/lib/evgate/evgate.db, 1.2 MB
Clock:    right, by network time
Settings: /etc/evgate/gateway.toml, /etc/evgate/conf.d/site.toml"""

ALL_IS_WRONG = r"""evgate is in CRITICAL condition: do what stands below
version 0.3.0, site depot3 (Depot Süd), up for 2 d 3 h, since
2026-11-21 10:48:00

What is wrong, and what to do:
  ERROR    the state folder is full: free some space
  warning  the broker b:1883 refuses: start it with
           `sudo systemctl start mosquitto`, or set [mqtt] url to the one that
           runs
  note     an upstream took long: look at its certificate

Chargers: 1 of 2 online
  CP01 (East wall), adopted: online since 2026-11-21 13:00:05
      from 192.0.2.7:51000, ocpp1.6, upstream operator OFFLINE
      ! the upstream refuses its credentials (HTTP 401): set the password that
        the operator gave you in the charger
      connector 1: SuspendedEVSE, since 2026-11-21 13:40:12
      connector 2: Faulted, error OverCurrentFailure, since 2026-11-21 13:40:12,
        STALE, as last heard
      connector 3: Available (faulted), since 2026-11-21 13:40:12
  'CP 02 ', accepted: OFFLINE since 2026-11-21 13:00:05, last seen
      2026-11-21 14:00:01
      upstream operator OFFLINE

Quarantined, strangers that are kept out: 1
  CP99 from 192.0.2.9:40001, 3 attempts, last 2026-11-21 13:59:00
      offers ocpp1.6 ocpp2.0.1, shows credentials
      kept out because: unknown identity
      let it in: evgate charger adopt CP99

Upstreams:
  operator: 0 of 2 links online, wss://csms.example.com/ocpp
      ! cannot be reached (name not found): check the name in [[upstream]] url

Listener: 0.0.0.0:443, TLS, NOT OPEN
      ! the port is taken: find out by whom with `ss -ltnp`
MQTT:     b:1883 NOT CONNECTED, 7 reconnects, topics below evgate/depot3
      ! connection refused: start the broker
Store:    /var/lib/evgate/evgate.db
      ! no space left on device: free some
Clock:    NOT TRUSTED, nobody told the time since this machine started: see
          `timedatectl`
Settings: the LAST GOOD ones of 2026-11-21 10:48:00 are in use, not
          /etc/evgate/gateway.toml: `evgate check` says why
      ! gateway.toml, line 3: unknown key upstreem, did you mean upstream?"""


def site_where_all_is_wrong() -> Answer:
    connectors = [
        connector(status="SuspendedEVSE", condition="suspended_evse"),
        connector(connector="2", status="Faulted", condition="faulted", error_code="OverCurrentFailure", stale=True),
        connector(connector="3", status="Available", condition="faulted"),
    ]
    refused = "the upstream refuses its credentials (HTTP 401): set the password that the operator gave you"
    gone: Answer = {"address": None, "subprotocol": None, "upstream_online": False, "connectors": []}
    return report(
        health="critical",
        uptime_s=183_700.5,
        chargers=[
            charger(
                standing="adopted",
                upstream_online=False,
                connectors=connectors,
                problem=f"{refused} in the charger",
            ),
            charger(identity="CP 02 ", name=None, standing="accepted", online=False, **gone),
        ],
        quarantined=[stranger()],
        upstreams=[
            {
                "name": "operator",
                "url": "wss://csms.example.com/ocpp",
                "links": 2,
                "online": 0,
                "problem": "cannot be reached (name not found): check the name in [[upstream]] url",
            }
        ],
        listeners=[
            {
                "address": "0.0.0.0:443",
                "tls": True,
                "passed": False,
                "open": False,
                "problem": "the port is taken: find out by whom with `ss -ltnp`",
            }
        ],
        mqtt={
            "broker": "b:1883",
            "base": "evgate/depot3",
            "connected": False,
            "protocol": None,
            "connected_since": None,
            "reconnects": 7,
            "problem": "connection refused: start the broker",
        },
        store={
            "path": "/var/lib/evgate/evgate.db",
            "bytes": None,
            "problem": "no space left on device: free some",
        },
        clock={"trust": "floor", "source": None, "offset_ms": None},
        configuration={
            "files": ["/etc/evgate/gateway.toml"],
            "in_use": "last_good",
            "since": "2026-11-21T09:48:00.000Z",
            "problems": ["gateway.toml, line 3: unknown key upstreem, did you mean upstream?"],
        },
        problems=[
            {"what": "slow", "level": "notice", "text": "an upstream took long: look at its certificate"},
            {
                "what": "mqtt",
                "level": "warning",
                "text": "the broker b:1883 refuses: start it with `sudo systemctl start mosquitto`, "
                "or set [mqtt] url to the one that runs",
            },
            {"what": "store", "level": "error", "text": "the state folder is full: free some space"},
        ],
    )


def test_a_site_where_everything_works() -> None:
    assert "\n".join(status_lines(report())) == ALL_IS_WELL


def test_a_site_where_everything_is_wrong() -> None:
    lines = status_lines(site_where_all_is_wrong())
    assert "\n".join(lines) == ALL_IS_WRONG
    assert max(len(line) for line in lines) <= WIDTH


def test_a_site_without_chargers_says_how_to_connect_one() -> None:
    plain = status_lines(report(chargers=[], upstreams=[]))
    assert "Chargers: none yet" in plain
    assert "  in the charger, set the CSMS URL to ws://<address of this machine>:9000/ocpp" in plain
    assert "Upstreams: none" in plain

    secure = {"address": "[::]:9443", "tls": True, "open": True}
    assert "wss://<address of this machine>:9443/ocpp" in "\n".join(
        status_lines(report(chargers=[], listeners=[secure]))
    )

    closed = status_lines(report(chargers=[], listeners=[{**secure, "open": False}]))
    assert "  no charger can come in before a listener below is open" in closed


def test_without_an_upstream_nobody_is_said_to_be_served() -> None:
    assert status_lines({"health": "ok", "upstreams": []})[0] == (
        "evgate runs, and has no [[upstream]] to serve chargers with yet"
    )
    assert "OK" in status_lines({"health": "ok", "upstreams": [{"name": "operator"}]})[0]


def test_a_bad_health_without_a_problem_is_not_called_well() -> None:
    lines = status_lines(report(health="degraded"))
    assert lines[0] == "evgate is DEGRADED: it serves chargers, and something needs attention"
    assert "No problem is named: look with `journalctl -u evgate`." in lines


def test_what_somebody_should_know_is_not_called_wrong() -> None:
    lines = status_lines(
        report(problems=[{"what": "no_upstream", "level": "notice", "text": "there is none: add one"}])
    )
    assert lines[4:6] == ["Nothing is wrong. What somebody should know:", "  note     there is none: add one"]


def test_connector_0_is_the_whole_charger() -> None:
    lines = status_lines(
        report(chargers=[charger(connectors=[connector(connector="0", status="Available", condition=None)])])
    )
    assert "      whole charger: Available, since 2026-11-21 13:40:12" in lines


def test_a_level_of_another_version_stands_last() -> None:
    problems = [{"what": "x", "level": "hunch"}, {"what": "y", "level": "error"}, {}]
    assert status_lines(report(problems=problems))[5:8] == ["  ERROR    y", "  hunch  x", "  unknown  unknown"]


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ({"trust": "synced", "source": "configuration"}, 'right, by the word of [site] clock = "trusted"'),
        ({"trust": "synced", "source": "gps"}, "right, by gps"),
        (
            {"trust": "learned", "source": "operator", "offset_ms": 3210},
            "told by the upstream operator, this machine's is 3.210 s behind",
        ),
        (
            {"trust": "learned", "source": "operator", "offset_ms": -40},
            "told by the upstream operator, this machine's is 0.040 s ahead",
        ),
        (
            {"trust": "learned", "source": "operator", "offset_ms": None},
            "told by the upstream operator, this machine's may be wrong",
        ),
        ({"trust": "atomic", "source": "cellar"}, "atomic, cellar"),
    ],
)
def test_whose_time_it_is(clock: Answer, words: str) -> None:
    assert f"Clock:    {words}" in status_lines(report(clock=clock))


def test_a_crowd_of_strangers_leaves_the_rest_on_the_screen() -> None:
    strangers = [stranger(identity=f"X{n}") for n in range(40)]
    lines = status_lines(report(quarantined=strangers))
    assert [line for line in lines if "let it in" in line] == [
        f"      let it in: evgate charger adopt X{n}" for n in range(MOST_STRANGERS)
    ]
    assert "  and 35 more, see `evgate charger list`" in lines


def test_another_version_of_the_daemon_is_read_as_far_as_it_goes() -> None:
    assert status_lines({"health": "sleepy", "clock": {"trust": "atomic"}, "novelty": {"x": 1}}) == [
        "evgate says that its health is sleepy",
        "version unknown, site unknown, since unknown",
        "",
        "No problem is named: look with `journalctl -u evgate`.",
        "",
        "Chargers: none yet",
        "  no charger can come in before a listener below is open",
        "",
        "Quarantined: nobody",
        "",
        "Upstreams: none",
        "",
        "Clock:    atomic",
    ]


@pytest.mark.parametrize(("uptime_s", "words"), [(0, "0 s"), (59, "59 s"), (119, "1 min"), (86_399, "23 h 59 min")])
def test_how_long_it_is_up(uptime_s: int, words: str) -> None:
    assert f"up for {words}," in status_lines(report(uptime_s=uptime_s))[1]
