"""Passwords in the forms that chargers show them, compared without a word of them in the verdict."""

from __future__ import annotations

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.password import PasswordForm, authorization_matches, basic_authorization, default_form

# The example of J16 6.2.2: identity, AuthorizationKey, and the header that the charger has to show.
IDENTITY = "AL1000"
KEY = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"
HEADER = "Basic QUwxMDAwOgABAgMEBQYH////////////////"
TOKEN = HEADER.removeprefix("Basic ")
OTHER_HEADER = "Basic QUwxMDAwOgABAgMEBQYH///////////////+"
OTHER_USER = "the user name in the Authorization header is not the identity in the URL"
OTHER_PASSWORD = "the password is not the configured one, neither as text nor as hex digits nor as bytes"

any_text = st.text(st.characters())
identities = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
# No text of these letters is the hex form of another.
no_hex = st.text("ghijklmnop", min_size=1)


def header(user: str | bytes, secret: str | bytes) -> str:
    parts = [part.encode() if isinstance(part, str) else part for part in (user, secret)]
    return "Basic " + base64.b64encode(b":".join(parts)).decode()


headers = st.none() | any_text | any_text.map("Basic {}".format) | st.binary().map(lambda data: header(b"", data))


def form_of(shown: str | bytes, configured: str) -> PasswordForm | None:
    return authorization_matches(header("CP01", shown), "CP01", configured).form


def test_the_example_of_the_specification_matches() -> None:
    verdict = authorization_matches(HEADER, IDENTITY, KEY)
    assert verdict.matches
    assert verdict.form is PasswordForm.RAW
    assert verdict.reason == "the password matches (bytes that the hex digits stand for)"


def test_one_wrong_bit_does_not_match() -> None:
    assert not authorization_matches(OTHER_HEADER, IDENTITY, KEY).matches


@pytest.mark.parametrize(
    ("shown", "configured", "form"),
    [
        ("secret", "secret", PasswordForm.TEXT),
        ("", "", PasswordForm.TEXT),
        (KEY, KEY, PasswordForm.TEXT),
        (KEY.lower(), KEY, PasswordForm.HEX_AS_TEXT),
        (KEY, KEY.lower(), PasswordForm.HEX_AS_TEXT),
        (bytes.fromhex(KEY), KEY, PasswordForm.RAW),
        (bytes.fromhex(KEY), KEY.lower(), PasswordForm.RAW),
        ("736563726574", "secret", PasswordForm.HEX_AS_TEXT),
        ("a:b::c", "a:b::c", PasswordForm.TEXT),
        ("pä😀", "pä😀", PasswordForm.TEXT),
        ("0x0a", "0x0a", PasswordForm.TEXT),
        ("abc", "abc", PasswordForm.TEXT),
        ("Secret", "secret", None),
        ("secret ", "secret", None),
        ("secret", "736563726574", PasswordForm.RAW),
        (b"\xab\x0c", "abc", None),
        (b"\xab\xcd", "ab cd", None),
        (b"\xff", "\u00ff", None),
        ("", "secret", None),
        ("secret", "", None),
    ],
)
def test_every_form_is_compared_as_bytes(shown: str | bytes, configured: str, form: PasswordForm | None) -> None:
    assert form_of(shown, configured) is form


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (None, "the charger sends no Authorization header"),
        ("", "the Authorization header is not of the scheme Basic"),
        ("Bearer c2VjcmV0", "the Authorization header is not of the scheme Basic"),
        ("c2VjcmV0", "the Authorization header is not of the scheme Basic"),
        ("Basic", "the Authorization header is not of the scheme Basic"),
        ("Basic a b", "the Authorization header is not of the scheme Basic"),
        ("Basic %%%", "the Authorization header is not valid base64"),
        ("Basic QUw", "the Authorization header is not valid base64"),
        ("Basic \u00e4\u00f6", "the Authorization header is not valid base64"),
        ("Basic \udcff", "the Authorization header is not valid base64"),
        ("Basic c2VjcmV0", "the Authorization header does not hold identity, colon and password"),
        (header("AL2000", "secret"), OTHER_USER),
        (header(b"AL1000\xff", "secret"), OTHER_USER),
        (header("AL1000", "public"), OTHER_PASSWORD),
    ],
)
def test_the_verdict_names_the_check_that_failed(shown: str | None, reason: str) -> None:
    verdict = authorization_matches(shown, "AL1000", "secret")
    assert not verdict.matches
    assert verdict.reason == reason


@pytest.mark.parametrize("shown", [f"basic {TOKEN}", f"BASIC   {TOKEN}", f" Basic\t{TOKEN} "])
def test_the_scheme_is_read_in_any_case_and_spacing(shown: str) -> None:
    assert authorization_matches(shown, IDENTITY, KEY).matches


@pytest.mark.parametrize(("user", "identity"), [("al1000", "AL1000"), ("STRASSE", "straße"), ("ÄL", "äl")])
def test_the_user_is_the_identity_in_any_case(user: str, identity: str) -> None:
    assert authorization_matches(header(user, "secret"), identity, "secret").matches


def test_an_identity_with_colons_keeps_them() -> None:
    assert authorization_matches(header("AA:BB:CC", "x:y"), "aa:bb:cc", "x:y").matches
    assert not authorization_matches(header("AA", "BB:CC:x:y"), "aa:bb:dd", "x:y").matches
    assert not authorization_matches(header("AA", "x"), "aa:bb:cc", "x").matches


@pytest.mark.parametrize(
    ("password", "subprotocol", "form"),
    [
        (KEY, "ocpp1.6", PasswordForm.RAW),
        (KEY, "OCPP1.6", PasswordForm.RAW),
        (KEY[:32], "ocpp1.6", PasswordForm.RAW),
        (KEY[:30], "ocpp1.6", PasswordForm.TEXT),
        (KEY + "00", "ocpp1.6", PasswordForm.TEXT),
        (KEY[:33], "ocpp1.6", PasswordForm.TEXT),
        ("x" * 40, "ocpp1.6", PasswordForm.TEXT),
        (KEY, "ocpp2.0.1", PasswordForm.TEXT),
        (KEY, "ocpp2.1", PasswordForm.TEXT),
    ],
)
def test_only_a_key_of_1_6_is_sent_as_bytes(password: str, subprotocol: str, form: PasswordForm) -> None:
    assert default_form(password, subprotocol) is form
    assert basic_authorization("CP01", password, subprotocol) == basic_authorization("CP01", password, form=form)


def test_the_header_of_the_specification_is_built() -> None:
    assert basic_authorization(IDENTITY, KEY) == HEADER
    assert basic_authorization(IDENTITY, KEY, "ocpp2.0.1") == header(IDENTITY, KEY)
    assert basic_authorization(IDENTITY, KEY, form=PasswordForm.HEX_AS_TEXT) == header(IDENTITY, KEY.lower())


@given(identities, any_text, st.sampled_from(PasswordForm))
def test_what_is_built_matches(identity: str, password: str, form: PasswordForm) -> None:
    assert authorization_matches(basic_authorization(identity, password, form=form), identity, password).matches


@given(identities, st.binary(min_size=16, max_size=20))
def test_a_key_matches_as_its_bytes(identity: str, key: bytes) -> None:
    shown = "Basic " + base64.b64encode(identity.encode() + b":" + key).decode()
    assert authorization_matches(shown, identity, key.hex()).form is PasswordForm.RAW


@given(no_hex, no_hex)
def test_another_password_does_not_match(shown: str, configured: str) -> None:
    assume(shown != configured)
    assert form_of(shown, configured) is None


@given(headers, any_text, any_text)
def test_no_header_makes_it_raise(shown: str | None, identity: str, password: str) -> None:
    verdict = authorization_matches(shown, identity, password)
    assert verdict.matches == (verdict.form is not None)
    assert verdict.reason


@pytest.mark.parametrize("shown", ["hunter2-secret", "another-secret"])
def test_the_verdict_holds_no_secret(shown: str) -> None:
    verdict = authorization_matches(header("CP01", shown), "CP01", "hunter2-secret")
    assert "secret" not in repr(verdict)
