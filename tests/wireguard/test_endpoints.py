"""Endpoints in one text."""

from __future__ import annotations

import pytest

from fzctl.wireguard.endpoints import Endpoint, format_endpoint


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [(("192.0.2.1", 51820), "192.0.2.1:51820"), (("2001:db8::1", 3478), "[2001:db8::1]:3478")],
)
def test_an_ipv6_address_stands_in_brackets(endpoint: Endpoint, text: str) -> None:
    assert format_endpoint(endpoint) == text
