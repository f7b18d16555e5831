"""`gateway.core.own_id`: message ids of the gateway's own calls."""

from __future__ import annotations

import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.own_id import OwnIds

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@given(st.binary(max_size=32), st.integers(min_value=1, max_value=50))
def test_every_id_is_a_lower_case_uuid4_and_none_comes_twice(seed: bytes, how_many: int) -> None:
    ids = OwnIds(seed)
    made = [ids.next() for _ in range(how_many)]
    assert all(UUID4.fullmatch(one) for one in made)
    assert all(UUID(one).version == 4 for one in made)
    assert len(set(made)) == how_many


def test_another_seed_gives_other_ids_and_the_same_seed_the_same() -> None:
    assert OwnIds(b"a").next() != OwnIds(b"b").next()
    assert OwnIds(b"a").next() == OwnIds(b"a").next()
