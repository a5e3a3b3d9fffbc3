"""Show the control messages that go by on an interface, as they come.

On a WireGuard device of your own they stand in plain. On a wire they travel inside WireGuard, which
-k opens with a key log; keys that are added to it meanwhile are used. With --peer fzctl is an end
of the tunnel itself and shows what the other end sends. Ctrl-C ends it: files are finished, counts
printed. Packets of an interface count behind the kernel's filter, which lets through what may be a
message, and with -k what may be WireGuard.
"""

from __future__ import annotations

import signal
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from fzctl.cli.output import Output, make_output
from fzctl.cli.redaction import add_redact_arguments
from fzctl.cli.saving import add_saving_arguments, saver_kind
from fzctl.cli.selection import Selection, add_form_arguments, add_message_arguments
from fzctl.cli.signals import ending_signals
from fzctl.cli.streams import let_go, say
from fzctl.cli.target import add_peer_arguments, open_listening_peer, warn_on_stderr
from fzctl.errors import EXIT_DONE, CarrierError, FzctlError, UsageError
from fzctl.records import Record, read_records
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.cli.encrypted import EncryptedCapture
    from fzctl.cli.keys import GrowingKeys
    from fzctl.cli.livesaving import LiveSaving
    from fzctl.pcap.datagrams import Skip
    from fzctl.pcap.frame import Candidate, Datagram

_EPILOG = """\
examples:
  fzctl watch -i wg0
  fzctl watch -i eth0 -k wg.keys -T jsonl | jq .fields
  fzctl watch -i any -k wg.keys -w night.pcapng -b filesize:10000 -b files:20
  fzctl watch -i wg0 -a duration:60 -Y 'fzp2p.accepted == 0'
  fzctl watch --peer wg.conf --keylog wg.keys
"""

_DURATION: Final = "duration:"
_LINK_TYPE_RAW: Final = 101


class Source(Protocol):
    """Where packets come from as they come; ends after ``stop`` with what has come until then.

    ``tick`` is called now and then, ``until`` is when it stops by itself (``time.monotonic``),
    ``direction`` the way of what it yielded last, ``dropped`` (after ``close``) what was lost.
    """

    tick: Callable[[], None] | None
    until: float | None

    @property
    def source(self) -> str: ...
    @property
    def link_type(self) -> int: ...
    @property
    def secrets(self) -> list[tuple[int, bytes]]: ...
    @property
    def frame_count(self) -> int: ...
    @property
    def direction(self) -> str | None: ...
    @property
    def dropped(self) -> int: ...
    def candidates(self) -> Iterator[Candidate]: ...
    def packets(self, skip: Skip | None = None) -> Iterator[Candidate | Datagram]: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    parser.add_argument("-i", metavar="IFACE", dest="interface", help="the interface, or any for all of them")
    parser.add_argument(
        "-p", dest="promiscuous", action="store_false", help="only what is for this machine (not promiscuous)"
    )
    target = parser.add_argument_group("peer (in place of -i)")
    add_peer_arguments(
        lambda *flags, text, **more: target.add_argument(*flags, help=text, **more), listens=True
    )
    add_message_arguments(parser)
    parser.add_argument(
        "-a", metavar="duration:S", dest="duration", type=_duration, help="stop after so many seconds"
    )
    add_form_arguments(parser)
    add_saving_arguments(parser)
    parser.add_argument(
        "-b", metavar="LIMIT", dest="limits", action="append", default=[],
        help="with -w: go on in the next file after filesize:KB, duration:S or packets:N; files:N are kept",
    )  # fmt: skip
    add_redact_arguments(parser)


def run(args: Namespace) -> int:
    """Watch until something ends it; returns the exit code."""
    _check(args)
    selection = Selection(args, live=True)
    kind = saver_kind(args)
    keys = _load_keys(args)
    try:
        opened = _open_source(args)
    except KeyboardInterrupt:  # while a peer was being reached: nothing was begun
        return EXIT_DONE
    with closing(opened) as source, _stopped_by_signals(source.stop):
        from fzctl.cli.livesaving import LiveSaving

        with LiveSaving.open(args, kind) as saving:
            output = make_output(args, saving.saver, live=True, counting=True)
            if args.duration is not None:
                source.until = time.monotonic() + args.duration
            if not args.quiet:
                say(f"fzctl: watching {escape(source.source)}")
            problem, encrypted = _show(args, source, saving, keys, selection, output)
            output.finish()
    _report(args, source, output, encrypted)
    if problem is None:
        return EXIT_DONE
    say(f"fzctl: {escape(str(problem))}")
    return problem.exit_code


def _load_keys(args: Namespace) -> GrowingKeys | None:
    if not args.keys:
        return None
    from fzctl.cli.keys import GrowingKeys

    return GrowingKeys(args.keys, quiet=args.quiet)


def _show(
    args: Namespace,
    source: Source,
    saving: LiveSaving,
    keys: GrowingKeys | None,
    selection: Selection,
    output: Output,
) -> tuple[FzctlError | None, EncryptedCapture | None]:
    """Show what comes up to the end, and say what ended it where that was no wish."""
    encrypted = None
    if keys is None:
        source.tick = saving.tick
        records = read_records(source.candidates(), args.dialect)
    else:
        encrypted = _with_keys(args, source, saving, keys)
        records = encrypted.records()
    try:
        for record in islice(selection.of(_directed(source, records)), args.count):
            output.show(record)
    except CarrierError as error:
        return error, encrypted
    return None, encrypted


def _with_keys(args: Namespace, source: Source, saving: LiveSaving, keys: GrowingKeys) -> EncryptedCapture:
    from fzctl.cli.encrypted import EncryptedCapture

    watcher = None if saving.saver is None else saving.saver.watcher
    encrypted = EncryptedCapture(source, keys.logs, args.dialect, None, watcher)
    embeds = args.embed_keys and saving.saver is not None
    if embeds:
        saving.embed(keys.logs)

    def refresh() -> None:
        for log in keys.refresh():
            encrypted.decryptor.add(log)
        if embeds:
            saving.embed(keys.logs)
        saving.tick()

    source.tick = refresh
    return encrypted


def _directed(source: Source, records: Iterator[Record]) -> Iterator[Record]:
    """With the way of what is in plain: only who captured it knows."""
    for record in records:
        yield record if record.outer is not None else record._replace(direction=source.direction)


def _open_source(args: Namespace) -> Source:
    """What the options name. Raises UsageError, CarrierError."""
    if args.peer_config is not None:
        from fzctl.carriers.source import CarrierSource

        return CarrierSource(open_listening_peer(args, warn_on_stderr(args)))
    from fzctl.carriers.devices import firezone_warning
    from fzctl.carriers.live import open_device

    source = open_device(args.interface, tunnel=bool(args.keys), promiscuous=args.promiscuous)
    warning = firezone_warning(args.interface)
    if warning is not None and not args.quiet:
        say(f"fzctl: WARNING: {escape(warning)}")
    return source


def _check(args: Namespace) -> None:
    if (args.interface is None) == (args.peer_config is None):
        raise UsageError("watch needs one of -i IFACE and --peer WG.conf (see fzctl watch --help)")
    if args.peer_config is None and (args.peer_key or args.turn or args.turn_password_file or args.keylog):
        raise UsageError("--peer-key, --turn, --turn-password-file and --keylog go with --peer")
    if args.peer_config is not None and args.keys:
        raise UsageError("-k is for what goes by on an interface: what comes to our own peer is open already")
    if not args.keys and (args.all or args.keep_encrypted or args.embed_keys):
        raise UsageError("--all, --keep-encrypted and --embed-keys are for what keys open: give them with -k")
    if args.limits and args.write in (None, "-"):
        raise UsageError("-b goes with -w FILE")


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """The first signal lets it end, which may wait for a slow reader; the second does not, or interrupts."""
    before = {number: signal.getsignal(number) for number in ending_signals()}

    def first(*_: object) -> None:
        for number in before:
            signal.signal(number, _interrupt)
        stop()

    for number in before:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    if not let_go():
        raise KeyboardInterrupt


def _report(args: Namespace, source: Source, output: Output, encrypted: EncryptedCapture | None) -> None:
    """What was found, and what was not: on stderr, the losses in any case."""
    from fzctl.render.words import count_of

    name = escape(source.source)
    who = "the kernel" if args.peer_config is None else "fzctl"
    if source.dropped:
        dropped = count_of(source.dropped, "packet")
        say(f"fzctl: WARNING: {name}: {who} had no room for {dropped}: messages may be missing")
    if args.quiet:
        return
    say(f"fzctl: {name}: {output.counts(source.frame_count)}; {source.dropped} dropped by {who}")
    if encrypted is not None:
        from fzctl.render.sessions import unreadable_sentence

        sentence = unreadable_sentence(encrypted.decryptor.counts)
        if sentence is not None:
            say(f"fzctl: {name}: {sentence}")
    elif not source.frame_count and source.link_type != _LINK_TYPE_RAW:
        say(f"fzctl: {name}: on a wire the messages travel inside WireGuard: -k KEYS opens it")


def _duration(text: str) -> float:
    value = text.removeprefix(_DURATION)
    with suppress(ValueError):
        seconds = float(value)
        if value != text and 0 < seconds < float("inf"):
            return seconds
    raise ArgumentTypeError(f"{text!a} is no {_DURATION}SECONDS")
