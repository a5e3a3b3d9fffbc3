"""Patterns and offsets out of the command line."""

from __future__ import annotations

import pytest

from fzctl.cli.analysisoptions import parse_offsets, parse_patterns
from fzctl.errors import UsageError
from tests.records import RESOURCE


@pytest.mark.parametrize("text", ["", "gitlab=*.example.com", f"{RESOURCE}=", "a.***"])
def test_a_pattern_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="pattern"):
        parse_patterns([text])


@pytest.mark.parametrize("text", ["a.pcap", "b.pcap=1", "a.pcap=", "a.pcap=soon"])
def test_an_offset_names_an_input_and_seconds(text: str) -> None:
    with pytest.raises(UsageError, match="--offset"):
        parse_offsets([text], ["a.pcap"])
    assert parse_offsets(["a.pcap=-0.25"], ["a.pcap"]) == {"a.pcap": -250_000_000}
