"""What a row of the ladder says; text and pictures draw it each in its way."""

from __future__ import annotations

from typing import Final, NamedTuple

RIGHT: Final = "right"
LEFT: Final = "left"
UNKNOWN: Final = "unknown"

MESSAGE: Final = "message"
FLOW: Final = "flow"
MISSING: Final = "missing"
SESSION: Final = "session"
GAP: Final = "gap"
MORE: Final = "more"


class Row(NamedTuple):
    """One row. Texts are escaped for a terminal.

    ``kind`` is one of the above, ``frame`` names the frame (``#4``, ``B#4`` of the second file),
    ``way`` where the arrow goes, from client (left) to gateway or back. ``about`` is what
    the label is about, mostly a domain. ``mood`` is one of
    ``good``, ``bad``, ``ignored`` and ``dim``, or empty.
    ``rung`` is its place among all rungs that are kept.
    """

    kind: str
    time: int | None
    frame: str
    way: str
    label: str
    about: str
    note: str
    mood: str
    rung: int | None = None
