"""The errors that fzctl raises, and the exit codes that they end in.

Every error is one sentence for people: what was tried, on what, and what to do next.
"""

from __future__ import annotations

from typing import Final

EXIT_DONE: Final = 0
EXIT_NEGATIVE: Final = 1
EXIT_USAGE: Final = 2
EXIT_INPUT: Final = 3
EXIT_CARRIER: Final = 4
EXIT_TOOL: Final = 5
EXIT_NO_ANSWER: Final = 6
EXIT_BUG: Final = 70
"""A failure that is ours: ``EX_SOFTWARE`` of sysexits.h."""
EXIT_INTERRUPTED: Final = 130
EXIT_READER_GONE: Final = 141


class FzctlError(Exception):
    """Anything that fzctl refuses or fails at; its text is meant for the user."""

    exit_code: int = EXIT_NEGATIVE
    has_lines: bool = False
    """Does the text go on below its first line? Elsewhere a line's end is part of a name."""


class UsageError(FzctlError):
    """The command line, a filter or an option is wrong."""

    exit_code = EXIT_USAGE


class EncodeError(FzctlError):
    """We were asked to build what a real sender refuses to send."""

    exit_code = EXIT_USAGE


class DecodeError(FzctlError):
    """Text that should be a packet (hex input) is none."""

    exit_code = EXIT_INPUT


class CaptureError(FzctlError):
    """A capture file cannot be read or written.

    ``source`` is the file's name, ``offset`` the byte in the decompressed stream at which
    reading stopped (``None`` where the file could not be opened at all).
    """

    exit_code = EXIT_INPUT

    def __init__(self, source: str, problem: str, offset: int | None = None) -> None:
        self.source = source
        self.problem = problem
        self.offset = offset
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{source}{where}: {problem}")


class CarrierError(FzctlError):
    """A live interface, a permission or the tunnel fails: ``operation`` on ``target``."""

    exit_code = EXIT_CARRIER

    def __init__(self, operation: str, target: str, problem: str) -> None:
        self.operation = operation
        self.target = target
        super().__init__(f"cannot {operation} {target}: {problem}")


class ToolError(FzctlError):
    """An external program is missing or too old."""

    exit_code = EXIT_TOOL
