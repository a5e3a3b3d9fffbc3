"""The strict reading of a payload: what stands behind the codec's fast path.

It reads as a receiver does, tells why it refuses, and then finds out what can still be said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fzctl.protocol.kinds import KINDS, Kind
from fzctl.protocol.reader import Reader, is_sound_json, line_and_column
from fzctl.protocol.reasons import Refusal


def read_fields(kind: Kind, payload: bytes) -> tuple[dict[str, Any], Refusal | None]:
    """Read a payload as a receiver of ``kind`` does; with a refusal, the values that came before it."""
    found: dict[str, object] = {}
    refusal = None
    try:
        Reader(payload).read_document(
            lambda reader: reader.read_struct(_readers(kind), f"{kind.title}'s fields", found)
        )
    except Refusal as caught:
        refusal = caught
    return kind.members(found), refusal


def salvage(kind: Kind, payload: bytes) -> dict[str, Any]:
    """The fields of a refused object that a receiver could read if they stood alone."""
    found: dict[str, object] = {}
    readers = _readers(kind)
    for name, start in Reader(payload).top_level_keys().items():
        if name in readers:
            reader = Reader(payload)
            reader.index = start
            try:
                found[name] = readers[name](reader)
            except Refusal:
                continue
    return kind.members(found)


def dialect_by_fields(kind: Kind, payload: bytes) -> str | None:
    """The dialect whose kind of the same number has its own fields here in place of ours."""
    ours = {field.name for field in kind.fields}
    keys = Reader(payload).top_level_keys().keys()
    for other in KINDS:
        if other.number != kind.number:
            continue
        theirs = {field.name for field in other.fields}
        if theirs - ours and theirs - ours <= keys and not (ours - theirs) & keys:
            return other.dialects[0]
    return None


def explain(refusal: Refusal, payload: bytes) -> tuple[str, str]:
    """The slug of a refusal, and the sentence for people with line and column."""
    reason = refusal.reason
    if refusal.if_sound is not None and is_sound_json(payload):
        reason = refusal.if_sound
    line, column = line_and_column(payload, refusal.offset or 0)
    return reason, f"{refusal.problem} (line {line}, column {column})"


def _readers(kind: Kind) -> dict[str, Callable[[Reader], object]]:
    return {field.name: field.type.read for field in kind.fields}
