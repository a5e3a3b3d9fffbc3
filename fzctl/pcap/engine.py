"""Which innermost loops the scan runs on: the compiled ones where they are installed, else ours.

The package ``fzctl-kernel`` (folder ``kernel/``) holds the same loops in C.
"""

from __future__ import annotations

import os
from collections.abc import Set
from functools import partial
from typing import Any, Final

from fzctl.pcap import skim
from fzctl.pcap.skim import Skimmer

# What we know how to call.
_INTERFACE: Final = 1


def _find_kernel() -> Any:
    if os.environ.get("FZCTL_KERNEL") == "0":
        return None
    try:
        import fzctl_kernel
    except ImportError:
        return None
    return fzctl_kernel if fzctl_kernel.INTERFACE == _INTERFACE else None


_kernel: Any = _find_kernel()


def is_compiled() -> bool:
    """Do the compiled loops run?"""
    return _kernel is not None


def record_skimmer(order: str, probe: int) -> Skimmer:
    """As :func:`fzctl.pcap.skim.record_skimmer`."""
    if _kernel is None:
        return skim.record_skimmer(order, probe)
    return partial(_kernel.skim_records, order == ">", probe)


def block_skimmer(order: str, probe: int, interfaces: Set[int]) -> Skimmer:
    """As :func:`fzctl.pcap.skim.block_skimmer`."""
    if _kernel is None:
        return skim.block_skimmer(order, probe, interfaces)
    return partial(_kernel.skim_blocks, order == ">", probe, interfaces)
