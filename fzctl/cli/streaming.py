"""Decrypted packets into Wireshark while they are captured: what the extcap does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from fzctl.cli.encrypted import EncryptedCapture
from fzctl.cli.keys import load_keylogs
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
    from fzctl.wireguard.keylog import KeyLog
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
    keys = _Keys(request.keys)
    if bool(request.file) == bool(request.interface):
        raise UsageError("choose either a capture file to follow or an interface, in the interface's options")
    source: Followed | Captured
    if request.file:
        source = Followed(request.file, waiter, keys.refresh)
    else:
        source = Captured(request.interface, waiter, keys.refresh)
    try:
        with open_capture(source) as capture:
            encrypted = EncryptedCapture(capture, keys.logs, watcher=saver.watcher)
            keys.serve(encrypted)
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


class _Keys:
    """A key log that may grow while its keys are used."""

    def __init__(self, path: str) -> None:
        """Read it. Raises CaptureError where that fails."""
        self._path = path
        self._state = self._look()
        self.logs = self._load()
        self._encrypted: EncryptedCapture | None = None

    def serve(self, encrypted: EncryptedCapture) -> None:
        """Hand keys that come from now on to that capture."""
        self._encrypted = encrypted

    def refresh(self) -> None:
        """Read the log again where it has changed."""
        state = self._look()
        if state == self._state or self._encrypted is None:
            return
        self._state = state
        try:
            logs = self._load()
        except CaptureError:  # it is just being replaced: the next packet asks again
            return
        for log in logs:
            self._encrypted.decryptor.add(log)

    def _look(self) -> tuple[int, int] | None:
        if not self._path:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _load(self) -> list[KeyLog]:
        if not self._path:
            return []
        logs, problems = load_keylogs([self._path], quiet=True)
        if problems:
            raise CaptureError(self._path, problems[0].partition(": ")[2])
        return logs


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
