"""The proofs of `make test` again and again, each round with another seed, until the minutes are over."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
from collections import Counter

from tests import counts

# What draws from the seed. The rest of the suite would only repeat itself.
PROOFS = ("properties", "scenarios", "core", "contracts", "adapters")
PASSED = re.compile(r"(\d+) passed")
FIGURES = re.compile(r"^figures: (.*)", re.MULTILINE)
"""What a proof reached, as it prints it itself."""


def rounds() -> list[str]:
    """The folders of proofs that there are."""
    return [f"tests/{name}" for name in PROOFS if any((counts.ROOT / "tests" / name).glob("**/test_*.py"))]


def test_every_round_passes() -> None:
    folders = rounds()
    assert folders
    end = time.monotonic() + counts.soak_minutes() * 60
    passed: Counter[str] = Counter()
    turns: Counter[str] = Counter()
    for seed, folder in zip(itertools.count(counts.SEED + 1), itertools.cycle(folders)):
        if time.monotonic() >= end:
            break
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "--quiet", "-rP", folder],
            cwd=counts.ROOT,
            env={**os.environ, "EVGATE_SEED": str(seed)},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, f"{result.stdout}\n{result.stderr}\nEVGATE_SEED={seed} replays it: {folder}"
        turns[folder] += 1
        passed[folder] += sum(map(int, PASSED.findall(result.stdout)))
        for figures in FIGURES.findall(result.stdout):
            print(f"soak: {figures}")
    for folder in folders:
        print(f"soak: {folder}: {turns[folder]} seeds, {passed[folder]} tests passed")
    print(f"soak: seeds {counts.SEED + 1} to {counts.SEED + turns.total()}, {counts.EXAMPLES} examples a property")
