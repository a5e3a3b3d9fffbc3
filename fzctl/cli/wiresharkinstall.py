"""``fzctl wireshark install`` and ``uninstall``: what happens, told line by line."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from fzctl.cli.streams import say
from fzctl.errors import EXIT_DONE, EXIT_NEGATIVE, ToolError
from fzctl.render.escape import escape
from fzctl.wireshark.extcap import PROGRAM, launcher
from fzctl.wireshark.folders import (
    NO_LUA_FOR_ROOT,
    Folders,
    ask_or_guess,
    ask_tshark,
    mentions_dissector,
    other_dissectors,
)
from fzctl.wireshark.install import MANIFEST, Manifest, Piece, Step, install, uninstall
from fzctl.wireshark.profile import profile_files

NO_LUA = "this is root: Wireshark 4.4 and later load no Lua for root, and do not say so"
_WIDTH = 8


def add_install_arguments(parser: ArgumentParser) -> None:
    """Declare the options of both on ``parser``."""
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would happen, and change nothing"
    )


def run_install(args: Namespace) -> int:
    """Install what is missing or outdated; exit code 1 where a file of somebody else is in the way."""
    folders = ask_tshark()
    manifest = Manifest(os.path.join(folders.configuration, MANIFEST))
    steps = install(pieces(folders), manifest, dry_run=args.dry_run)
    _tell(steps, dry_run=args.dry_run)
    if not args.quiet:
        for warning in warnings(folders, root=os.geteuid() == 0):
            say(f"fzctl: {escape(warning)}")
        if not args.dry_run and not any(step.blocked for step in steps):
            say("fzctl: start Wireshark anew and choose the profile Firezone, or: fzctl wireshark open FILE")
    return EXIT_NEGATIVE if any(step.blocked for step in steps) else EXIT_DONE


def run_uninstall(args: Namespace) -> int:
    """Take back what was installed."""
    manifest = Manifest(os.path.join(ask_or_guess().configuration, MANIFEST))
    if not manifest.files and not manifest.folders:
        if not args.quiet:
            say("fzctl: nothing is installed")
        return EXIT_DONE
    _tell(uninstall(manifest, dry_run=args.dry_run), dry_run=args.dry_run)
    return EXIT_DONE


def pieces(folders: Folders) -> Iterator[Piece]:
    """All that is installed."""
    yield Piece("the dissector", folders.dissector, dissector_text().encode())
    for name, data in profile_files().items():
        yield Piece("the profile", os.path.join(folders.profile, name), data)
    program = os.path.join(folders.extcap, PROGRAM)
    yield Piece("the interface", program, launcher(sys.executable), program=True)


def dissector_text() -> str:
    """The Lua, made now."""
    from importlib import import_module

    try:
        text: str = import_module("fzctl.wireshark.generate").dissector()
    except ModuleNotFoundError:
        raise ToolError("this fzctl was built without the dissector: install it anew") from None
    return text


def warnings(folders: Folders, *, root: bool) -> Iterator[str]:
    """Why the dissector may load twice, or not at all."""
    for path in other_dissectors(folders.lua, but=folders.dissector):
        yield f"{path} declares the protocol, too: Wireshark refuses the second of them; remove it"
    script = os.path.join(folders.configuration, "init.lua")
    if mentions_dissector(script):
        yield f"{script} seems to load the dissector, too; with -X lua_script:... it would load twice as well"
    if root:
        if folders.version is None or folders.version >= NO_LUA_FOR_ROOT:
            yield f"{NO_LUA}; run both as yourself"
        else:
            yield f"{NO_LUA} (this one still does)"
        user = os.environ.get("SUDO_USER")
        if user:
            yield f"these are root's folders, not those of {user}: run it without sudo"


def _tell(steps: list[Step], *, dry_run: bool) -> None:
    if dry_run:
        print("nothing is changed; this would happen:")
    for step in steps:
        why = f"  ({step.why})" if step.why else ""
        print(escape(f"{step.action:<{_WIDTH}}{step.path}{why}"))
