"""The parsers of the verbs, and how they look."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from fzctl.errors import UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

_WIDTH = 100
_NARROWEST = 40

# argparse has every phrase of its own looked up in translations, file by file. There are none for
# fzctl, and looking costs 2 ms and 300 KB at each start.
vars(argparse)["_"] = str


class Parser(ArgumentParser):
    """A parser whose complaints are errors of ours: one sentence, and harmless to print.

    With ``files_anywhere`` files may stand between options.
    """

    files_anywhere = False

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", _Formatter)
        super().__init__(allow_abbrev=False, **settings)

    def parse(self, arguments: list[str]) -> Namespace:
        """The options' values. Raises UsageError, and SystemExit where help was printed."""
        # argparse's own parse_intermixed_args() parses twice and formats the usage each time.
        found, left = self.parse_known_args(arguments)
        if self.files_anywhere and all(each == "-" or not each.startswith("-") for each in left):
            found.files += left
        elif left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return found

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        (file or sys.stdout).write(self.format_help())  # argparse's own swallows what goes wrong

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{escape(message)} (see {self.prog} --help)")


def build_parser(verb: str) -> Parser:
    """The parser of one verb; imports nothing but that verb."""
    module = import_module(f"fzctl.cli.{verb}")
    parser = Parser(prog=f"fzctl {verb}", description=module.__doc__)
    add_common_arguments(parser)
    module.add_arguments(parser)
    parser.files_anywhere = getattr(module, "FILES_ANYWHERE", False)
    parser.set_defaults(run=module.run)
    return parser


def add_common_arguments(parser: ArgumentParser, default: str | None = None) -> None:
    """The options that stand before or behind any verb.

    ``default`` is argparse's SUPPRESS where a parser below must not overrule the one above.
    """
    common = parser.add_argument_group("everywhere")
    loudness = common.add_mutually_exclusive_group()
    loudness.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        default=default or False,
        help="no progress, counts or hints on stderr",
    )
    loudness.add_argument(
        "-v", "--verbose", action="store_true", default=default or False, help="say more on stderr"
    )
    common.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default=default or "auto",
        help="colours on stdout (default: auto)",
    )


def positive(text: str) -> int:
    """A whole number above 0, as an option's type."""
    if text.isascii() and text.isdigit() and text.strip("0"):
        # Of texts with thousands of digits int() makes nothing, and islice() counts to maxsize.
        digits = text.lstrip("0")
        return int(digits) if len(digits) < 19 else sys.maxsize
    raise ArgumentTypeError(f"{text!a} is no whole number above 0")


class _Formatter(RawDescriptionHelpFormatter):
    """Lines as long as in the source, or as a terminal that is narrower; argparse imports a lot to ask it."""

    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, **{**settings, "width": _width(), "max_help_position": 30})


def _width() -> int:
    if not sys.stdout or not sys.stdout.isatty():
        return _WIDTH
    columns = os.get_terminal_size(sys.stdout.fileno()).columns
    # One that does not know its size says 0.
    return min(_WIDTH, max(columns, _NARROWEST)) if columns else _WIDTH
