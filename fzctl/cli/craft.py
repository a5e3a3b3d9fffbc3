"""Make a control message, byte for byte as Firezone sends it.

Prints it in hex, or in another form with -T, or writes it to a capture file with -w.
What a real sender refuses is refused with the reason; --force builds it all the same.
Options stand before or behind MESSAGE; "fzctl craft MESSAGE --help" tells about a message.
"""

from __future__ import annotations

import time
from argparse import SUPPRESS, ArgumentParser, Namespace

from fzctl.cli.message import add_message_arguments, build_message
from fzctl.cli.output import FORMS, make_output
from fzctl.cli.parser import Parser, add_common_arguments
from fzctl.cli.saving import open_saver
from fzctl.errors import EXIT_DONE
from fzctl.protocol.codec import decode
from fzctl.records import Record

_EPILOG = """\
examples:
  fzctl craft goodbye
  fzctl craft assigned-ips --resource 6b7188f5-00ac-41dc-9ddd-57e2384f31ef \\
      --domain example.com --ip-count 8 -T tree
  fzctl craft domain-status --resource 6b7188f5-00ac-41dc-9ddd-57e2384f31ef \\
      --domain example.com --status Inactive -w inactive.pcapng
  fzctl craft raw --kind 9 --json '{"hello": "future"}' | fzctl decode --hex -
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``, and again on each message below it."""
    parser.epilog = _EPILOG
    below = Parser(prog="", add_help=False)
    add_common_arguments(below, SUPPRESS)
    for each in (parser, below):
        _add_output_arguments(each)
    parser.set_defaults(form=None, hexdump=False, write=None, force=False)
    add_message_arguments(parser, below)


def run(args: Namespace) -> int:
    """Build the message and put it where the options say; returns the exit code."""
    packet = build_message(args)
    args.fields = []
    if args.form is None and args.write is None:
        args.form = "text" if args.hexdump else "hex"
    record = Record(1, time.time_ns(), decode(packet), ("ipv6",))
    with open_saver(args) as saver:
        output = make_output(args, saver, live=True)
        output.show(record)
        output.finish()
    return EXIT_DONE


def _add_output_arguments(parser: ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    forms = [form for form in FORMS if form != "fields"]
    output.add_argument(
        "-T", dest="form", default=SUPPRESS, choices=forms, help="form on stdout (default: hex)"
    )
    output.add_argument(
        "-x",
        dest="hexdump",
        default=SUPPRESS,
        action="store_true",
        help="with -T text or tree: a hex dump too",
    )
    output.add_argument(
        "-w",
        metavar="FILE",
        dest="write",
        default=SUPPRESS,
        help="write a capture (pcapng; pcap by name; - is stdout)",
    )
    output.add_argument(
        "--force", default=SUPPRESS, action="store_true", help="build also what a real sender refuses"
    )
