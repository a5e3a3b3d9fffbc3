"""One tshark for all tests of the dissector."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.wireshark.roots import tshark_here
from tests.wireshark.tsharks import Reader


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """This machine's tshark with the committed dissector."""
    with tshark_here() as tshark:
        yield Reader(tshark)


@pytest.fixture
def columns(reader: Reader) -> Callable[..., list[list[str]]]:
    """Runs tshark with ``-T fields``: a list of the fields' texts a packet."""

    def read(capture: object, names: list[str], *options: str, keys: object = None) -> list[list[str]]:
        wanted = [word for name in names for word in ("-e", name)]
        done = reader.read(capture, "-T", "fields", *wanted, *options, keys=keys)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr.decode()
        return [line.split("\t") for line in done.stdout.decode().splitlines()]

    return read
