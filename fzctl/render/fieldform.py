"""``-T fields``: the chosen fields of a message, tab-separated, as tshark writes them.

Texts are escaped as everywhere, and beyond that so that no cell is a formula or a quotation where a
spreadsheet opens the file. What was there comes back when each ``\\xNN``, ``\\uNNNN`` and ``\\UNNNNNNNN``
is replaced by the character with that number; every other backslash stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from fzctl.render.escape import escape, show_code

# At the beginning of a cell, also where the reader parts cells at commas or semicolons; and a backslash
# that could be taken for one of an escape.
_ACTIVE: Final = re.compile(r"""(?:^|(?<=[,;])) *[=+\-@"\uff1d\uff0b\uff0d\uff20]|\\(?=[xuU])""")


def to_fields(values: Sequence[Sequence[Any]]) -> str:
    """One line: the values of each field joined by commas, the fields by tabs."""
    return "\t".join(",".join(map(_show, each)) for each in values)


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return f"{value:.9f}"
    text = str(value)
    return escape(_ACTIVE.sub(_show_last, text) if isinstance(value, str) else text)


def _show_last(found: re.Match[str]) -> str:
    return found[0][:-1] + show_code(found[0][-1])
