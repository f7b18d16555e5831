"""Where the control socket is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import control_path


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "/run/evgate/control.sock"),
        ({"EVGATE_CONTROL": ""}, "/run/evgate/control.sock"),
        ({"EVGATE_CONTROL": "/tmp/x.sock"}, "/tmp/x.sock"),
    ],
)
def test_the_control_socket(environ: dict[str, str], expected: str) -> None:
    assert control_path(environ) == Path(expected)
