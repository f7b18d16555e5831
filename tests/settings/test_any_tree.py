"""Whatever is in a file, the answer is settings or a list of problems, one line each."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.settings import ConfigurationError, Problem, Settings, not_in_this_version, plan, warnings
from gateway.settings.documents import Document, parse
from gateway.settings.environment import read_environment, variable_of
from gateway.settings.load import settings_of
from gateway.settings.schema import section_of, single_values, takes_several
from tests.settings.test_shipped_file import everything

SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**60, max_value=10**70),
    st.floats(),
    st.text(max_size=20),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.just(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
)
# Values that are right somewhere, so that combinations get past the first look.
PLAUSIBLE = st.sampled_from(
    [
        "CP01",
        "cp01",
        "operator",
        "grid",
        "cabinet",
        "0.0.0.0:9000",
        "[::]:9000",
        "wss://csms.example.com/ocpp",
        "ws://127.0.0.1:9000/{identity}?x",
        "mqtts://broker",
        "serial:/dev/ttyUSB0",
        "tcp://192.0.2.20",
        "/etc/evgate/x",
        "90s",
        "2MiB",
        "on",
        "off",
        "accept",
        "list",
        "primary",
        "read_only",
        "L1",
        "N",
        1,
        9600,
        True,
        [],
        {},
        ["L1", "L2"],
        ["start"],
        {"credential": "x"},
        {"file": "/x"},
        {"1": "grid"},
    ]
)
ANYTHING = st.recursive(
    SCALARS | PLAUSIBLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
Tree = dict[str, object]


def trees_of(section: type[BaseModel]) -> st.SearchStrategy[Tree]:
    """Trees that have the section's keys with anything below them, sometimes with a key that is not its own."""
    keys: dict[str, st.SearchStrategy[object]] = {}
    for name, field in section.model_fields.items():
        inner = section_of(field.annotation)
        if inner is None:
            keys[name] = PLAUSIBLE | PLAUSIBLE | ANYTHING
        elif takes_several(field.annotation):
            keys[name] = st.lists(trees_of(inner), max_size=2) | ANYTHING
        else:
            keys[name] = trees_of(inner) | ANYTHING
    known: st.SearchStrategy[Tree] = st.fixed_dictionaries({}, optional=keys)
    stray = st.dictionaries(st.text(max_size=8) | st.sampled_from(["list", "_env_file", "model_config"]), ANYTHING)
    return known | known | st.builds(lambda a, b: {**a, **b}, known, stray)


def judged(make: Callable[[], Settings]) -> Settings | list[str]:
    """The settings, with everything that is said about them; or the problems."""
    try:
        settings = make()
    except ConfigurationError as error:
        lines = [str(problem) for problem in error.problems]
    else:
        lines = [*plan(settings), *warnings(settings), *not_in_this_version(settings)]
    assert lines
    assert all(line.isprintable() for line in lines), lines
    return lines


@given(st.lists(trees_of(Settings), min_size=1, max_size=2))
def test_any_trees(trees: list[Tree]) -> None:
    documents = [Document(f"{index}.toml", tree) for index, tree in enumerate(trees)]
    assert judged(lambda: settings_of(documents))


@given(st.dictionaries(st.text(max_size=8), ANYTHING, max_size=4))
def test_trees_of_nothing_known(tree: Tree) -> None:
    assert judged(lambda: settings_of([Document("a.toml", tree)]))


def test_a_key_named_like_the_marker_of_pydantic() -> None:
    trees: list[Tree] = [
        {"[key]": 1},
        {"site": {"[key]": 1}},
        {"charger": [{"identity": "A", "meters": {"[key]": "grid"}}]},
    ]
    for tree in trees:
        lines = judged(partial(settings_of, [Document("a.toml", tree)]))
        assert isinstance(lines, list)
        assert any("[key]" in line for line in lines)


def test_a_key_path_of_ten_thousand_names() -> None:
    document = parse("a.toml", (".".join("a" * 5_000) + " = 1").encode())
    assert isinstance(document, Document)
    assert judged(lambda: settings_of([document]))


VARIABLES = st.sampled_from([variable_of(path) for path, _ in single_values()]) | st.builds(
    "EVGATE_{}".format, st.text(max_size=12)
)


@given(st.dictionaries(VARIABLES, st.text(st.characters(), max_size=12), max_size=4))
def test_any_environment(environ: dict[str, str]) -> None:
    document, problems = read_environment(environ)
    assert judged(lambda: settings_of([document], problems))


SHIPPED = everything()


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes(content: bytes) -> None:
    parsed = parse("a.toml", content)
    assert isinstance(parsed, (Document, Problem))


@given(
    st.integers(min_value=0, max_value=len(SHIPPED)),
    st.integers(min_value=0, max_value=40),
    st.sampled_from(["", '"', "]", "\n", "= ", "{", "'", "x", "\0", "[[charger]]\n", "ü"]),
)
def test_the_shipped_file_with_a_slip_of_the_keyboard(position: int, length: int, slip: str) -> None:
    text = SHIPPED[:position] + slip + SHIPPED[position + length :]
    parsed = parse("a.toml", text.encode())
    if isinstance(parsed, Problem):
        assert str(parsed).startswith("a.toml:")
    else:
        assert judged(lambda: settings_of([parsed]))
