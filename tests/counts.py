"""How often each proof runs in `make test`, and where its randomness comes from.

The counts are fixed and small, so that the suite takes the same time everywhere (12 minutes on two cores).
The seed is another one for each commit, so that the project as a whole keeps looking further; it stands in
pytest's header, and `EVGATE_SEED=<that number> make test` replays it.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Generated examples of a property, and steps of a generated history.
EXAMPLES = 200
HISTORIES = 100
HISTORY_STEPS = 40

# Generated examples where each one costs real sockets.
SOCKET_EXAMPLES = 60

# Chargers in the test that counts every frame, and calls each of them makes.
CROWD = 200
CROWD_CALLS = 20

# A soak of half an hour or more has the time for more of what follows.
LONG_SOAK = float(os.environ.get("EVGATE_SOAK_MINUTES", "0")) >= 30

# SIGKILLs of a running daemon.
KILLS = 60 if LONG_SOAK else 20

# Instants at which the power is cut under the store.
CRASH_POINTS = 10_000 if LONG_SOAK else 1000

# Restarts of the service on a booted machine, and the chargers that dial meanwhile.
BOOT_RESTARTS = 10
BOOT_CROWD = 50

# Seconds a test may wait for an event before it fails: generous, because two cores are shared.
PATIENCE_S = 20.0


def seed_from(environment: Mapping[str, str]) -> int:
    """The seed asked for with EVGATE_SEED, else the commit's, else (no commit) 0."""
    wanted = environment.get("EVGATE_SEED")
    if wanted is not None:
        return int(wanted)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return int(head.stdout[:8], 16) if head.returncode == 0 else 0


SEED = seed_from(os.environ)


def dice(name: str) -> random.Random:
    """Randomness of one test: the same for the same seed, whatever other tests draw."""
    return random.Random(f"{SEED}/{name}")


def soak_minutes() -> float:
    """How long `make soak` may go on."""
    return float(os.environ["EVGATE_SOAK_MINUTES"])
