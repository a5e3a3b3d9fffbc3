"""The entry point: finds the verb, runs it, and ends with one of the promised exit codes."""

from __future__ import annotations

import errno
import os
import sys

from fzctl import __version__
from fzctl.cli import streams
from fzctl.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_READER_GONE,
    EXIT_USAGE,
    FzctlError,
    UsageError,
)
from fzctl.render.escape import escape

VERBS = {
    "decode": "control messages out of capture files or a pipe",
    "watch": "the same, live on an interface",
    "craft": "make a message: to a capture file, hex or stdout",
    "inject": "send it into a live tunnel, and with --expect wait for the answer",
    "replay": "send the control messages of a capture again, timed, scaled, lossy",
    "respond": "play the gateway: answer AssignedIps with DomainStatus",
    "client": "play the client against a live gateway",
    "resilience": "loss, re-ordering, late answers: what client and gateway bear",
    "analyze": "what happened: exchanges, NAT state, findings; text, JSON, HTML",
    "check": "only what is wrong, why it matters and what to look at next",
    "stats": "counts, rates, sizes, response times",
    "compare": "tshark's reading of the same file, field by field",
    "logs": "Firezone's logs, readable, in one timeline",
    "wireshark": "a dissector, a profile and an interface for Wireshark",
    "demo": "all of it in a few seconds, on loopback, without root",
    "doctor": "what this machine can do, what is missing and how to get it",
    "shell": "scapy's console with the layers loaded",
    "completion": "a completion script for bash, zsh or fish",
}

_HELP = ("--help", "-h", "help")

_EPILOG = """\
"fzctl FILE ..." is the same as "fzctl decode FILE ...".

  fzctl capture.pcapng                     what is in it?
  fzctl decode -Y 'fzp2p.domain contains "gitlab"' -T jsonl capture.pcap
  fzctl craft goodbye | fzctl decode --hex -T tree -
"""


def main(arguments: list[str] | None = None) -> int:
    """Run fzctl with command-line ``arguments`` and return the exit code. Never raises."""
    streams.prepare()
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except FzctlError as error:
        lines = str(error).split("\n") if error.has_lines else [str(error)]
        return _fail("\n".join(map(escape, lines)), error.exit_code)
    except BrokenPipeError:
        streams.abandon()
        return EXIT_READER_GONE
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return _fail("too many files are open; ulimit -n tells how many may be", EXIT_INPUT)
        # Inputs raise errors of their own, so this is what we write to: a full disk, mostly.
        return _fail(escape(f"{error.filename or streams.STDOUT}: {error.strerror or error}"), EXIT_INPUT)
    except KeyboardInterrupt:
        streams.let_go()
        return _fail("interrupted", EXIT_INTERRUPTED)
    except MemoryError:
        return _fail("there is not enough memory for this; a part of the input takes less", EXIT_INPUT)
    except Exception as error:
        if os.environ.get("FZCTL_TRACEBACK"):
            streams.say_traceback()
        what = escape(f"{type(error).__name__}: {error}")
        return _fail(f"this is a bug in fzctl ({what}); FZCTL_TRACEBACK=1 shows where", EXIT_BUG)


def _run(arguments: list[str]) -> int:
    code = _dispatch(arguments)
    sys.stdout.flush()
    return code


def _fail(text: str, code: int) -> int:
    streams.abandon()
    streams.say(f"fzctl: {text}")
    return code


def _dispatch(arguments: list[str]) -> int:
    before, verb, after = _split(arguments)
    if verb is None:
        streams.say(_help().rstrip())
        return EXIT_USAGE
    if verb == "help" and after and after[0] in VERBS:
        verb, after = after[0], ["--help"]
    if verb in _HELP:
        sys.stdout.write(_help())
        return EXIT_DONE
    if verb == "--version":
        sys.stdout.write(f"fzctl {__version__}\n")
        return EXIT_DONE
    return _run_verb(verb, before + after)


def _run_verb(verb: str, arguments: list[str]) -> int:
    from fzctl.cli.parser import build_parser

    parser = build_parser(verb)
    try:
        args = parser.parse(arguments)
    except SystemExit:  # --help has printed
        return EXIT_DONE
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
    if first in VERBS or first in _HELP or first == "--version":
        return before, first, rest[1:]
    if first.startswith("-") or os.path.exists(first) or "." in first or "/" in first:
        return before, "decode", rest
    raise _unknown_verb(first)


def _unknown_verb(word: str) -> FzctlError:
    from difflib import get_close_matches

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
