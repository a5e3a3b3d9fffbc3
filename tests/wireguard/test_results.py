"""Results: every reason has its words."""

from __future__ import annotations

from fzctl.wireguard import results
from fzctl.wireguard.results import REASONS, Result


def test_every_slug_is_explained() -> None:
    slugs = {value for name, value in vars(results).items() if name.isupper() and isinstance(value, str)}
    assert slugs == set(REASONS)
    assert all(REASONS.values())


def test_a_bare_result_knows_nothing() -> None:
    assert Result("cut") == ("cut", 0, None, None, None, None, "", "", None)
