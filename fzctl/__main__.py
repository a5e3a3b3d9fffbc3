"""``python -m fzctl``, and the command ``fzctl``."""

from __future__ import annotations

import gc
import os
import sys

# Records come and go by the million and hardly any is part of a cycle: look for those seldom.
gc.set_threshold(50_000)


def run() -> None:
    """Run fzctl as a process of its own and end it with the exit code."""
    code = _run()
    if not code and "fzctl.cli.shell" in sys.modules:
        sys.exit()  # scapy's console saves the history on leaving
    # Everything is flushed. Taking the interpreter apart would cost a tenth of a short run, and where an
    # interrupt had met it compiling a text, as named tuples do, it would end in SIGINT whatever the code.
    os._exit(code)


def _run() -> int:
    try:
        # What start-up makes is no garbage either; and a signal may come meanwhile.
        from fzctl.cli.ending import ended, heed
        from fzctl.cli.main import main

        heed()
        return ended(main())
    except KeyboardInterrupt:  # before the first step, or one more behind the last
        from fzctl.cli.ending import ended
        from fzctl.errors import EXIT_INTERRUPTED

        return ended(EXIT_INTERRUPTED)


if __name__ == "__main__":
    run()
