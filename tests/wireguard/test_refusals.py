"""The reasons have words."""

from __future__ import annotations

from fzctl.wireguard import refusals
from fzctl.wireguard.refusals import REFUSALS


def test_every_reason_has_a_sentence() -> None:
    slugs = {value for name, value in vars(refusals).items() if name.isupper() and isinstance(value, str)}
    assert slugs == set(REFUSALS)
    assert all(len(text) > 4 and not text.endswith(".") for text in REFUSALS.values())
