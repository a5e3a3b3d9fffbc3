"""What of a working corpus is worth committing: small inputs that reach lines which no other one reaches."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.findings import failure_of, name_of
from tests.fuzz.target import CORPUS, HERE, Target, corpus_of

MOST_BYTES = 4096
MOST_FILES = 60

_OURS = str(HERE.parents[1] / "fzctl")

Arc = tuple[str, int, int]


def keep(target: Target, out: Path) -> int:
    """Copy the smallest inputs of ``out`` that reach something new; how many there were."""
    reached: set[Arc] = set()
    for data in target.seeds():
        reached |= arcs_of(target, data)
    for path in corpus_of(target.name):
        reached |= arcs_of(target, path.read_bytes())
    found = [path.read_bytes() for path in (out / "corpus" / target.name).glob("*")]
    kept = 0
    for data in sorted(found, key=lambda each: (len(each), each)):
        if len(data) > MOST_BYTES or len(corpus_of(target.name)) >= MOST_FILES:
            break
        arcs = arcs_of(target, data)
        if not arcs <= reached:
            reached |= arcs
            (CORPUS / target.name).mkdir(parents=True, exist_ok=True)
            (CORPUS / target.name / name_of(data)).write_bytes(data)
            kept += 1
    return kept


def arcs_of(target: Target, data: bytes) -> set[Arc]:
    """From which line to which the input goes, within fzctl."""
    arcs: set[Arc] = set()
    last: dict[int, int] = {}

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_OURS):
            return None
        line = frame.f_lineno
        arcs.add((name, last.get(id(frame), 0) if event == "line" else 0, line))
        last[id(frame)] = line
        return trace

    sys.settrace(trace)
    try:
        failure_of(target, data)
    finally:
        sys.settrace(None)
    return arcs
