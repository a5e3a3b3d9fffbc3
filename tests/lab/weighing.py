"""What things hold, to see whether anything grows that should not."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType, NoneType
from typing import Any, Final, NamedTuple

# What leads out of the things themselves, to the whole program; and numbers, of which small ones exist once,
# so that a counter that passes 256 would look like something new. Who holds many of them has a large table.
_OUTSIDE: Final = (type, ModuleType, FunctionType, BuiltinFunctionType, int, float, NoneType)
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Weight(NamedTuple):
    """How many objects, and how many bytes they take."""

    objects: int
    size: int


def weigh(things: Iterable[Any]) -> Weight:
    """Everything that can be reached from things through their attributes and elements."""
    seen: set[int] = set()
    size = 0
    waiting = list(things)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _OUTSIDE):
            continue
        seen.add(id(thing))
        size += sys.getsizeof(thing)
        waiting += gc.get_referents(thing)
    return Weight(len(seen), size)


def resident(process: int | str = "self") -> int:
    """The memory of a process, in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE


def open_files(process: int | str = "self") -> int:
    """How many file descriptors a process has."""
    return len(os.listdir(f"/proc/{process}/fd"))
