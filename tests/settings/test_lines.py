"""`gateway.settings.lines`: where a key stands in a text."""

from __future__ import annotations

import tomllib

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.settings.lines import DEEPEST, key_lines
from gateway.settings.origins import Path

TEXT = '''# [comment]
top = 1

[site] # [x]
id = "a # b" # c = d
"quoted key" = 'x'
name = """
[not.a.table]
not = "a key"
"""
dotted.key . deep = [
  1, # ]
  "]",
]

[[charger]]
identity = 'A'
meters = { "1" = "grid", x = "y" }
[charger.sub]
k = 1

[[charger]]
  identity = 'B'
[[charger.list]]
[[charger.list]]
z = \'\'\'
]\'\'\'
last=2'''


def test_every_key_has_its_line() -> None:
    assert key_lines(TEXT) == {
        ("top",): 2,
        ("site",): 4,
        ("site", "id"): 5,
        ("site", "quoted key"): 6,
        ("site", "name"): 7,
        ("site", "dotted"): 11,
        ("site", "dotted", "key"): 11,
        ("site", "dotted", "key", "deep"): 11,
        ("charger",): 16,
        ("charger", 0): 16,
        ("charger", 0, "identity"): 17,
        ("charger", 0, "meters"): 18,
        ("charger", 0, "sub"): 19,
        ("charger", 0, "sub", "k"): 20,
        ("charger", 1): 22,
        ("charger", 1, "identity"): 23,
        ("charger", 1, "list"): 24,
        ("charger", 1, "list", 0): 24,
        ("charger", 1, "list", 1): 25,
        ("charger", 1, "list", 1, "z"): 26,
        ("charger", 1, "list", 1, "last"): 28,
    }


def test_windows_line_ends() -> None:
    assert key_lines("[a]\r\nb = 1\r\n\r\nc = 2\r\n") == {("a",): 1, ("a", "b"): 2, ("a", "c"): 4}


def test_what_it_does_not_understand_has_no_line() -> None:
    assert key_lines("!? = 1\na = 1") == {("a",): 2}


def test_only_paths_that_a_setting_can_have() -> None:
    assert max(len(path) for path in key_lines(f"{'.'.join('abcdefghij')} = 1")) == DEEPEST


NAMES = st.sampled_from(["a", "b-1", '"c d"', "'e.f'", '"g\\u0041"', "'#'", '"["', "a.b", "b . 'x'"])
VALUES = st.sampled_from(
    [
        "1",
        '"x"',
        "'''\n[a]\nb = 1\n'''",
        '"""\nx = "1"\n\\"""" """',
        '""""two quotes"""""',
        "[\n1, # a = 1\n[2]]",
        '{ a = "}", b = [1] }',
        "2026-01-01",
        "'# no'",
        '"\\""',
    ]
)
STATEMENTS = st.one_of(
    st.builds("{} = {}".format, NAMES, VALUES),
    st.builds("[{}]".format, NAMES),
    st.builds("[[{}]]".format, NAMES),
    st.sampled_from(["", "# [a]", "  # b = 1"]),
)


def loaded(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def value_at(tree: object, path: Path) -> object:
    for step in path:
        tree = tree[step]  # type: ignore[index]
    return tree


@given(st.lists(STATEMENTS, max_size=12), st.sampled_from(["\n", "\r\n", " # c\n"]))
def test_every_line_found_is_the_line_of_that_key(statements: list[str], line_end: str) -> None:
    text = line_end.join(statements)
    tree = loaded(text)
    assume(tree is not None)
    lines = text.split("\n")
    found = key_lines(text)
    for path, line in found.items():
        value_at(tree, path)  # raises unless the key exists
        name = next(step for step in reversed(path) if isinstance(step, str))
        assert name.encode("unicode_escape").decode() in lines[line - 1].replace("\\u0041", "A")
    assert {path[:1] for path in found} == {(name,) for name in tree or ()}
