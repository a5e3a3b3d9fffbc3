"""What Wireshark gets from fzctl.

dissector   print the Lua: fzctl wireshark dissector > fzctl.lua
install     put dissector, profile and interface into your Wireshark; uninstall takes them back
open        open a capture in Wireshark, with dissector, profile and keys
profile     write the profile as a zip for Wireshark's import
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import NamedTuple

from fzctl.cli.wiresharkverbs import add_verbs
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
        each.set_defaults(run_below=action.run)
    add_verbs(verbs)


def run(args: Namespace) -> int:
    """Run the chosen verb; returns the exit code."""
    code: int = args.run_below(args)
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
