"""A target: what is done with any bytes, and the bytes to begin with.

A target is a module in ``targets/``. Its first line states the invariant; ``check(data)`` raises where
that is broken, ``seeds()`` gives sound inputs to begin with. It may have ``TOKENS``, bytes that mutations put
in, ``LONGEST``, the size to which mutations keep, and ``inputs()``, a strategy of hypothesis of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
NAMES = sorted(path.stem for path in (HERE / "targets").glob("*.py"))
LONGEST = 4096


class Target(NamedTuple):
    """What stands in a target's module; ``strategy`` is made on demand, for hypothesis takes its time."""

    name: str
    invariant: str
    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    tokens: tuple[bytes, ...]
    longest: int
    strategy: Callable[[], Any] | None


def load(name: str) -> Target:
    """The target of that name; importing it imports what it puts to the test."""
    module: ModuleType = importlib.import_module(f"tests.fuzz.targets.{name}")
    return Target(
        name,
        (module.__doc__ or "").partition("\n")[0],
        module.check,
        module.seeds,
        getattr(module, "TOKENS", ()),
        getattr(module, "LONGEST", LONGEST),
        getattr(module, "inputs", None),
    )


def corpus_of(name: str) -> list[Path]:
    """The committed inputs: what is to be tried first, and all that ever broke the target."""
    return sorted((CORPUS / name).glob("*"))


def inputs_of(target: Target) -> list[bytes]:
    """Seeds and corpus."""
    return [*target.seeds(), *(path.read_bytes() for path in corpus_of(target.name))]
