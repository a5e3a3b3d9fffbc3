"""What is inside the WireGuard tunnel: from a capture's packets to inner packets and records.

Control messages travel in WireGuard, directly over UDP or wrapped in TURN; a capture on all
interfaces holds some of them in plain, too. Every frame is a record of its own, and a later one
that carries the same message names the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple, Protocol

from fzctl.pcap.frame import Candidate, Datagram
from fzctl.protocol.codec import Message, decode, decode_truncated
from fzctl.protocol.kinds import AUTO
from fzctl.protocol.packet import MAX_PACKET, is_ours
from fzctl.records import Outer, Record, read_records
from fzctl.wireguard import turn
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.digests import blake2s
from fzctl.wireguard.messages import TRANSPORT
from fzctl.wireguard.results import CUT, OK, Result

# A client repeats AssignedIps byte for byte, but never sooner than after two seconds
# (client/dns_resource_nat.rs): what comes sooner by the other way is the same message.
COPY_WINDOW: Final = 1_000_000_000
MOST_PENDING: Final = 4096
MOST_ALIKE: Final = 64
"""Equal messages that wait for their copies; a client has one on its way."""

# 48 bytes of packet and WireGuard's 32; a multiple of 16, so that padding does not change it.
GOODBYE_SIZE: Final = 80
MOST_SIGHTINGS: Final = 8
LEAST_TRANSPORT: Final = 32


class Inner(NamedTuple):
    """An IP packet that came out of the tunnel, and the datagram it came in.

    ``is_cut`` tells that the snap length cut the packet.
    """

    frame: int
    time: int | None
    packet: bytes
    path: tuple[str, ...]
    outer: Outer
    direction: str | None
    copy_of: int | None
    is_cut: bool
    datagram: Datagram


class Watcher(Protocol):
    """Who wants more of a tunnel than its control messages."""

    def handshake(self, datagram: Datagram) -> None:
        """Called with each datagram that carries a handshake message."""

    def inner(self, inner: Inner, record: Record | None) -> None:
        """Called with each inner packet, and its record where it is a control message."""


class Tunnel:
    """Reads a capture's packets with the keys of ``decryptor``; keeps what it finds out there.

    ``goodbye_sized`` are the first frames that stayed closed and have the size of a Goodbye.
    """

    def __init__(
        self,
        decryptor: Decryptor,
        dialect: str = AUTO,
        file: str | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.decryptor = decryptor
        self.watcher = watcher
        self.goodbye_sized: list[int] = []
        self._dialect = dialect
        self._file = file
        self._twins = _Twins()

    def records(self, packets: Iterable[Candidate | Datagram]) -> Iterator[Record]:
        """The control messages, from inside the tunnel and beside it, in the order of frames."""
        for packet in packets:
            if isinstance(packet, Candidate):
                for record in read_records((packet,), self._dialect, self._file):
                    yield self._with_twin(record)
                continue
            for inner in self.open(packet):
                found = self.record_of(inner) if is_ours(inner.packet) else None
                if self.watcher is not None:
                    self.watcher.inner(inner, found)
                if found is not None:
                    yield found

    def open(self, datagram: Datagram) -> Iterator[Inner]:
        """The inner packets of a datagram: one, or none where it is no data or cannot be decrypted.

        Several, where the capture was taken before the network card cut the datagram into those
        that go over the wire (Linux ``UDP_SEGMENT``, which wireguard-go uses).
        """
        payload, size, path = _unwrap(datagram)
        segments = _segments(payload) if len(payload) == size else [payload]
        for segment in segments:
            inner = self._open(datagram, segment, size if len(segments) == 1 else len(segment), path)
            if inner is not None:
                yield inner

    def _open(self, datagram: Datagram, payload: bytes, size: int, path: tuple[str, ...]) -> Inner | None:
        result = self.decryptor.feed(payload, datagram.src, datagram.dst, datagram.number, size)
        if result.reason != OK and size == GOODBYE_SIZE and len(self.goodbye_sized) < MOST_SIGHTINGS:
            self.goodbye_sized.append(datagram.number)
        if self.watcher is not None and result.reason == OK and result.type != TRANSPORT:
            self.watcher.handshake(datagram)
        return _inner_of(result, datagram, (*path, "wireguard"))

    def record_of(self, inner: Inner) -> Record:
        """The record of an inner packet that is a control message."""
        judge = decode_truncated if inner.is_cut else decode
        return self._with_twin(
            Record(
                inner.frame, inner.time, judge(inner.packet, self._dialect), inner.path, inner.outer,
                inner.direction, inner.copy_of, self._file,
            )
        )  # fmt: skip

    def _with_twin(self, record: Record) -> Record:
        if record.copy_of is not None:
            return record
        first = self._twins.first(record.message, record.frame, record.time, in_plain=record.outer is None)
        return record if first is None else record._replace(copy_of=first)


class _Twins:
    """Pairs each message in plain with the same one from inside the tunnel, whichever comes first."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[bytes, bool], list[tuple[int, int]]] = {}

    def first(self, message: Message, frame: int, time: int | None, *, in_plain: bool) -> int | None:
        """The frame of the twin that came before, if there is one; else this one waits for its own."""
        if time is None:
            return None
        packet = fingerprint(message.packet)
        key, other = (packet, in_plain), (packet, not in_plain)
        waiting = [each for each in self._waiting.pop(other, ()) if abs(time - each[1]) < COPY_WINDOW]
        if waiting:
            found = waiting.pop(0)
            if waiting:
                self._waiting[other] = waiting
            return found[0]
        alike = self._waiting.setdefault(key, [])
        alike.append((frame, time))
        del alike[:-MOST_ALIKE]
        self._forget(time)
        return None

    def _forget(self, now: int) -> None:
        # Two at most for each that comes: the old ones go, and nobody waits for all of them.
        for oldest in list(islice(self._waiting, 2)):
            is_late = now - self._waiting[oldest][-1][1] >= COPY_WINDOW
            if is_late or len(self._waiting) > MOST_PENDING:
                del self._waiting[oldest]


def fingerprint(packet: bytes) -> bytes:
    """What stands for a packet among others: itself, or a hash where it is too large for a receiver."""
    if len(packet) <= MAX_PACKET:
        return packet
    return blake2s(packet).digest()


def _unwrap(datagram: Datagram) -> tuple[bytes, int, tuple[str, ...]]:
    """What may be WireGuard in a datagram, its size on the wire, and the path to it."""
    data, start, end, size = datagram.data, datagram.start, datagram.end, datagram.size
    if end - start >= turn.CHANNEL_HEADER:
        span = turn.channel_data(data, start, start + size)
        if span is not None:
            return data[span[0] : min(span[1], end)], span[1] - span[0], (*datagram.path, "turn")
    indication = turn.unwrap(data[start:end])
    if indication is not None:
        return indication[0], len(indication[0]), (*datagram.path, "turn")
    return data[start:end], size, datagram.path


def _segments(payload: bytes) -> list[bytes]:
    """The transport messages of which a datagram consists: equally long, the last may be shorter."""
    head = payload[:8]  # type and receiver, which do not come twice by chance
    size = payload.find(head, LEAST_TRANSPORT) if head[:4] == b"\x04\0\0\0" else -1
    if size < 0:
        return [payload]
    found = [payload[start : start + size] for start in range(0, len(payload), size)]
    return found if all(each.startswith(head) for each in found) else [payload]


def _inner_of(result: Result, datagram: Datagram, path: tuple[str, ...]) -> Inner | None:
    if not result.packet or result.reason not in (OK, CUT):
        return None
    outer = Outer(datagram.src, datagram.dst, result.session, result.counter)
    return Inner(
        datagram.number, datagram.time, result.packet, path, outer, result.direction, result.copy_of,
        result.reason == CUT, datagram,
    )  # fmt: skip
