"""How much is compared: little in each run, and more on request."""

from __future__ import annotations

import os
from typing import Final

VARIABLE: Final = "FZCTL_DIFFERENTIAL"
"""``FZCTL_DIFFERENTIAL=100:7`` compares a hundred times as much, from another seed."""

_TIMES, _, _SEED = os.environ.get(VARIABLE, "1:1").partition(":")
TIMES: Final = float(_TIMES)
SEED: Final = int(_SEED or 1)


def many(count: float) -> int:
    """So many cases at this scale."""
    return max(1, round(count * TIMES))
