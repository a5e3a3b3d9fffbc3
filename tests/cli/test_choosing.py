"""What a replay chooses from its inputs fits into memory; the rest of it is shown by test_replay.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fzctl.cli import choosing
from tests.cli.conftest import Run


@pytest.mark.parametrize(("name", "most"), [("MOST_MESSAGES", 2), ("MOST_BYTES", 400)])
def test_what_does_not_fit_in_memory_is_refused_before_it_is_sent(
    name: str, most: int, fzctl: Run, hex_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, name, most)
    words = ("replay", "--hex", "-i", "lo", "--dry-run", hex_file())
    found = fzctl(*words)
    assert (found.code, found.out) == (2, "")
    assert "that are sent at a time" in found.err
    assert fzctl(*words, "-c", "2").code == 0
