"""Make a control message, byte for byte as Firezone sends it.

Prints it in hex, or in another form with -T, or writes it to a capture file with -w.
What a real sender refuses is refused with the reason; --force builds it all the same.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace

from fzctl.cli.message import add_message_arguments, build_message
from fzctl.cli.output import FORMS, open_output
from fzctl.errors import EXIT_DONE
from fzctl.protocol.codec import decode
from fzctl.records import Record

_EPILOG = """\
examples:
  fzctl craft goodbye
  fzctl craft -T tree assigned-ips --resource 6b7188f5-00ac-41dc-9ddd-57e2384f31ef \\
      --domain example.com --ip-count 8
  fzctl craft -w inactive.pcapng domain-status --resource 6b7188f5-00ac-41dc-9ddd-57e2384f31ef \\
      --domain example.com --status Inactive
  fzctl craft raw --kind 9 --json '{"hello": "future"}' | fzctl decode --hex -
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "-T", dest="form", choices=[form for form in FORMS if form != "fields"], help="form on stdout (default: hex)"
    )
    parser.add_argument("-x", dest="hexdump", action="store_true", help="with -T text or tree: a hex dump too")
    parser.add_argument("-w", metavar="FILE", dest="write", help="write a capture (pcapng; pcap by name; - is stdout)")
    add_message_arguments(parser)


def run(args: Namespace) -> int:
    """Build the message and put it where the options say; returns the exit code."""
    packet = build_message(args)
    args.fields = []
    if args.form is None and args.write is None:
        args.form = "text" if args.hexdump else "hex"
    record = Record(1, time.time_ns(), decode(packet), ("ipv6",))
    with open_output(args, live=True) as output:
        output.show(record)
        output.finish()
    return EXIT_DONE
