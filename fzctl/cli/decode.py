"""Show the control messages in capture files or a pipe.

Reads pcap and pcapng, plain, gzip or zstd, told apart by content. Every message is judged as
Firezone's own receiver judges it.
"""

from __future__ import annotations

import os
import stat
import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from functools import partial
from itertools import islice

from fzctl.cli.inputs import Inputs
from fzctl.cli.output import make_output
from fzctl.cli.redaction import add_redact_arguments
from fzctl.cli.saving import add_saving_arguments, open_saver, spare_inputs
from fzctl.cli.selection import Selection, add_capture_arguments, add_form_arguments
from fzctl.errors import EXIT_INTERRUPTED, UsageError

FILES_ANYWHERE = True

_EPILOG = """\
examples:
  fzctl decode capture.pcapng
  fzctl decode -Y 'fzp2p.status == "Inactive"' -T jsonl capture.pcap.gz
  fzctl decode -T fields -e frame.number -e fzp2p.domain -e fzp2p.proxy_ipv4 capture.pcap
  tcpdump -i wg0 -w - ip6 | fzctl decode -
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    add_capture_arguments(parser)
    add_form_arguments(parser)
    add_saving_arguments(parser)
    add_redact_arguments(parser)


def run(args: Namespace) -> int:
    """Decode every input; returns the exit code."""
    sources = [*args.read, *args.files]
    if not sources:
        raise UsageError("decode needs a capture file, or - for standard input (see fzctl decode --help)")
    spare_inputs(args.write, sources)
    inputs = Inputs(args, sources)
    selection = Selection(args)
    interrupted = False
    with open_saver(args) as saver:
        output = make_output(args, saver, live=any(map(_is_live, sources)))
        inputs.wants_hints = output.wants_counts
        inputs.saver = saver
        if saver is not None and args.embed_keys:
            saver.embed(inputs.keylogs())
        with closing(inputs.records()) as found:
            try:
                show = partial(inputs.show_aside, output) if _has_terminal() else output.show
                for record in islice(selection.of(found), args.count):
                    show(record)
            except KeyboardInterrupt:
                interrupted = True
        # Also where Ctrl-C ends it, what was found so far is shown and written.
        output.finish()
    inputs.report(output)
    return EXIT_INTERRUPTED if interrupted else inputs.exit_code


def _has_terminal() -> bool:
    """Do the records share a terminal with the progress line?"""
    return sys.stdout.isatty() and sys.stderr.isatty()


def _is_live(source: str) -> bool:
    """Does the input come bit by bit, so that each message is to be seen at once?"""
    try:
        mode = os.fstat(0).st_mode if source == "-" else os.stat(source).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
