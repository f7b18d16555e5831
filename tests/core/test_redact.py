"""`gateway.core.redact`: secrets and tags never show, whatever frame they stand in and wherever it was cut."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.redact import EXAMINED, MOST_LEVELS, excerpt, names_secret, redact

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
JSONISH = st.text(alphabet="[]{}\"',:=\\ \n0aidTagpwvlue@/", max_size=80)

# Letters that stand in secrets and tags only, so that a single one that shows is a leak.
RARE = "QZJU"
RARE_TEXT = st.text(alphabet=RARE, min_size=5, max_size=24)
_ESCAPED = re.compile(r"\\+u00([0-9a-f]{2})", re.IGNORECASE)


def rare_in(shown: str) -> str:
    """The letters of secrets that can be read in a text, escaped ones included."""
    readable = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), shown)
    return "".join(char for char in readable if char in RARE)


# What stays, what goes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"idTag":"04AABBCCDD"}', '{"idTag":"****CCDD"}'),
        ('{"parentIdTag" : "04AABBCCDD"}', '{"parentIdTag" : "****CCDD"}'),
        ('{"IDTAG":"04AABBCCDD"}', '{"IDTAG":"****CCDD"}'),
        ('{"idTag":"ABCD"}', '{"idTag":"****"}'),
        ('{"idTag":""}', '{"idTag":""}'),
        ('{"idTag":null}', '{"idTag":null}'),
        ('{"idTag":12345678}', '{"idTag":****5678}'),
        ('{"\\u0069dTag":"04AABB\\u0043CDD"}', '{"\\u0069dTag":"****CCDD"}'),
        ('{"idTag":"04AABBCC\\"D"}', '{"idTag":"****CC\\"D"}'),
        ('{"idTags":["04AABBCCDD"]}', '{"idTags":["****CCDD"]}'),
        ('{"idTag":{"value":"04AABBCCDD"}}', '{"idTag":{"value":"****CCDD"}}'),
        (
            '{"idToken":{"idToken":"04AABBCCDD","type":"ISO14443","additionalInfo":[{"additionalIdToken":"EE0123456"}]}}',
            '{"idToken":{"idToken":"****CCDD","type":"ISO14443","additionalInfo":[{"additionalIdToken":"****3456"}]}}',
        ),
        ('{"idTagInfo":{"status":"Accepted"}}', '{"idTagInfo":{"status":"Accepted"}}'),
        ("{idTag: 04AABBCCDD}", "{idTag: ****CCDD}"),
        ("{'idTag':'04AABBCCDD'}", "{'idTag':'****CCDD'}"),
        ("?idTag=04AABBCCDD&x=1", "?idTag=****CCDD&x=1"),
        ('{"idTag":"04AABBCCDD', '{"idTag":"****"'),
        ('{"idTag":"04AABBCCDD\\"', '{"idTag":"****"'),
        ("{idTag:04AABBCCDD", "{idTag:****"),
    ],
)
def test_tags_keep_four_characters(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"key":"AuthorizationKey","value":"geheim"}', '{"key":"AuthorizationKey","value":"***"}'),
        ('{"value":"geheim","key":"AuthorizationKey"}', '{"value":"***","key":"AuthorizationKey"}'),
        ('{"value":"geheim","key":"Authorization\\u004bey"}', '{"value":"***","key":"Authorization\\u004bey"}'),
        ('{"value":4711,"key":"authorization_key"}', '{"value":***,"key":"authorization_key"}'),
        (
            '{"attributeValue":"geheim","variable":{"name":"BasicAuthPassword"}}',
            '{"attributeValue":"***","variable":{"name":"BasicAuthPassword"}}',
        ),
        (
            '{"messageId":"SetPassword","data":{"a":["geheim",1]}}',
            '{"messageId":"SetPassword","data":{"a":["***",***]}}',
        ),
        ('{"value":"geheim"},"key":"AuthorizationKey"]', '{"value":"***"},"key":"AuthorizationKey"]'),
        ('{"wifi-password":"geheim"}', '{"wifi-password":"***"}'),
        ('{"password":{"new":"geheim","old":["alt"]}}', '{"password":{"new":"***","old":["***"]}}'),
        ('{"password":true}', '{"password":***}'),
        ('{"password":""}', '{"password":""}'),
        ('{"password": "a":"b"}', '{"password": "***":"b"}'),
        ('{"vpn":{"server":"h","key":"geheim"}}', '{"vpn":{"server":"***","key":"***"}}'),
        ('{"pin":1234}', '{"pin":***}'),
        ('{"vpn":{"idTag":"04AABBCCDD","value":"geheim"}}', '{"vpn":{"idTag":"***","value":"***"}}'),
        ('{"value":"geheim"],"key":"Authoriza', '{"value":"***"],"key":"Authoriza'),
        ("{password: geheim}", "{password: ***}"),
        ("{'password' : 'ge\\'heim'}", "{'password' : '***'}"),
        ("{'password': b'geheim'}", "{'password': ***}"),
        ("?password=ge=heim:x&user=a", "?password=***&user=a"),
        ('password="geheim"', 'password="***"'),
        ("password:geheim", "password:***"),
        ('{"password":,"x":"y"}', '{"password":,"x":"y"}'),
        ('{"password":"geh', '{"password":"***"'),
        ('{"password":"geh\\', '{"password":"***"'),
        ('{"value":"geheim","key":"Authoriza', '{"value":"***","key":"Authoriza'),
        ('{"data":{"value":"geheim"},"messageId":"SetPass', '{"data":{"value":"***"},"messageId":"SetPass'),
        ("-----BEGIN EC PRIVATE KEY-----\\nMIIG\\n-----END", "-----BEGIN EC PRIVATE KEY-----***"),
    ],
)
def test_secrets_are_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Basic Q1AwMTpnZWhlaW0=", "Authorization: Basic ***"),
        ("bearer  abc.def-ghi", "bearer ***"),
        ('{"cause":"Basic Q1Aw\\/MTpn"}', '{"cause":"Basic ***"}'),
        ('{"Authorization":"Digest Q1Aw"}', '{"Authorization":"***"}'),
        ("wss://cp01:geheim@csms.example.com/ocpp", "wss://***@csms.example.com/ocpp"),
        ("ftp://user:ge@heim@host/x", "ftp://***@host/x"),
        ("ftp://user:ge/heim@host/x", "ftp://***@host/x"),
        ("ftp://token@host/x", "ftp://***@host/x"),
        ('{"location":"ftp:\\/\\/user:geheim@host\\/x"}', '{"location":"ftp://***@host/x"}'),
        ('{"location":"ftp://user:geh', '{"location":"ftp://***"'),
        ('{"location":"ftp://user:12', '{"location":"ftp://***"'),
        ('{"location":"ftp://user:ge/h', '{"location":"ftp://***"'),
    ],
)
def test_credentials_are_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "upstream operator unreachable (wss://csms.example.com:9000)",
        "wss://csms.example.com:9000/ocpp/CP@1",
        "wss://csms.example.com/ocpp/CP:1@left",
        "wrong password: set the password of [[charger]] in gateway.toml and in the charger alike",
        "the charger's frame doesn't parse: 'x'",
        '{"key":"HeartbeatInterval","value":"300"}',
        '[2,"1","DataTransfer",{"vendorId":"v","data":"{\\"level\\": 3}"}]',
        '{"location":"http://host/path/to',
        '{"a":"see http://host and more',
        '[2,"1","MeterValues",{"meterValue":[{"sampledValue":[{"value":"1.5"},{"value":"2"}]}]}]',
        "}]{}[]=:&;'\"",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_json_in_a_string_is_looked_into() -> None:
    inner = json.dumps({"idTag": "04AABBCCDD", "level": "1 2", "password": "geheim"})
    text = json.dumps([2, "1", "DataTransfer", {"vendorId": "v", "payload": inner}])
    shown = json.loads(redact(text))[3]["payload"]
    assert json.loads(shown) == {"idTag": "****CCDD", "level": "1 2", "password": "***"}


def test_a_secret_named_outside_hides_the_values_inside() -> None:
    text = json.dumps({"messageId": "AuthorizationKey", "payload": json.dumps({"value": "geheim"})})
    assert "geheim" not in redact(text)


def test_too_many_layers_are_masked_whole() -> None:
    text = json.dumps({"a": "b c"})
    for _ in range(MOST_LEVELS + 1):
        text = json.dumps({"a": text})
    assert "b c" not in redact(text)
    assert "***" in redact(text)


# Excerpts


def test_an_excerpt_is_one_line() -> None:
    assert excerpt("a\nb\x00c\u2028d\ud800") == "a\\nb\\x00c\\u2028d\\ud800"


def test_an_excerpt_says_how_long_the_text_was() -> None:
    assert excerpt("x" * 200) == "x" * 200
    assert excerpt("x" * 201) == f"{'x' * 200}… (201 characters)"
    assert excerpt("x" * 10, 4) == "xxxx… (10 characters)"


def test_masking_is_no_cut() -> None:
    assert excerpt(json.dumps({"password": "x" * 300})) == '{"password": "***"}'


def test_a_text_that_grew_by_masking_is_cut_and_says_so() -> None:
    text = '{"idTag":"ABC"}'
    assert excerpt(text, len(text)) == '{"idTag":"****"… (15 characters)'


@pytest.mark.parametrize("offset", range(0, 40, 3))
def test_a_secret_at_the_end_of_what_is_examined(offset: int) -> None:
    for tail in ('{"password":"QZJUQZJUQ","a":1}', '"ftp://user:QZJUQZJUQ@host/"', '{"value":"QZJUQZJUQ","key":"Pa'):
        text = '["' + "password" * ((EXAMINED - offset) // 8) + '",' + tail
        assert not rare_in(excerpt(text, 2 * EXAMINED))


def test_unquoted_text_that_is_cut_hides_what_may_be_a_user() -> None:
    text = " " * (EXAMINED - 20) + "ftp://user:QZJUQZJUQ" + "QZJU@host/"
    assert not rare_in(excerpt(text, 2 * EXAMINED))
    assert excerpt(f"value=1 {' ' * EXAMINED}", 8) == f"value=**… ({EXAMINED + 8} characters)"


@pytest.mark.parametrize(
    "unit",
    ["a", '"', '\\"', '"\\', "[", '{"a":', "['", "password", "://", "a://u:", "Basic ", '"value":"1 ",', "-----BEGIN "],
)
def test_a_flood_costs_no_more_than_its_length(unit: str) -> None:
    """Quadratic work on any of these would outlast the suite."""
    for text in (unit * EXAMINED, '"' + unit * EXAMINED, '{"password":' + unit * EXAMINED):
        assert len(excerpt(text)) < 3000


@given(ANY_TEXT | JSONISH, st.integers(min_value=0, max_value=90))
def test_every_excerpt_is_printable_and_bounded(text: str, most: int) -> None:
    shown = excerpt(text, most)
    assert shown.isprintable()
    assert len(shown) <= 10 * most + len("… (80 characters)")


@given(ANY_TEXT | JSONISH)
@example('{"password":"a"')
@example("\\'{'idTag':'")
def test_no_text_is_too_odd(text: str) -> None:
    assert isinstance(redact(text), str)


# Planted secrets: every shape of frame that carries one, spelled and wrapped in every way, cut anywhere

NAMES = st.sampled_from(["AuthorizationKey", "BasicAuthPassword", "authorizationkey", "Wifi_Password", "clientSecret"])
NOISE: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["connectorId", "vendorId", "reason", "readonly", "nested"]),
    st.sampled_from([1, -2.5, True, None, "", "text", 'quo"ted', "back\\slash", [], {}, {"a": [1, "b c"]}, "it's"]),
    max_size=3,
)
PEM = "-----BEGIN PRIVATE KEY-----\n{0}\n{0}\n-----END PRIVATE KEY-----"


def carriers(name: str, secret: str) -> list[dict[str, Any]]:
    """Every way in which a payload carries a secret, `name` being what the secret is called."""
    return [
        {"key": name, "value": secret},
        {"value": secret, "key": name},
        {"configurationKey": [{"value": secret, "readonly": False, "key": name}, {"key": "other", "value": "300"}]},
        {"setVariableData": [{"attributeValue": secret, "variable": {"name": name}}]},
        {"data": {"deep": [secret]}, "messageId": name},
        {name: secret},
        {name: {"old": [secret], "new": secret}},
        {"connectionData": {"vpn": {"key": secret}, "apn": {"apnPassword": secret}}},
        {"location": f"ftp://charger:{secret}@192.0.2.1/logs"},
        {"location": f"ftp://charger:{secret[:2]}/{secret}@192.0.2.1/logs"},
        {"cause": f"got Basic {secret}= from the charger"},
        {"file": PEM.format(secret)},
    ]


CARRIED = st.builds(carriers, NAMES, RARE_TEXT).flatmap(st.sampled_from)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


def shuffled(value: Any, draw: Callable[[list[Any]], list[Any]]) -> Any:
    """The same JSON with its members in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], draw) for key in draw(list(value))}
    return [shuffled(item, draw) for item in value] if isinstance(value, list) else value


def escaped(text: str, which: Iterator[bool]) -> str:
    """The same JSON with some letters as \\u escapes, and slashes as PHP writes them."""
    out, previous = "", ""
    for char in text:
        if previous != "\\" and char in f"{RARE}/AKPaw" and next(which):
            out += "\\/" if char == "/" else f"\\u{ord(char):04x}"
        else:
            out += char
        previous = "" if previous == "\\" else char
    return out


@st.composite
def frames(draw: st.DrawFn, carried: st.SearchStrategy[dict[str, Any]]) -> str:
    """A frame that carries this payload somewhere, up to two layers of JSON deep."""
    separators = draw(SEPARATORS)
    bits = st.lists(st.booleans(), min_size=20, max_size=20)

    def written(value: Any) -> str:
        text = json.dumps(shuffled(value, lambda keys: draw(st.permutations(keys))), separators=separators)
        pattern = draw(bits) if draw(st.booleans()) else [False]
        return escaped(text, (pattern[at % len(pattern)] for at in range(len(text))))

    payload = {**draw(NOISE), **draw(carried)}
    for _ in range(draw(st.integers(min_value=0, max_value=2))):
        payload = {**draw(NOISE), "payload": written(payload)}
    return written([2, "4711", "DataTransfer", payload, *draw(st.lists(NOISE, max_size=1))])


SECRET_FRAMES = frames(CARRIED)
TAG_KEYS = st.sampled_from(["idTag", "parentIdTag", "idToken", "additionalIdToken", "IDTAG", "id_tag"])
TAG_FRAMES = frames(
    st.builds(
        lambda key, tag, deep: {"list": [{key: {"idToken": tag, "type": "eMAID"} if deep else tag}]},
        TAG_KEYS,
        RARE_TEXT,
        st.booleans(),
    )
)
CUTS = st.none() | st.integers(min_value=0, max_value=600)


@given(SECRET_FRAMES, CUTS)
def test_no_planted_secret_shows(text: str, cut: int | None) -> None:
    shown = redact(text[:cut])
    assert not rare_in(shown)
    assert not rare_in(redact(shown))
    assert not rare_in(excerpt(text[:cut], 1000))


@given(TAG_FRAMES, CUTS)
def test_no_planted_tag_shows_more_than_four_characters(text: str, cut: int | None) -> None:
    shown = redact(text[:cut])
    assert len(rare_in(shown)) <= 4
    assert rare_in(redact(shown)) == rare_in(shown)


@given(st.sampled_from(["password", "clientSecret", "authorization-key"]), RARE_TEXT, st.sampled_from(["'", '"', ""]))
def test_no_secret_shows_in_text_that_only_looks_like_json(name: str, secret: str, quote: str) -> None:
    for text in (
        f"{{{name}: {quote}{secret}{quote}, x: 1}}",
        f"{{{quote}{name}{quote} = {quote}{secret}{quote}}}",
        f"[2,'1','X',{{{quote}{name}{quote}:{quote}{secret}{quote}}}",
        f"GET /?{name}={secret}&x=1 HTTP/1.1",
    ):
        assert not rare_in(redact(text))


# Texts that were cut before anybody looked


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"key":"AuthorizationKey"}', True),
        ('{"key":"Authorization\\u004bey"}', True),
        ('{"key":"basic-auth password"}', True),
        ('{"key":"HeartbeatInterval"}', False),
        (" " * EXAMINED + "password", False),
    ],
)
def test_a_text_that_names_a_secret_is_known_as_such(text: str, names: bool) -> None:
    assert names_secret(text) is names


def test_a_value_is_hidden_by_a_name_that_was_cut_off() -> None:
    kept = '{"a":[{"value":"geheim"}],"b":{"value":"half'
    assert redact(kept, named=True, cut=True) == '{"a":[{"value":"***"}],"b":{"value":"***"'
    assert redact(kept, cut=True) == '{"a":[{"value":"geheim"}],"b":{"value":"***"'


@given(ANY_TEXT | JSONISH, st.integers(0, 80))
@example('{"password":"geheim"}', 14)
def test_a_cut_text_is_redacted_without_an_error(text: str, most: int) -> None:
    redact(text[:most], named=names_secret(text), cut=True)


@given(RARE_TEXT, st.integers(0, 200))
def test_no_cut_shows_a_secret(secret: str, most: int) -> None:
    text = f'[2,"1","a",{{"x":[{{"value":"{secret}"}}],"u":"ftp://u:{secret}@h/","key":"authorizationkey"}}]'
    assert rare_in(redact(text[:most], named=names_secret(text), cut=True)) == ""
