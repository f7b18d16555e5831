"""Every kind of mistake gives one line that says where, what and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import ConfigurationError, load
from gateway.settings.explain import explained
from gateway.settings.origins import Origin, Origins
from gateway.settings.problems import listed, nearest, plain, shown
from tests.settings.site import problems_of, settings_from, write_site

UPSTREAM = '[[upstream]]\nname = "operator"\nurl = "wss://csms.example.com/"\n'
CHARGER = '[[charger]]\nidentity = "CP01"\n'
BUS = '[[bus]]\nid = "cabinet"\nurl = "serial:/dev/ttyUSB0"\n'
METER = '[[meter]]\nid = "grid"\nbus = "cabinet"\nprofile = "p"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # unknown keys and sections
        ("[chargers]\nlistn = 1", "a.toml:2: chargers.listn: is not a known key; did you mean listen?"),
        (
            "[chargers]\nreplay_rate = 1",
            "a.toml:2: chargers.replay_rate: is not a key of this section; it belongs below [[upstream]]",
        ),
        (
            "[mqtt]\nclient_ca = 1",
            "a.toml:2: mqtt.client_ca: is not a key of this section; it belongs below [chargers.tls]",
        ),
        ("[log]\nzzzz = 1", "a.toml:2: log.zzzz: is not a known key; this section has level"),
        (
            "[chargers.tls]\ncertificate='/c'\nkey='/k'\nclientca='/x'",
            "a.toml:4: chargers.tls.clientca: is not a known key; did you mean client_ca?",
        ),
        ("[chargr]", "a.toml:1: chargr: is not a section; did you mean [[charger]]?"),
        ("[MQTT]", "a.toml:1: MQTT: is not a section; did you mean [mqtt]?"),
        (
            "listen = 1",
            (
                "a.toml:1: listen: stands outside any section; "
                "it belongs below [chargers], [status_page] or [chargers.tls]"
            ),
        ),
        (
            "[zzzz]",
            (
                "a.toml:1: zzzz: is not a section; known are [site], [store], [chargers], [[charger]], "
                "[[upstream]], [authorization], [mqtt], [[bus]], [[meter]], [status_page] and [log]"
            ),
        ),
        ('["a b\\n"]', 'a.toml:1: "a b\\n": is not a section; known are [site], '),
        # the wrong kind
        (
            "[charger]\nidentity = 'x'",
            "a.toml:1: charger: must be written with two brackets, [[charger]], one for each",
        ),
        ("charger = 5", "a.toml:1: charger: must be written as [[charger]], one for each, not 5"),
        (
            "charger = ['CP01']",
            (
                'a.toml:1: charger[#1]: must be a table, not "CP01"; '
                "write [[charger]] on a line of its own, and the keys below it"
            ),
        ),
        (
            "[[mqtt]]",
            "a.toml:1: mqtt: must be a table, not a list; write [mqtt] on a line of its own, and the keys below it",
        ),
        (
            "[chargers]\ntls = true",
            (
                "a.toml:2: chargers.tls: must be a table, not true; "
                "write [chargers.tls] on a line of its own, and the keys below it"
            ),
        ),
        (
            f"{CHARGER}meters = 'grid'",
            'a.toml:3: charger[CP01].meters: must be a table, not "grid"; write it as { "1" = "..." }',
        ),
        (
            f"{CHARGER}quirks = 'x'",
            'a.toml:3: charger[CP01].quirks: must be a list in brackets, such as ["a", "b"], not "x"',
        ),
        ("[mqtt]\ndiscovery = 'true'", 'a.toml:2: mqtt.discovery: must be true or false without quotes, not "true"'),
        (
            f"{UPSTREAM}replay_rate = 1.5",
            "a.toml:4: upstream[operator].replay_rate: must be a whole number without quotes, not 1.5",
        ),
        (
            f"{UPSTREAM}replay_rate = true",
            "a.toml:4: upstream[operator].replay_rate: must be a whole number without quotes, not true",
        ),
        (f"{UPSTREAM}replay_rate = 1001", "a.toml:4: upstream[operator].replay_rate: must be at most 1000, not 1001"),
        (f"{UPSTREAM}replay_rate = -1", "a.toml:4: upstream[operator].replay_rate: must be at least 0, not -1"),
        ("[log]\nlevel = 'Info'", 'a.toml:2: log.level: must be "debug", "info", "warning" or "error", not "Info"'),
        (
            "[log]\nlevel = 2026-01-01",
            'a.toml:2: log.level: must be "debug", "info", "warning" or "error", not 2026-01-01',
        ),
        ("[mqtt]\nallow = ['start', 'explode']", "a.toml:2: mqtt.allow[#2]: must be "),
        ("[[charger]]\nidentity = 12", "a.toml:2: charger[#1].identity: must be text, not 12; put it in quotes"),
        # missing
        ("\n[[charger]]", "a.toml:2: charger[#1].identity: is missing; write the identity that stands in the "),
        ("[[upstream]]\nname = 'x'", "a.toml:1: upstream[x].url: is missing; write the address to connect to"),
        ("[chargers.tls]\nkey = '/k'", "a.toml:1: chargers.tls.certificate: is missing; write the path of the PEM "),
        # values of one key
        (
            "[site]\nid = 'Depot 3'",
            'a.toml:2: site.id: must be 1 to 48 of a-z, 0-9 and -, not "Depot 3"; for example "depot-3"',
        ),
        ("[site]\nid = '#'", 'a.toml:2: site.id: must be 1 to 48 of a-z, 0-9 and -, not "#"'),
        ("[site]\nname = ' x'", 'a.toml:2: site.name: begins or ends with a space: " x"; remove it'),
        ("[site]\nname = ''", "a.toml:2: site.name: is empty; write a value, or remove the line"),
        (
            '[site]\nname = "a\\nb"',
            'a.toml:2: site.name: must be one line of printable text, not "a\\nb"; remove the special characters',
        ),
        ("[store]\npath = 'x.db'", 'a.toml:2: store.path: must be a whole path that begins with /, not "x.db"'),
        (
            "[[charger]]\nidentity = 'ocpp/CP01'",
            (
                'a.toml:2: charger["ocpp/CP01"].identity: is the last part of the '
                'charger\'s URL alone, without any /, not "ocpp/CP01"'
            ),
        ),
        (f"[[charger]]\nidentity = '{'x' * 256}'", "identity: is 256 characters long; 255 are the limit"),
        (
            f"{CHARGER}meters = {{ one = 'grid' }}\n{BUS}{METER}",
            'a.toml:3: charger[CP01].meters.one: names a connector: write its number in quotes, such as "1", not "one"',
        ),
        (
            "[[upstream]]\nname = '-'\nurl = 'ws://x/'",
            'a.toml:2: upstream["-"].name: must be 1 to 48 letters, digits, ',
        ),
        ("[authorization]\nlist = ['" + "x" * 37 + "']", "authorization.list[#1]: is longer than the 36 characters"),
        ("[mqtt]\nroot = 'a/#'", 'a.toml:2: mqtt.root: must not contain +, # or $, not "a/#"'),
        ("[mqtt]\nroot = '/a'", 'a.toml:2: mqtt.root: must not begin or end with / or contain //, not "/a"'),
        ("[mqtt]\nroot = '" + "x" * 201 + "'", "a.toml:2: mqtt.root: is longer than 200 bytes"),
        # keys that belong together
        (f"{UPSTREAM}key = '/k'", "a.toml:1: upstream[operator]: key is given without certificate; "),
        (f"{UPSTREAM}certificate = '/c'", "a.toml:1: upstream[operator]: certificate is given without key; "),
        (f"{UPSTREAM}username = 'u'", "a.toml:1: upstream[operator]: username is only used together with password; "),
        (f"{UPSTREAM}username = 'u:v'\npassword = 'x'", "username must not contain a colon"),
        (
            "[[upstream]]\nname = 'x'\nurl = 'ws://h/'\nca = '/c'",
            "a.toml:1: upstream[x]: ca has no effect without TLS; use wss:// in the url, or remove ca",
        ),
        ("[mqtt]\nca = '/c'", "a.toml:1: mqtt: ca has no effect without TLS; use mqtts:// in the url, or remove ca"),
        ("[mqtt]\npassword = 'x'", "a.toml:1: mqtt: password is given without username; MQTT needs both"),
        ("[[bus]]\nid = 'b'\nurl = 'tcp://h'\nparity = 'N'", "a.toml:1: bus[b]: parity is for serial:/dev/... only; "),
        (f"{BUS}{METER}phases = ['L1', 'L1']", "a.toml:4: meter[grid]: phases must name each phase once"),
        (f"{BUS}{METER}phases = []", "a.toml:8: meter[grid].phases: needs at least 1 entry, not a list"),
        (f"{BUS}{METER}phases = ['L1', 'L2', 'L3', 'L1']", "phases: may have 3 entries at most, not a list"),
        # between sections
        (
            f"{CHARGER}[[charger]]\nidentity = 'cp01'",
            'a.toml:4: charger[cp01].identity: "cp01" is already used in a.toml:2; remove or rename one of the two',
        ),
        (f"{UPSTREAM}{UPSTREAM}", 'a.toml:5: upstream[operator].name: "operator" is already used in a.toml:2; '),
        (
            f"{BUS}{BUS.replace('cabinet', 'b')}",
            'a.toml:6: bus[b].url: "serial:/dev/ttyUSB0" is already used in a.toml:3',
        ),
        (
            f"{UPSTREAM}{CHARGER}upstream = 'operater'",
            'a.toml:6: charger[CP01].upstream: names no [[upstream]]: "operater"; did you mean "operator"?',
        ),
        (f"{UPSTREAM}{CHARGER}upstream = 'zz'", 'names no [[upstream]]: "zz"; known are "operator"'),
        (f"{CHARGER}upstream = 'zz'", 'names no [[upstream]]: "zz"; there is no [[upstream]] at all, add one'),
        (
            f"{UPSTREAM}mode = 'read_only'\n{CHARGER}upstream = 'operator'",
            'a.toml:7: charger[CP01].upstream: names an upstream with mode = "read_only"; name one that is primary',
        ),
        (f"{METER}", 'a.toml:3: meter[grid].bus: names no [[bus]]: "cabinet"; there is no [[bus]] at all, add one'),
        (
            f"{BUS}{METER}{CHARGER}meters = {{ '1' = 'gird' }}",
            'a.toml:10: charger[CP01].meters.1: names no [[meter]]: "gird"; did you mean "grid"?',
        ),
        (f"{BUS}{METER}unit = 0", "a.toml:8: meter[grid].unit: must be between 1 and 247 on a serial line, not 0"),
        (f"{BUS}{METER}unit = 256", "a.toml:8: meter[grid].unit: must be at most 255, not 256"),
        ("[chargers]\nlisten = []", "a.toml:2: chargers.listen: no charger can connect anywhere; "),
        (
            "[chargers]\nlisten = ['0.0.0.0:9000', '127.0.0.1:9000']",
            (
                "a.toml:2: chargers.listen: 127.0.0.1:9000 collides "
                "with 0.0.0.0:9000 of chargers.listen (a.toml:2); use another port"
            ),
        ),
        (
            "[status_page]\nlisten = '0.0.0.0:9000'",
            (
                "a.toml:2: status_page.listen: 0.0.0.0:9000 collides with "
                "0.0.0.0:9000 of chargers.listen, its default; use another port"
            ),
        ),
        (
            "[chargers.tls]\ncertificate = '/c'\nkey = '/k'\nlisten = '127.0.0.1:8480'",
            (
                "a.toml: status_page.listen: "
                "127.0.0.1:8480 collides with 127.0.0.1:8480 of chargers.tls.listen (a.toml:4); use another port"
            ),
        ),
        (
            "[[upstream]]\nname = 'x'\nurl = 'ws://localhost:9000/'",
            "a.toml:3: upstream[x].url: points at this gateway itself; write the address of the operator's CSMS",
        ),
    ],
)
def test_one_mistake_is_one_line(text: str, expected: str) -> None:
    problems = problems_of(text)
    assert len(problems) == 1, problems
    assert expected in problems[0]
    assert problems[0].startswith("a.toml")


def test_the_same_name_in_two_files_names_both() -> None:
    assert problems_of(CHARGER, f"\n{CHARGER}") == [
        'b.toml:3: charger[CP01].identity: "CP01" is already used in a.toml:2; remove or rename one of the two'
    ]


def test_aliases_are_unique() -> None:
    text = f"{CHARGER}alias = 'left'\n[[charger]]\nidentity = 'CP02'\nalias = 'left'"
    assert problems_of(text) == [
        'a.toml:6: charger[CP02].alias: "left" is already used in a.toml:3; remove or rename one of the two'
    ]


def test_a_section_of_the_wrong_kind_beside_a_right_one() -> None:
    problems = problems_of("charger = 5", CHARGER)
    assert problems == []


def test_ports_that_do_not_collide() -> None:
    settings = settings_from(
        "[chargers]\nlisten = ['0.0.0.0:9000', '[::]:9000', '127.0.0.1:0', '127.0.0.1:0']\n"
        "[[upstream]]\nname = 'a'\nurl = 'ws://127.0.0.1:9001'\n"
        "[[upstream]]\nname = 'b'\nurl = 'ws://csms.example.com:9000'\n"
    )
    assert len(settings.chargers.listen) == 4


def test_an_upstream_on_this_machine_beside_the_gateway() -> None:
    text = "[chargers]\nlisten = '192.0.2.1:9000'\n[[upstream]]\nname = 'a'\nurl = 'ws://127.0.0.1:9000'"
    assert problems_of(text) == []


def test_only_tls_is_enough() -> None:
    tls = "[chargers]\nlisten = []\n[chargers.tls]\ncertificate = '/c'\nkey = '/k'\n"
    assert problems_of(tls) == []
    assert len(problems_of(f"{tls}listen = []")) == 1


def test_a_collision_with_an_address_of_the_environment(tmp_path: Path) -> None:
    path = write_site(tmp_path, "[status_page]\nlisten = '127.0.0.1:1'")
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"EVGATE_CHARGERS__LISTEN": "127.0.0.1:1"})
    assert str(caught.value) == (
        f"{path}:2: status_page.listen: 127.0.0.1:1 collides with 127.0.0.1:1 of chargers.listen "
        "(EVGATE_CHARGERS__LISTEN); use another port"
    )


def test_a_mistake_without_a_sentence_of_ours_has_that_of_pydantic() -> None:
    error = ValidationError.from_exception_data(
        "x", [{"type": "url_parsing", "loc": ("mqtt",), "input": 1, "ctx": {"error": "e"}}]
    )
    origins = Origins(("a.toml",), {("mqtt",): Origin("a.toml", 3)})
    assert [str(problem) for problem in explained(error, origins)] == ["a.toml:3: mqtt: Input should be a valid URL, e"]


def test_values_in_messages() -> None:
    assert shown("\x1b[31m\ud800") == '"\\x1b[31m\\ud800"'
    assert len(shown("x" * 500)) == 62
    assert shown(10**5000) == "a very large number"
    assert shown(False) == "false"
    assert shown({}) == "a table"
    assert shown([1]) == "a list"
    assert shown(float("nan")) == "nan"
    assert plain("a-b_1") == "a-b_1"
    assert plain("x" * 61) == shown("x" * 61)
    assert nearest("", ["a"]) is None
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"], "or")] == [
        "",
        "a",
        "a and b",
        "a, b or c",
    ]
