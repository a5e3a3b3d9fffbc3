"""``-w`` while packets come: one file or a ring of files, whole whatever ends it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fzctl.cli.keys import WIREGUARD_SECRETS
from fzctl.cli.saving import FrameSaver, Saver
from fzctl.errors import CaptureError, UsageError
from fzctl.pcap.links import RAW
from fzctl.pcap.rotation import RotatingWriter, parse_limits
from fzctl.pcap.writer import CaptureWriter, open_writer

if TYPE_CHECKING:
    from fzctl.pcap.frame import Datagram
    from fzctl.wireguard.keylog import KeyLog


class LiveSaving:
    """What is written, if anything; ``tick`` now and then hands it on to those who read along."""

    def __init__(self, writer: CaptureWriter | None = None, saver: Saver | None = None) -> None:
        self.saver = saver
        self._writer = writer
        self._embedded: dict[str, int] = {}

    @classmethod
    @contextmanager
    def open(cls, args: Namespace, kind: type[Saver] | None) -> Iterator[LiveSaving]:
        """Open the file, or the first of the ring. Raises CaptureError, UsageError."""
        if kind is None:
            yield cls()
            return
        with _open_writer(args) as writer:
            try:
                if kind is FrameSaver and isinstance(writer, RotatingWriter):
                    yield cls(writer, _RotatingFrameSaver(writer, args.write))
                    return
                saver = kind(writer, args.write)
                if kind is not FrameSaver:
                    saver.interface(RAW)  # who reads along waits for the file's header
                yield cls(writer, saver)
            except UsageError:  # before anything came
                raise
            except BaseException:
                # What was found is kept, whatever ended it: it does not come again.
                try:
                    writer.close()
                except (CaptureError, OSError):
                    writer.salvage()
                raise

    def tick(self) -> None:
        """Hand on what was written; begin the next file where it is time."""
        if self._writer is not None:
            if isinstance(self._writer, RotatingWriter):
                self._writer.look_at_clock()
            self._writer.flush()

    def embed(self, logs: Sequence[KeyLog]) -> None:
        """Put those keys into the file that are not there yet."""
        from fzctl.wireguard.keylog import format_keylog

        for log in logs:
            done = self._embedded.get(log.name, 0)
            text = format_keylog(log.entries[done:]).encode()
            if not text or self.saver is None or self._writer is None:
                continue
            if self._embedded:
                self._writer.write_secrets(WIREGUARD_SECRETS, text)
            else:
                self.saver.embed_secrets(text)  # and says so aloud
            self._embedded[log.name] = len(log.entries)


class _RotatingFrameSaver(FrameSaver):
    """Handshakes stand in every file to come, or those could not be decrypted."""

    def __init__(self, writer: RotatingWriter, target: str) -> None:
        super().__init__(writer, target)
        self._rotating = writer

    def handshake(self, datagram: Datagram) -> None:
        """Write a handshake message, here and at the beginning of each file to come."""
        super().handshake(datagram)
        self._rotating.repeat_last()


def _open_writer(args: Namespace) -> CaptureWriter:
    try:
        limits = parse_limits(args.limits)
    except ValueError as error:
        raise UsageError(f"-b: {error}") from None
    private = getattr(args, "embed_keys", False)
    if args.limits:
        return RotatingWriter(args.write, limits, private=private)
    return open_writer(args.write, link_type=None, private=private)
