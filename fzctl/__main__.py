"""``python -m fzctl``, and the command ``fzctl``."""

from __future__ import annotations

import os
import sys

from fzctl.cli.main import main


def run() -> None:
    """Run fzctl as a process of its own and end it with the exit code."""
    code = main()
    if "scapy" in sys.modules:
        sys.exit(code)  # its console saves the history on leaving
    # Everything is flushed. Taking the interpreter apart would cost a tenth of a short run.
    os._exit(code)


if __name__ == "__main__":
    run()
