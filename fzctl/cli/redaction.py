"""``--redact`` and ``--redact-key FILE`` on the command line."""

from __future__ import annotations

import os
import stat
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fzctl.cli.streams import conceal, say
from fzctl.errors import CaptureError, UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.redact.redactor import Redactor

KEY_LENGTH: Final = 32
_SHORTEST: Final = 16
_MOST_BYTES: Final = 65536
_SYSTEM: Final = 0
_OF_FILES: Final = ("files", "read", "keys", "captures", "logs", "write")


def add_redact_arguments(parser: ArgumentParser) -> None:
    """Declare ``--redact`` and ``--redact-key``."""
    parser.add_argument(
        "--redact", action="store_true", help="replace domains, addresses and ids, lengths kept"
    )
    parser.add_argument(
        "--redact-key", metavar="FILE",
        help="the same replacements in every run with this key; the file is made where there is none",
    )  # fmt: skip


def make_redactor(args: Namespace) -> Redactor | None:
    """The redactor that the options ask for: with the key in the file, else with one for this run.

    Raises UsageError where the file holds no key, CaptureError where it cannot be read.
    """
    if not args.redact and args.redact_key is None:
        return None
    from secrets import token_bytes

    from fzctl.redact.redactor import Redactor

    if args.redact_key is None:
        redactor = Redactor(token_bytes(KEY_LENGTH))
    else:
        redactor = Redactor(_read_key(args.redact_key, quiet=args.quiet))
    conceal({escape(path): escape(redactor.redact_path(path)) for path in _paths(args) if len(path) > 2})
    return redactor


def _paths(args: Namespace) -> Iterator[str]:
    """The files that the command line names: messages on stderr name them, too."""
    for option in _OF_FILES:
        found = getattr(args, option, None) or ()
        yield from (found,) if isinstance(found, str) else found


def _read_key(path: str, *, quiet: bool) -> bytes:
    from secrets import token_bytes

    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return _read_existing(path, quiet=quiet)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise CaptureError(path, f"the key for --redact-key cannot be made: {problem}") from None
    key = token_bytes(KEY_LENGTH)
    try:
        with open(file, "wb") as made:
            made.write(key)
    except OSError as error:
        with suppress(OSError):
            os.unlink(path)
        raise CaptureError(path, f"the key for --redact-key cannot be written: {error.strerror}") from None
    if not quiet:
        say(f"fzctl: {escape(path)}: a new key for --redact-key; with it guesses can be tested, so keep it")
    return key


def _read_existing(path: str, *, quiet: bool) -> bytes:
    try:
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
            key = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CaptureError(path, f"the key for --redact-key cannot be read: {error.strerror}") from None
    if not _SHORTEST <= len(key) <= _MOST_BYTES:
        raise UsageError(
            f"{escape(path)} is no key for --redact-key: it must have {_SHORTEST} to {_MOST_BYTES} bytes; "
            "name a file that does not exist, and one is made"
        )
    if not quiet and state.st_uid not in (_SYSTEM, os.geteuid()):
        say(f"fzctl: {escape(path)}: this key is somebody else's, who can test guesses with it")
    elif not quiet and stat.S_ISREG(state.st_mode) and state.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        say(f"fzctl: {escape(path)}: others can read this key (chmod 600 takes that away)")
    return key
