"""The glossary explains what a report says."""

from __future__ import annotations

from fzctl.nat.client import State
from fzctl.protocol.kinds import KINDS
from fzctl.render.glossary import GLOSSARY
from fzctl.render.storytables import state_cell

WORDS = {word for word, _ in GLOSSARY}


def test_every_kind_of_the_current_and_coming_version_is_explained() -> None:
    shown = {kind.title for kind in KINDS if kind.dialects != ("seed",)}
    assert shown - WORDS == set()


def test_the_states_of_the_tables_are_explained() -> None:
    shown = {state_cell(state, buffering=False).text for state in State}
    assert shown <= WORDS


def test_no_word_is_explained_twice() -> None:
    assert len(WORDS) == len(GLOSSARY)
