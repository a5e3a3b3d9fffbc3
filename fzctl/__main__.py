"""``python -m fzctl``, and the command ``fzctl``."""

from __future__ import annotations

import gc
import os
import sys

# Records come and go by the million and hardly any is part of a cycle: look for those seldom.
gc.set_threshold(50_000)

from fzctl.cli.main import main  # noqa: E402 - what start-up makes is no garbage either


def run() -> None:
    """Run fzctl as a process of its own and end it with the exit code."""
    code = main()
    if "scapy" in sys.modules:
        sys.exit(code)  # its console saves the history on leaving
    # Everything is flushed. Taking the interpreter apart would cost a tenth of a short run.
    os._exit(code)


if __name__ == "__main__":
    run()
