"""What all tests share: external programs, golden texts, hypothesis without a clock."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

import dev
from tests.aside import Aside
from tests.loopback import own_network

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/ anew from what is")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Aside())
    # What a shell has ignored for us, in the background or under nohup, our programs would ignore, too.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    # A slow machine is no failure; in CI the same examples each time.
    hypothesis.settings.register_profile("fzctl", deadline=None, derandomize=dev.in_ci())
    # mutmut runs the tests once for every mutant, and no failure needs to be a small one.
    phases = hypothesis.Phase.explicit, hypothesis.Phase.generate
    hypothesis.settings.register_profile(
        "mutant", deadline=None, derandomize=True, max_examples=20, phases=phases
    )
    hypothesis.settings.load_profile("mutant" if os.environ.get("MUTANT_UNDER_TEST") else "fzctl")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("peer"):
        for name in mark.args:
            path_of_peer(name)
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture
def require_peer() -> Callable[[str], str]:
    """``require_peer("tshark")`` is the program's path, or the end of the test."""
    return path_of_peer


def path_of_peer(name: str) -> str:
    path = dev.find_program(name)
    if path is None:
        words = f"{name} is not installed: apt install {dev.PEERS[name]}"
        if dev.in_ci():
            pytest.fail(words, pytrace=False)
        pytest.skip(words)
    return path


@pytest.fixture(scope="module")
def own_loopback() -> Iterator[None]:
    """For tests that look at all that goes by on lo, where another suite may be running."""
    with own_network():
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(text, "ladder.txt")`` compares with tests/golden/ladder.txt."""

    def compare(text: str, name: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.exists(), f"there is no {path}: run once with --update-golden and read what it wrote"
        assert text == path.read_bytes().decode()

    return compare
