"""Key logs on the command line: ``-k FILE``, and the keys that a capture brings with it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from fzctl.cli.streams import say
from fzctl.errors import CaptureError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from argparse import _ActionsContainer

    from fzctl.wireguard.keylog import KeyLog

WIREGUARD_SECRETS: Final = 0x57474B4C
"""The type of WireGuard's key log in a decryption secrets block (Wireshark's ``SECRETS_TYPE_WIREGUARD``)."""

_MOST_BYTES: Final = 16 * 1024 * 1024
_MOST_WARNINGS: Final = 5


def add_key_argument(parser: _ActionsContainer) -> None:
    """Declare ``-k``."""
    parser.add_argument(
        "-k", metavar="KEYS", dest="keys", action="append", default=[],
        help="WireGuard key log for encrypted captures, repeatable; keys in the capture itself count, too",
    )  # fmt: skip


def load_keylogs(paths: Iterable[str], *, quiet: bool) -> tuple[list[KeyLog], list[str]]:
    """The key logs, and a sentence for each that cannot be read; warnings go to stderr."""
    from fzctl.wireguard.keylog import parse_keylog

    logs: list[KeyLog] = []
    problems: list[str] = []
    for path in paths:
        try:
            text, is_whole = _read(path)
        except CaptureError as error:
            problems.append(str(error))
            continue
        log = parse_keylog(text, path)
        logs.append(log)
        if log.is_cut or not is_whole:
            problems.append(f"{path}: {cut_sentence()}")
        if not quiet:
            _warn_of_others(path)
            warn(log.name, [f"line {complaint.line}: {complaint.text}" for complaint in log.warnings])
            if not log.entries:
                warn(log.name, ["holds no key"])
    return logs, problems


class GrowingKeys:
    """Key logs that may grow while their keys are used; ``logs`` is what stands in them."""

    def __init__(self, paths: Sequence[str], *, quiet: bool) -> None:
        """Read them. Raises CaptureError where that fails."""
        self._paths = paths
        self._state = self._look()
        self.logs, problems = load_keylogs(paths, quiet=quiet)
        if problems:
            path, _, problem = problems[0].partition(": ")
            raise CaptureError(path, problem)

    def refresh(self) -> list[KeyLog]:
        """Read the logs again where one has changed; empty where none has."""
        state = self._look()
        if state == self._state:
            return []
        logs, problems = load_keylogs(self._paths, quiet=True)
        if problems:  # one is just being replaced: the next look comes soon
            return []
        self._state = state
        self.logs = logs
        return logs

    def _look(self) -> list[tuple[int, int] | None]:
        return [_state_of(path) for path in self._paths]


def cut_sentence() -> str:
    """What is said of a key log that was not read to its end."""
    from fzctl.wireguard.keylog import MOST_LINES

    most = f"{MOST_LINES} lines and {_MOST_BYTES} bytes"
    return f"is too long: what stands behind its first {most} is not used; keep what the capture needs"


def warn(name: str, texts: list[str]) -> None:
    """Say the first few of ``texts`` on stderr, and how many more there are."""
    for text in texts[:_MOST_WARNINGS]:
        say(f"fzctl: {escape(f'{name}: {text}')}")
    if len(texts) > _MOST_WARNINGS:
        say(f"fzctl: {escape(name)}: {len(texts) - _MOST_WARNINGS} more of the like")


def _read(path: str) -> tuple[bytes, bool]:
    """The beginning of the file, and whether that is all of it. Raises CaptureError."""
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise CaptureError(path, f"the keys cannot be read: {problem}") from None
    if len(text) <= _MOST_BYTES:
        return text, True
    return text[: text.rfind(b"\n") + 1], False


def _state_of(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _warn_of_others(path: str) -> None:
    mode = os.stat(path).st_mode
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(path, ["others can read these keys (chmod 600 takes that away)"])
