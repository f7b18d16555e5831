"""`python -m tests.support.impatient run ...`: the daemon, and what it does once a minute it does twice a second."""

from __future__ import annotations

import sys

from gateway.__main__ import main
from gateway.runtime import safekeeping

RETRY_EVERY_S = 0.5
"""A store that fails is tried again after so long."""

if __name__ == "__main__":
    safekeeping.RETRY_EVERY_S = RETRY_EVERY_S
    sys.exit(main())
