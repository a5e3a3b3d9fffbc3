"""Chromium without a window, kept from the network."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--disable-features=NetworkTimeServiceQuerying", "--disable-extensions", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
)  # fmt: skip


class Visit(NamedTuple):
    """What the browser printed, what the page's console said, and the addresses that the page asked for."""

    out: str
    console: list[str]
    requests: list[str]


def browse(chromium: str, page: Path, scratch: Path, *options: str) -> Visit:
    """Open a page from disk."""
    log = scratch / "net.json"
    done = subprocess.run(
        [
            chromium, *FLAGS, f"--user-data-dir={scratch / 'profile'}", f"--log-net-log={log}", *options,
            page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "HOME": str(scratch)}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Visit(done.stdout, console, _requests(log))


def _requests(log: Path) -> list[str]:
    text = log.read_text(encoding="utf-8").rstrip().rstrip(",")
    try:
        events: dict[str, Any] = json.loads(text)
    except ValueError:  # the browser was quicker than its log
        events = json.loads(text + "]}")
    asked = (each.get("params", {}) for each in events["events"])
    # The browser itself asks for updates and the time; a page's requests have an origin.
    pages = [each for each in asked if each.get("initiator", "not an origin") != "not an origin"]
    return sorted({str(each.get("url")) for each in pages} - {"None"})
