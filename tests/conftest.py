"""One seed and one hypothesis profile for every test."""

from __future__ import annotations

import os

import hypothesis
import pytest

from tests import counts

# `make soak` and `make boot-test` run these; `make test` and a bare pytest do not.
ONLY_WHEN_ASKED = {"soak": "EVGATE_SOAK_MINUTES", "boot": "EVGATE_DEB"}
collect_ignore = [folder for folder, variable in ONLY_WHEN_ASKED.items() if variable not in os.environ]

# No deadline: on two shared cores any example may be slow. No database: the seed is the replay.
hypothesis.settings.register_profile(
    "evgate",
    max_examples=counts.EXAMPLES,
    stateful_step_count=counts.HISTORY_STEPS,
    deadline=None,
    database=None,
    print_blob=True,
)
hypothesis.settings.load_profile("evgate")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give hypothesis the seed, unless its own option names one."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(counts.SEED)


def pytest_report_header() -> str:
    """Say how to replay this run."""
    return f"seed: {counts.SEED} (replay with EVGATE_SEED={counts.SEED})"
