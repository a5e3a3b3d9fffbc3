"""Decrypted packets into Wireshark while they are captured: what the extcap does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from fzctl.cli.encrypted import EncryptedCapture
from fzctl.cli.keys import GrowingKeys
from fzctl.cli.saving import AllSaver, Saver
from fzctl.cli.streams import say
from fzctl.errors import CaptureError, UsageError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.links import RAW
from fzctl.pcap.writer import CaptureWriter, open_writer
from fzctl.wireshark.follow import Captured, Followed, Waiter

if TYPE_CHECKING:
    from fzctl.columns import RecordFilter
    from fzctl.records import Record
    from fzctl.tunnel import Inner
    from fzctl.wireguard.decryptor import Decryptor
    from fzctl.wireshark.extcap import Request


def stream(request: Request) -> None:
    """Write what Wireshark asks for into its fifo, until it stops.

    Raises BrokenPipeError where it closes the fifo, CaptureError, CarrierError, ToolError, UsageError.
    """
    # This comes before all that may go wrong: Wireshark may wait for the pipe's other end forever.
    try:
        fifo = open(request.fifo, "wb")  # noqa: SIM115 - it is closed below
    except OSError as error:
        raise CaptureError(request.fifo, f"Wireshark's pipe cannot be opened: {error.strerror}") from None
    waiter = Waiter(fifo.fileno())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, waiter.stop)
    try:
        with open_writer(cast(BinaryIO, _Prompt(fifo)), link_type=None, format="pcapng") as writer:
            _stream(request, writer, waiter)
    finally:
        waiter.close()
        _close(fifo)


def make_filter(expression: str) -> RecordFilter:
    """Compile a filter on messages as they come. Raises FilterError, UsageError."""
    from fzctl.columns import NEEDS_LOOKAHEAD, RecordFilter

    found = RecordFilter(expression)
    late = sorted(found.fields & NEEDS_LOOKAHEAD)
    if late:
        raise UsageError(f"{late[0]} is known only later: use it as Wireshark's display filter")
    return found


def _stream(request: Request, writer: CaptureWriter, waiter: Waiter) -> None:
    saver = (_EverythingSaver if request.everything else Saver)(writer, request.fifo)
    saver.interface(RAW)  # Wireshark waits for the file's header
    filters = [make_filter(text) for text in (request.filter, request.capture_filter) if text.strip()]
    keys = GrowingKeys([request.keys] if request.keys else [], quiet=True)
    if bool(request.file) == bool(request.interface):
        raise UsageError("choose either a capture file to follow or an interface, in the interface's options")
    decryptors: list[Decryptor] = []

    def refresh() -> None:
        for log in keys.refresh() if decryptors else ():
            decryptors[0].add(log)

    source: Followed | Captured
    if request.file:
        source = Followed(request.file, waiter, refresh)
    else:
        source = Captured(request.interface, waiter, refresh)
    try:
        with open_capture(source) as capture:
            encrypted = EncryptedCapture(capture, keys.logs, watcher=saver.watcher)
            decryptors.append(encrypted.decryptor)
            found = False
            for record in _with_exchanges(encrypted.records(), filters):
                found = True
                if all(keep(record) for keep in filters):
                    saver.save(record)
            if not found:
                _tell_why(encrypted)
    except CaptureError:
        if not waiter.stopped:  # else the capture was left in the middle of a packet
            raise
    finally:
        source.close()


def _tell_why(encrypted: EncryptedCapture) -> None:
    """Somebody who saw nothing is told what could not be opened."""
    from fzctl.render.sessions import unreadable_sentence

    sentence = unreadable_sentence(encrypted.decryptor.counts)
    if sentence is not None:
        say(f"fzctl: no control message was seen: {sentence}")


def _with_exchanges(records: Iterator[Record], filters: list[RecordFilter]) -> Iterator[Record]:
    from fzctl.columns import OF_EXCHANGES

    if not any(each.fields & OF_EXCHANGES for each in filters):
        return records
    from fzctl.analysis.exchanges import follow

    return follow(records)


class _EverythingSaver(AllSaver):
    """Writes what comes out of the tunnel; messages only as they are asked for."""

    def save(self, record: Record) -> None:
        self._save_message(record)

    def inner(self, inner: Inner, record: Record | None) -> None:
        """Write an inner packet that is no message."""
        if record is None:
            super().inner(inner, None)


class _Prompt:
    """A pipe into which every block goes at once."""

    name = "Wireshark's pipe"

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()

    def flush(self) -> None:
        self._file.flush()


def _close(file: BinaryIO) -> None:
    try:
        file.close()
    except OSError:  # nobody reads it any more
        pass
