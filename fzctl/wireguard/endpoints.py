"""Where datagrams come from and go to."""

from __future__ import annotations

Endpoint = tuple[str, int]
"""An IP address in text and a UDP port."""


def format_endpoint(endpoint: Endpoint) -> str:
    """Address and port in one text, an IPv6 address in brackets."""
    address, port = endpoint[:2]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
