"""Compare our reading of captures with tshark's, field by field.

tshark reads with the dissector that fzctl generates, through pyshark. Exit code 1 where the two
differ.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from typing import TYPE_CHECKING

from fzctl.cli.inputs import Inputs
from fzctl.cli.keys import add_key_argument
from fzctl.cli.streams import say
from fzctl.errors import EXIT_DONE, EXIT_NEGATIVE, CaptureError, UsageError
from fzctl.protocol.kinds import AUTO
from fzctl.render.escape import escape
from fzctl.render.words import count_of

if TYPE_CHECKING:
    from fzctl.wireshark.compare import Difference


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.add_argument("files", metavar="FILE", nargs="*", help="capture files")
    parser.add_argument("-r", metavar="FILE", dest="read", action="append", default=[], help="a capture file")
    add_key_argument(parser)
    parser.set_defaults(hex=False, dialect=AUTO, user0_is_ip=False, embed_keys=False, count=None)


def run(args: Namespace) -> int:
    """Compare file by file; exit code 1 where something differs."""
    sources = [*args.read, *args.files]
    if not sources:
        raise UsageError("compare needs a capture file")
    if "-" in sources:
        raise UsageError("compare reads a capture twice, which a pipe does not allow; give it a file")
    if len(args.keys) > 1:
        raise UsageError("tshark takes one key log; put the keys into one file")
    codes = [_compare(args, source) for source in sources]
    return next(filter(None, codes), EXIT_DONE)


def _compare(args: Namespace, source: str) -> int:
    from fzctl.analysis.exchanges import follow_whole
    from fzctl.wireshark.compare import differences, our_values, their_values
    from fzctl.wireshark.tshark import read_with_tshark

    inputs = Inputs(args, [source])
    ours = [(record.frame, our_values(record)) for record in follow_whole(inputs.records())]
    if not os.path.isfile(source):
        if not inputs.problems:
            inputs.complain(f"{source}: is no file, and compare reads it twice; save it into one")
        return _report(inputs)
    with ExitStack() as stack:
        lua = _write_dissector(stack)
        theirs = []
        keylog = args.keys[0] if args.keys else None
        try:
            for frame, shown in read_with_tshark(source, dissector=lua, keylog=keylog):
                theirs.append((frame, their_values(shown)))
        except CaptureError as error:
            inputs.complain(str(error))
    found = differences(ours, theirs)
    for difference in found:
        sys.stdout.write(f"{_line(difference)}\n")
    sys.stdout.write(
        f"{escape(source)}: {count_of(len(ours), 'message')} in fzctl, {count_of(len(theirs), 'message')} "
        f"in tshark, {count_of(len(found), 'difference')}\n"
    )
    return _report(inputs) or (EXIT_NEGATIVE if found else EXIT_DONE)


def _write_dissector(stack: ExitStack) -> str:
    """The path of the dissector, which is there until ``stack`` ends. Raises CaptureError."""
    import tempfile

    from fzctl.cli.wiresharkinstall import dissector_text

    try:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fzctl-"))
        path = os.path.join(folder, "fzctl.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write(dissector_text())
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}; TMPDIR names another folder for them"
        raise CaptureError("temporary files", problem) from None
    return path


def _report(inputs: Inputs) -> int:
    for problem in inputs.problems:
        say(f"fzctl: {escape(problem)}")
    return inputs.exit_code


def _line(difference: Difference) -> str:
    return (
        f"frame {difference.frame}: {difference.field}: "
        f"fzctl {_side(difference.ours)}, tshark {_side(difference.theirs)}"
    )


def _side(values: tuple[str, ...] | None) -> str:
    if values is None:
        return "has no message"
    return escape(", ".join(values)) if values else "has none"
