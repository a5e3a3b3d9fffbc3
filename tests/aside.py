"""Tests that mostly wait (mark ``waits``): in the whole suite each runs in a process of its own meanwhile.

It begins with the session and is judged in its turn. Alone or with few others it runs as any other.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
# With fewer tests beside it there is nothing to do meanwhile.
_ENOUGH = 500
_TIMEOUT = 60


class Aside:
    """The processes of one session, by the test that each of them runs."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.config.option.collectonly or len(session.items) < _ENOUGH:
            return
        for item in session.items:
            if item.get_closest_marker("waits"):
                command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", item.nodeid]
                self._running[item.nodeid] = subprocess.Popen(
                    command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                )

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        if pyfuncitem.nodeid not in self._running:
            return None
        child = self._running.pop(pyfuncitem.nodeid)
        said = child.communicate()[0].decode(errors="replace")
        if child.returncode:
            pytest.fail(said, pytrace=False)
        return True

    def pytest_sessionfinish(self) -> None:
        """The session ends early: so do they, and clear up after themselves."""
        for child in self._running.values():
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=_TIMEOUT)
