"""The entry point: finds the verb, runs it, and ends with one of the promised exit codes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from fzctl import __version__
from fzctl.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_READER_GONE, EXIT_USAGE, FzctlError

if TYPE_CHECKING:
    from argparse import ArgumentParser

VERBS = {
    "decode": "control messages out of capture files or a pipe",
    "craft": "make a message: to a capture file, hex or stdout",
    "doctor": "what this machine can do, what is missing and how to get it",
    "shell": "scapy's console with the layers loaded",
    "completion": "a completion script for bash, zsh or fish",
}

_EPILOG = """\
"fzctl FILE ..." is the same as "fzctl decode FILE ...".

  fzctl capture.pcapng                     what is in it?
  fzctl decode -Y 'fzp2p.domain contains "gitlab"' -T jsonl capture.pcap
  fzctl craft goodbye | fzctl decode --hex -T tree -
"""


def main(arguments: list[str] | None = None) -> int:
    """Run fzctl with command-line ``arguments`` and return the exit code. Never raises."""
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return code
    except FzctlError as error:
        return _fail(f"fzctl: {error}", error.exit_code)
    except BrokenPipeError:
        # What is left in the buffer must not raise again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_READER_GONE
    except KeyboardInterrupt:
        return _fail("fzctl: interrupted", EXIT_INTERRUPTED)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_USAGE


def build_parser(verb: str) -> ArgumentParser:
    """The parser of one verb; imports nothing but that verb."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter
    from importlib import import_module

    module = import_module(f"fzctl.cli.{verb}")
    parser = ArgumentParser(
        prog=f"fzctl {verb}",
        description=module.__doc__,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_common_arguments(parser)
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)
    return parser


def add_common_arguments(parser: ArgumentParser) -> None:
    """The options that stand before or behind any verb."""
    common = parser.add_argument_group("everywhere")
    loudness = common.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="no progress, counts or hints on stderr")
    loudness.add_argument("-v", "--verbose", action="store_true", help="say more on stderr")
    common.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours on stdout (default: auto)"
    )


def _run(arguments: list[str]) -> int:
    before, verb, after = _split(arguments)
    if verb in ("--help", "-h", "help") or verb is None:
        sys.stdout.write(_help())
        return EXIT_DONE if verb is not None else EXIT_USAGE
    if verb == "--version":
        sys.stdout.write(f"fzctl {__version__}\n")
        return EXIT_DONE
    args = build_parser(verb).parse_args(before + after)
    code: int = args.run(args)
    return code


def _split(arguments: list[str]) -> tuple[list[str], str | None, list[str]]:
    """Common options, the verb, and the rest; what is a file or decode's option means decode."""
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--color":
            position += 2
        elif argument in ("-q", "--quiet", "-v", "--verbose") or argument.startswith("--color="):
            position += 1
        else:
            break
    before, rest = arguments[:position], arguments[position:]
    if not rest:
        return before, None, []
    first = rest[0]
    if first in VERBS or first in ("--help", "-h", "help", "--version"):
        return before, first, rest[1:]
    if first.startswith("-") or os.path.exists(first) or "." in first or "/" in first:
        return before, "decode", rest
    raise _unknown_verb(first)


def _unknown_verb(word: str) -> FzctlError:
    from difflib import get_close_matches

    from fzctl.errors import UsageError
    from fzctl.render.escape import escape

    near = get_close_matches(word, VERBS, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return UsageError(f'"{escape(word)}" is no verb and no file{hint} (fzctl --help lists the verbs)')


def _help() -> str:
    verbs = "\n".join(f"  {verb:<12}{what}" for verb, what in VERBS.items())
    return (
        "usage: fzctl [-q | -v] [--color auto|always|never] VERB ...\n"
        "       fzctl FILE ...\n\n"
        "See, craft and decode Firezone's peer-to-peer control messages.\n\n"
        f"verbs:\n{verbs}\n\noptions:\n"
        "  -q, --quiet     no progress, counts or hints on stderr\n"
        "  -v, --verbose   say more on stderr\n"
        "  --color WHEN    auto, always or never\n"
        "  --version       print the version\n"
        '  --help          print this; "fzctl VERB --help" tells about a verb\n\n'
        f"{_EPILOG}"
    )


def _fail(text: str, code: int) -> int:
    try:
        sys.stdout.flush()
    except OSError:
        pass
    print(text, file=sys.stderr)
    return code
