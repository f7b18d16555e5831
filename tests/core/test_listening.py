"""Matching of configured addresses with the sockets that systemd passed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.listening import Endpoint, Matching, match

ANY4, ANY6, LOCAL = ("0.0.0.0", 9000), ("::", 9000), ("127.0.0.1", 9000)


@pytest.mark.parametrize(
    ("configured", "passed", "of", "unused"),
    [
        ([], [], (), ()),
        ([ANY4], [], (None,), ()),
        ([ANY4], [ANY4], (0,), ()),
        ([], [ANY4], (), (0,)),
        ([ANY4], [("0.0.0.0", 9001)], (None,), (0,)),
        ([LOCAL], [ANY4], (None,), (0,)),
        ([ANY4], [LOCAL], (None,), (0,)),
        ([ANY6], [ANY4], (None,), (0,)),
        ([ANY4, LOCAL, ("::1", 9000), ANY6], [ANY6], (0, 0, 0, 0), ()),
        ([("::1", 9001)], [ANY6], (None,), (0,)),
        ([LOCAL, ANY4], [ANY6, ANY4], (0, 1), ()),
        ([ANY4], [ANY6, ANY4], (1,), (0,)),
        ([ANY4], [ANY4, ANY4], (0,), (1,)),
        ([("0.0.0.0", 9443), ANY4], [ANY4, ("0.0.0.0", 9443)], (1, 0), ()),
        ([("2001:db8::1", 9000)], [("2001:0db8:0:0:0:0:0:1", 9000)], (0,), ()),
    ],
)
def test_which_socket_serves_which_address(
    configured: list[Endpoint], passed: list[Endpoint], of: tuple[int | None, ...], unused: tuple[int, ...]
) -> None:
    assert match(configured, passed) == Matching(of, unused)


ENDPOINTS = st.lists(
    st.tuples(st.sampled_from(["0.0.0.0", "::", "127.0.0.1", "::1", "192.0.2.7"]), st.sampled_from([80, 9000, 9443]))
)


@given(ENDPOINTS, ENDPOINTS)
def test_every_passed_socket_is_used_or_left_over(configured: list[Endpoint], passed: list[Endpoint]) -> None:
    matching = match(configured, passed)
    used = {position for position in matching.of if position is not None}
    assert len(matching.of) == len(configured)
    assert used | set(matching.unused) == set(range(len(passed)))
    assert not used & set(matching.unused)
    for wanted, position in zip(configured, matching.of, strict=True):
        assert position is None or passed[position] in (wanted, ("::", wanted[1]))
