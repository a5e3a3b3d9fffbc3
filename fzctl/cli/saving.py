"""``-w``: what goes into a capture file, and how.

The messages alone, or with ``--all`` every inner packet, decrypted as raw IP; or with
``--keep-encrypted`` the frames as they were captured, with their handshakes, so that the file can
still be decrypted.
"""

from __future__ import annotations

import os
import stat
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from typing import TYPE_CHECKING, Final

from fzctl.cli.keys import WIREGUARD_SECRETS
from fzctl.cli.streams import say
from fzctl.errors import UsageError
from fzctl.protocol.packet import declared_length
from fzctl.records import Record
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.pcap.frame import Datagram
    from fzctl.pcap.writer import CaptureWriter
    from fzctl.tunnel import Inner, Watcher
    from fzctl.wireguard.keylog import KeyLog

_LINK_TYPE_RAW: Final = 101
# A device tells the way itself.
_WAYS: Final = {"a>b": "out", "b>a": "in", "out": "out", "in": "in"}
# Frames whose messages no filter has taken yet; a filter that looks ahead takes them late.
_MOST_HELD: Final = 4096
_MOST_HELD_BYTES: Final = 16 * 1024 * 1024
# Addresses whose names are known to be written; a few written twice do no harm.
_MOST_NAMED: Final = 16384


def add_saving_arguments(parser: ArgumentParser) -> None:
    """Declare ``-w`` for verbs that read encrypted captures."""
    add_write_argument(parser)
    # No argparse group of alternatives: Python's versions wrap its usage in different places.
    parser.add_argument(
        "--all", action="store_true", help="with -w: every packet out of the tunnel, not the messages alone"
    )
    parser.add_argument(
        "--keep-encrypted", action="store_true", help="with -w: the frames as captured, with their handshakes"
    )
    parser.add_argument(
        "--embed-keys",
        action="store_true",
        help="with -w: put the keys into the file, which then opens for anyone",
    )


def add_write_argument(parser: ArgumentParser) -> None:
    """Declare ``-w`` alone."""
    parser.add_argument(
        "-w", metavar="FILE", dest="write",
        help="write the messages to a capture of raw IP packets (pcapng; pcap by name; .gz and .zst too)",
    )  # fmt: skip


class Saver:
    """Writes the messages that are shown, each as a raw IP packet with a comment."""

    watcher: Watcher | None = None

    def __init__(self, writer: CaptureWriter, target: str) -> None:
        self.writer = writer
        self.target = target
        self._interfaces: dict[int, int] = {}
        self._named: dict[str, str] = {}

    def save(self, record: Record) -> None:
        """Write one message that the user wants."""
        self._save_message(record)

    def embed(self, logs: list[KeyLog]) -> None:
        """Put key logs into the file, and say so aloud. Raises CaptureError for pcap."""
        from fzctl.wireguard.keylog import format_keylog

        self.embed_secrets("".join(format_keylog(log.entries) for log in logs).encode())

    def embed_secrets(self, text: bytes) -> None:
        """The same with a key log's text."""
        if not text:
            return
        self.writer.write_secrets(WIREGUARD_SECRETS, text)
        say(f"fzctl: WARNING: {escape(self.target)} holds the keys: whoever gets it can read what is in it")

    def interface(self, link_type: int) -> int:
        """The file's interface for frames of that link type."""
        if link_type not in self._interfaces:
            self._interfaces[link_type] = self.writer.add_interface(link_type)
        return self._interfaces[link_type]

    def name_addresses(self, record: Record) -> None:
        """Write which domain the proxy IPs of an accepted message stand for."""
        fields = record.message.fields
        if self.writer.format != "pcapng" or not record.message.accepted or "proxy_ips" not in fields:
            return
        names = dict.fromkeys(fields["proxy_ips"], fields["domain"])
        news = {address: name for address, name in names.items() if self._named.get(address) != name}
        if news:
            self.writer.write_names(news)
            if len(self._named) > _MOST_NAMED:
                self._named.clear()
            self._named.update(news)

    def _save_message(self, record: Record) -> None:
        message = record.message
        self.name_addresses(record)
        # A truncated packet keeps its length on the wire, or readers would take it for malformed.
        cut = message.reason == "truncated"
        self.writer.write(
            message.packet, record.time,
            length=declared_length(message.packet) if cut else len(message.packet),
            comment=comment_of(record), interface=self.interface(_LINK_TYPE_RAW),
            direction=_WAYS.get(record.direction or ""),
        )  # fmt: skip


class AllSaver(Saver):
    """Writes every packet that comes out of the tunnel; messages in plain as they are shown."""

    def __init__(self, writer: CaptureWriter, target: str) -> None:
        super().__init__(writer, target)
        self.watcher = self

    def save(self, record: Record) -> None:
        if record.outer is None:
            self._save_message(record)

    def handshake(self, datagram: Datagram) -> None:
        """A handshake carries no packet."""

    def inner(self, inner: Inner, record: Record | None) -> None:
        """Write an inner packet, as what it is where it is a message."""
        if record is not None:
            self._save_message(record)
            return
        self.writer.write(
            inner.packet, inner.time, interface=self.interface(_LINK_TYPE_RAW),
            direction=_WAYS.get(inner.direction or ""),
        )  # fmt: skip


class FrameSaver(Saver):
    """Writes frames as they were captured: all handshakes, and those of the messages shown."""

    def __init__(self, writer: CaptureWriter, target: str) -> None:
        super().__init__(writer, target)
        self.watcher = self
        self._held: dict[int, Inner] = {}
        self._held_bytes = 0

    def save(self, record: Record) -> None:
        inner = self._let_go(record.frame)
        if inner is None:
            self._save_message(record)
        else:
            self.name_addresses(record)
            self._save_frame(inner.datagram, comment_of(record), inner.direction)

    def handshake(self, datagram: Datagram) -> None:
        """Write a handshake message, without which what follows cannot be decrypted."""
        self._save_frame(datagram)

    def inner(self, inner: Inner, record: Record | None) -> None:
        """Hold a message's frame until it is known whether the user wants it."""
        if record is None:
            return
        self._let_go(inner.frame)
        self._held[inner.frame] = inner
        self._held_bytes += len(inner.datagram.data)
        while len(self._held) > _MOST_HELD or self._held_bytes > _MOST_HELD_BYTES:
            self._let_go(next(iter(self._held)))

    def _let_go(self, frame: int) -> Inner | None:
        inner = self._held.pop(frame, None)
        if inner is not None:
            self._held_bytes -= len(inner.datagram.data)
        return inner

    def _save_frame(
        self, datagram: Datagram, comment: str | None = None, direction: str | None = None
    ) -> None:
        self.writer.write(
            datagram.data, datagram.time, length=datagram.length, comment=comment,
            interface=self.interface(datagram.link_type), direction=_WAYS.get(direction or ""),
        )  # fmt: skip


def comment_of(record: Record) -> str:
    """A message in one line, for the packet's comment."""
    from fzctl.render.words import describe

    words = describe(record)
    said = (words.title, words.domain, words.content, f"({words.remark or words.verdict})")
    return " ".join(text for text in said if text)


@contextmanager
def open_saver(args: Namespace) -> Iterator[Saver | None]:
    """What ``-w`` asks for; ``None`` without it. Raises UsageError, CaptureError."""
    kind = saver_kind(args)
    if kind is None:
        yield None
        return
    from fzctl.pcap.writer import open_writer

    # Whoever can read a file with keys can read what they open.
    with open_writer(args.write, link_type=None, private=getattr(args, "embed_keys", False)) as writer:
        yield kind(writer, args.write)


def saver_kind(args: Namespace) -> type[Saver] | None:
    """What writes the file that ``-w`` asks for; ``None`` without it. Raises UsageError."""
    wants_all, wants_frames = getattr(args, "all", False), getattr(args, "keep_encrypted", False)
    if args.write is None:
        if wants_all or wants_frames or getattr(args, "embed_keys", False):
            raise UsageError("--all, --keep-encrypted and --embed-keys go with -w FILE")
        return None
    if wants_all and wants_frames:
        raise UsageError(
            "--all writes decrypted packets and --keep-encrypted does not: leave one of them away"
        )
    redact_key = getattr(args, "redact_key", None)
    redacts = getattr(args, "redact", False) or redact_key is not None
    if (wants_all or wants_frames) and redacts:
        raise UsageError(
            "--redact replaces what is in messages, not in other packets; leave one of them away"
        )
    if args.write == "-" and args.form is not None:
        raise UsageError("-w - takes stdout for the capture; leave -T away")
    if args.write == "-" and sys.stdout.isatty():
        raise UsageError(
            "a capture is binary and does not go to a terminal; give -w a file, or a pipe to stdout"
        )
    spare_inputs(args.write, getattr(args, "keys", ()))
    if args.write != "-":
        keep_apart({"-w": args.write, "--redact-key": redact_key})
    return AllSaver if wants_all else FrameSaver if wants_frames else Saver


def spare_inputs(target: str | None, sources: Iterable[str], option: str = "-w") -> None:
    """Refuse to overwrite what is yet to be read. Raises UsageError, which names ``option``."""
    if target is None or target == "-":
        return
    for source in sources:
        if _is_same_file(source, target):
            raise UsageError(f"{option} {escape(target)} would overwrite an input; give it another name")


def keep_apart(targets: Mapping[str, str | None]) -> None:
    """Refuse to write two things into one file. ``targets`` are paths by their options. Raises UsageError."""
    given = [(option, target) for option, target in targets.items() if target is not None]
    for (one, here), (other, there) in combinations(given, 2):
        if is_one_file(here, there):
            raise UsageError(f"{one} and {other} name the same file")


def is_one_file(one: str, other: str) -> bool:
    """Do both paths lead to the same place, whether there is a file or not?"""
    return os.path.realpath(one) == os.path.realpath(other) or _is_same_file(one, other)


def _is_same_file(source: str, target: str) -> bool:
    try:
        read = os.fstat(sys.stdin.fileno()) if source == "-" else os.stat(source)
        # A device or a pipe is not overwritten.
        return stat.S_ISREG(read.st_mode) and os.path.samestat(read, os.stat(target))
    except (OSError, ValueError, AttributeError):
        return False  # one does not exist, or cannot be looked at: reading will tell
