"""``-T fields``: the chosen fields of a message, tab-separated, as tshark writes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fzctl.render.escape import escape


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
    return escape(str(value))
