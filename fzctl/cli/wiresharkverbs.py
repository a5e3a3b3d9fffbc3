"""The verbs below ``fzctl wireshark`` that put Wireshark in order: options here, the work elsewhere."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fzctl.cli import wiresharkinstall, wiresharkopen
from fzctl.cli.parser import add_common_arguments

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_INSTALL: Final = wiresharkinstall.add_install_arguments
VERBS: Final[dict[str, tuple[str, Callable[[ArgumentParser], None], Callable[..., int]]]] = {
    "install": (
        "put dissector, profile and interface into your Wireshark", _INSTALL, wiresharkinstall.run_install
    ),
    "uninstall": ("take back what install put there", _INSTALL, wiresharkinstall.run_uninstall),
    "profile": (
        "write the profile as a zip for Wireshark's import",
        wiresharkopen.add_profile_arguments, wiresharkopen.run_profile,
    ),
    "open": (
        "open a capture in Wireshark, with dissector, profile and keys",
        wiresharkopen.add_open_arguments, wiresharkopen.run_open,
    ),
}  # fmt: skip


def add_verbs(below: _SubParsersAction[Any]) -> None:
    """Declare them; each sets ``run_below``, which takes the options and returns the exit code."""
    for name, (what, add_arguments, run) in VERBS.items():
        parser = below.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        add_common_arguments(parser, SUPPRESS)
        add_arguments(parser)
        parser.set_defaults(run_below=run)
