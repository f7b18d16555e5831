"""`python -m tests.support.impatient run ...`: the daemon, and what it waits a minute for takes seconds."""

from __future__ import annotations

import sys

from gateway.__main__ import main
from gateway.core import refresh
from gateway.runtime import safekeeping

IMPATIENT = "tests.support.impatient"
"""For the `module` of a daemon or site under test."""

RETRY_EVERY_S = 0.5
"""A store that fails is tried again after so long."""

ASK_AFTER_S = 10.0
"""A charger that did not tell its statuses is asked after so long; the simulated ones tell them at once."""

if __name__ == "__main__":
    safekeeping.RETRY_EVERY_S = RETRY_EVERY_S
    refresh.ASK_AFTER_S = dict.fromkeys(refresh.Service, ASK_AFTER_S)
    sys.exit(main())
