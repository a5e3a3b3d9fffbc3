"""``fzctl wireshark open`` and ``profile``."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from typing import NoReturn

from fzctl.cli.keys import load_keylogs
from fzctl.cli.streams import say
from fzctl.cli.wiresharkinstall import NO_LUA, dissector_text
from fzctl.errors import EXIT_DONE, CaptureError, ToolError, UsageError
from fzctl.render.escape import escape, quote_for_shell
from fzctl.wireshark.folders import NO_LUA_FOR_ROOT, Folders, ask_or_guess
from fzctl.wireshark.launch import Launch, cache_folder, has_profile, loads_dissector, plan, write_own
from fzctl.wireshark.profile import profile_files, profile_zip


def add_open_arguments(parser: ArgumentParser) -> None:
    """Declare the options of ``open`` on ``parser``."""
    parser.add_argument("file", metavar="FILE", help="the capture")
    parser.add_argument("-k", metavar="KEYS", dest="keys", help="a WireGuard key log")
    parser.add_argument(
        "--print", action="store_true", dest="only_print", help="print the command in place of running it"
    )


def run_open(args: Namespace) -> int:
    """Become Wireshark; does not return unless ``--print`` is given."""
    program = shutil.which("wireshark")
    if program is None and not args.only_print:
        raise ToolError("wireshark is not installed: apt install wireshark (tshark alone has no windows)")
    if not os.path.isfile(args.file):
        raise CaptureError(args.file, "there is no such file")
    _check_keys(args.keys, quiet=args.quiet)
    folders = ask_or_guess()
    launch = _plan(args, program or "wireshark", folders)
    if not args.quiet and os.geteuid() == 0 and (folders.version or NO_LUA_FOR_ROOT) >= NO_LUA_FOR_ROOT:
        say(f"fzctl: {NO_LUA}; run it as yourself")
    if args.only_print:
        print(shell_command(launch))
        return EXIT_DONE
    return _become(launch)


def shell_command(launch: Launch) -> str:
    """How to start Wireshark like that from a shell."""
    settings = [f"{name}={quote_for_shell(value)}" for name, value in launch.environment.items()]
    return " ".join([*settings, *map(quote_for_shell, launch.command)])


def add_profile_arguments(parser: ArgumentParser) -> None:
    """Declare the options of ``profile`` on ``parser``."""
    parser.add_argument("-w", metavar="FILE.zip", dest="write", help="write it there (default: stdout)")


def run_profile(args: Namespace) -> int:
    """Write the profile as a zip that Wireshark imports."""
    data = profile_zip()
    if args.write in (None, "-"):
        if sys.stdout.isatty():
            raise UsageError("a zip is binary and does not go to a terminal; give -w FILE.zip")
        sys.stdout.buffer.write(data)
        return EXIT_DONE
    from fzctl.pcap.sinks import write_whole

    write_whole(args.write, data)
    if not args.quiet:
        say(
            f"fzctl: {escape(args.write)} is written; in Wireshark: "
            "Edit, Configuration Profiles, Import, from zip file"
        )
    return EXIT_DONE


def _plan(args: Namespace, program: str, folders: Folders) -> Launch:
    script = configuration = None
    loaded, profiled = loads_dissector(folders), has_profile(folders)
    if not (loaded and profiled):
        own = cache_folder(os.environ)
        try:
            written = write_own(own, profile_files(), None if loaded else dissector_text().encode())
        except OSError as error:
            raise CaptureError(own, f"cannot be written: {error.strerror}") from None
        script = None if loaded else written
        configuration = None if profiled else own
        if configuration is not None and not args.quiet:
            say(
                f"fzctl: Wireshark gets a configuration of its own in {escape(own)}; "
                "fzctl wireshark install adds dissector and profile to yours"
            )
    return plan(program, args.file, args.keys, script, configuration)


def _check_keys(path: str | None, *, quiet: bool) -> None:
    """Raise CaptureError where the keys cannot be read; say which of them are for fzctl alone."""
    if path is None:
        return
    from fzctl.wireguard.keylog import TRANSPORT_KEY

    logs, problems = load_keylogs([path], quiet=quiet)
    if not logs:
        raise CaptureError(path, problems[0].removeprefix(f"{path}: "))
    if not quiet and any(entry.kind == TRANSPORT_KEY for log in logs for entry in log.entries):
        say(
            f"fzctl: Wireshark cannot use the {TRANSPORT_KEY} lines of {escape(path)}; "
            "fzctl decode --all -w OUT.pcapng decrypts with them"
        )


def _become(launch: Launch) -> NoReturn:
    program = launch.command[0]
    try:
        os.execve(program, launch.command, {**os.environ, **launch.environment})
    except OSError as error:
        raise ToolError(f"{program} does not run: {error.strerror}") from None
