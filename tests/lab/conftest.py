"""The network that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.netns import CannotMakeNamespaces, Net, network


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """Client, relay and gateway; a test asks for its programs with the mark ``peer``."""
    if not Path("/dev/net/tun").exists():
        pytest.skip("this machine has no /dev/net/tun")
    try:
        with network(tmp_path_factory.mktemp("net")) as made:
            yield made
    except CannotMakeNamespaces as error:
        pytest.skip(str(error))
