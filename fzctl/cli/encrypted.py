"""Encrypted captures on the command line: keys in, and what is said about what stayed closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from fzctl.cli.keys import WIREGUARD_SECRETS, cut_sentence, warn
from fzctl.cli.streams import say
from fzctl.protocol.kinds import AUTO
from fzctl.records import Record
from fzctl.render.escape import escape

# Datagrams that are looked at where nothing can be opened: enough to tell what is there.
_MOST_SIGHTED: Final = 50_000

if TYPE_CHECKING:
    from fzctl.pcap.datagrams import Skip
    from fzctl.pcap.frame import Candidate, Datagram
    from fzctl.tunnel import Tunnel, Watcher
    from fzctl.wireguard.keylog import KeyLog


class Packets(Protocol):
    """Where packets come from: a capture file, or what is captured as it comes."""

    @property
    def source(self) -> str: ...

    @property
    def secrets(self) -> Sequence[tuple[int, bytes]]: ...

    def packets(self, skip: Skip | None = None) -> Iterator[Candidate | Datagram]: ...


class EncryptedCapture:
    """One capture read with keys: those given, and those that stand in the capture itself.

    ``on_secrets`` is called with the text of the latter. ``problems`` are sentences about them.
    ``last_time`` is that of the last packet that came.
    """

    def __init__(
        self,
        capture: Packets,
        logs: list[KeyLog],
        dialect: str = AUTO,
        file: str | None = None,
        watcher: Watcher | None = None,
        on_secrets: Callable[[bytes], None] | None = None,
    ) -> None:
        from fzctl.tunnel import Tunnel
        from fzctl.wireguard.decryptor import Decryptor

        self._capture = capture
        self._secrets_seen = 0
        self.problems: list[str] = []
        self.last_time: int | None = None
        self.decryptor = Decryptor()
        for log in logs:
            self.decryptor.add(log)
        self.tunnel: Tunnel = Tunnel(self.decryptor, dialect, file, watcher)
        self._on_secrets = on_secrets

    def records(self) -> Iterator[Record]:
        """The control messages, decrypted and plain. Raises CaptureError as the capture does."""
        # Where every inner packet is wanted, none may be passed over.
        skip = self.decryptor.skip if self.tunnel.watcher is None else None
        return self.tunnel.records(self._packets(skip))

    def _packets(self, skip: Skip | None) -> Iterator[Candidate | Datagram]:
        for packet in self._capture.packets(skip):
            if len(self._capture.secrets) > self._secrets_seen:
                self.take_secrets(self._capture.secrets[self._secrets_seen :])
            self.last_time = packet.time
            yield packet

    def take_secrets(self, secrets: Sequence[tuple[int, bytes]]) -> None:
        """Use keys that stand in the capture, in the order in which they stand there."""
        from fzctl.wireguard.keylog import parse_keylog

        for kind, data in secrets:
            if kind == WIREGUARD_SECRETS:
                log = parse_keylog(data, f"the keys in {self._capture.source}")
                self.decryptor.add(log)
                if log.is_cut:
                    self.problems.append(f"{log.name}: {cut_sentence()}")
                if self._on_secrets is not None:
                    self._on_secrets(data)
        self._secrets_seen += len(secrets)

    def report(self) -> None:
        """One line on stderr for what could not be decrypted, and a few for keys without use."""
        from fzctl.render.sessions import unreadable_sentence

        source = self._capture.source
        unused: dict[str, list[str]] = {}
        for entry in self.decryptor.unused():
            text = f"line {entry.line}: this {entry.kind} fits nothing in {source}"
            unused.setdefault(entry.log, []).append(text)
        for log, texts in unused.items():
            warn(log, texts)
        sentence = unreadable_sentence(self.decryptor.counts)
        if sentence is not None:
            say(f"fzctl: {escape(source)}: {sentence} (fzctl doctor -r FILE tells more)")


def hint_at_tunnel(source: str, *, user0_is_ip: bool) -> str | None:
    """Where a capture without messages holds WireGuard: what can be seen of it without keys.

    Reads the capture's beginning a second time, so ``source`` must be a file. ``None`` where
    there is none.
    """
    from fzctl.pcap.capture import open_capture
    from fzctl.render.sessions import sight_sentence

    with open_capture(source, user0_is_ip=user0_is_ip) as capture:
        encrypted = EncryptedCapture(capture, [])
        packets = capture.packets()
        for _ in encrypted.tunnel.records(islice(packets, _MOST_SIGHTED)):
            pass
        seen = sight_sentence(encrypted.decryptor, encrypted.tunnel.goodbye_sized)
        goes_on = next(packets, None) is not None
        return f"in the first {capture.frame_count} frames: {seen}" if seen is not None and goes_on else seen
