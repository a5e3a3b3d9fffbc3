"""What Wireshark gets from fzctl.

dissector   print the Lua: fzctl wireshark dissector > fzctl.lua
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import NamedTuple

from fzctl.errors import EXIT_DONE


class Action(NamedTuple):
    """One verb behind ``wireshark``: what it is for, its options, and what runs it."""

    what: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    verbs = parser.add_subparsers(dest="action", metavar="VERB", required=True)
    for name, action in ACTIONS.items():
        each = verbs.add_parser(name, help=action.what, description=action.what)
        action.add_arguments(each)
        each.set_defaults(act=action.run)


def run(args: Namespace) -> int:
    """Run the chosen verb; returns the exit code."""
    code: int = args.act(args)
    return code


def _no_arguments(_parser: ArgumentParser) -> None:
    pass


def _print_dissector(_args: Namespace) -> int:
    from fzctl.wireshark.generate import dissector

    sys.stdout.write(dissector())
    return EXIT_DONE


ACTIONS = {
    "dissector": Action("print the Lua, made from the declared kinds", _no_arguments, _print_dissector),
}
