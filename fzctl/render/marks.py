"""Letters for the files of a merged analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fzctl.analysis.ladder import Analysis, Sent

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def file_marks(analysis: Analysis) -> dict[str, str]:
    """A letter for each file of a merged analysis."""
    if len(analysis.files) < 2:
        return {}
    return {
        file: _LETTERS[place] if place < len(_LETTERS) else f"F{place + 1}"
        for place, file in enumerate(analysis.files)
    }


def not_seen_in(sent: Sent, marks: Mapping[str, str]) -> list[str]:
    """The letters of those files of a merged analysis that do not hold the message."""
    seen = {sent.record.file, *(spot.file for spot in sent.copies)}
    return [mark for file, mark in marks.items() if file not in seen]
