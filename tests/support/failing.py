"""A daemon that is expected not to start: run to its end, with what it said."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.daemon import READY_WITHIN_S, ROOT


@dataclass(frozen=True, slots=True)
class Ended:
    """Exit status and everything on both outputs."""

    status: int
    text: str


async def run_to_the_end(folder: Path, config: str, environ: Mapping[str, str] | None = None) -> Ended:
    """`evgate run` on this configuration (TOML), as it stands, with more variables in its environment."""
    file = folder / "wrong.toml"
    file.write_text(config)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "run", "--config", str(file)),
        cwd=ROOT,
        env={**os.environ, "EVGATE_CONTROL": str(folder / "control.sock"), **(environ or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(READY_WITHIN_S):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode())
