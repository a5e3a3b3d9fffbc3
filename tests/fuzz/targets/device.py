"""A live endpoint never raises, believes only what its peer sealed, sends to nobody unproven, never grows.

The input is a script for the network between two endpoints and a stranger: what is delivered, changed,
sent again, to whom and when. Whoever is on the wire knows all public keys, and signs what it changes.
"""

from __future__ import annotations

from fzctl.wireguard.config import Config, PeerConfig
from fzctl.wireguard.cookies import sign
from fzctl.wireguard.device import Device
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keys import PrivateKey
from fzctl.wireguard.load import UnderLoad
from fzctl.wireguard.messages import COOKIE_REPLY, INITIATION, RESPONSE, TRANSPORT, message_type
from fzctl.wireguard.noise import NO_PSK
from fzctl.wireguard.refusals import NEEDS_COOKIE, NOT_ALLOWED, NOT_IP, REFUSALS
from fzctl.wireguard.results import OK
from fzctl.wireguard.timers import QUEUE_SIZE
from tests.fuzz.script import Script, blob, mutated
from tests.wireguard.lab import CONTROL, IPV4_PACKET, IPV6_PACKET, PSK, A, B
from tests.wireguard.wire import AT_A, AT_B, EPOCH, EVERYTHING, Randomness, never, remote

NOWHERE: Endpoint = ("203.0.113.66", 666)
AUTHENTIC = (OK, NOT_IP, NOT_ALLOWED)
MOST_STEPS = 150
MOST_KEPT = 64
TOKENS = tuple(bytes((kind, number)) for kind in range(8) for number in (0, 1, 255))
LONGEST = 1500


def check(data: bytes) -> None:
    script = Script(data)
    settings = script.byte()
    psk = PSK if settings & 1 else NO_PSK
    # Under load, never, or as many handshake messages make it.
    load = None if settings & 32 else _always if settings & 2 else never
    keepalive = 25 if settings & 4 else 0
    allowed = ("10.0.0.0/8",) if settings & 16 else EVERYTHING
    a = _End(A, B.public, AT_A, remote(B, AT_B, psk, keepalive, allowed), load)
    b = _End(B, A.public, AT_B, remote(A, AT_A if settings & 8 else None, psk, 0, allowed), load)
    game = _Game(a, b)
    for _ in range(MOST_STEPS):
        if not script:
            break
        game.step(script)


def _always(now: float) -> bool:
    return True


class _End:
    """A device, and who has proven to be where."""

    def __init__(
        self, static: PrivateKey, other: bytes, at: Endpoint, peer: PeerConfig, load: UnderLoad | None
    ) -> None:
        config = Config("wg.conf", static, at[1], (), (peer,))
        random = Randomness(at[0].encode())
        self.device = Device(config, 0.0, EPOCH, random, None, load)
        self.peer = self.device.peer(other)
        self.public = config.static.public
        self.at = at
        self.proven = {config.peers[0].endpoint} - {None}
        self.taken: set[bytes] = set()


class _Game:
    """The network; ``sealed`` holds what the endpoints themselves have sent, without what nothing proves."""

    def __init__(self, *ends: _End) -> None:
        self._ends = ends
        self._sealed: set[bytes] = set()
        self._wire: list[bytes] = []
        self._now = 0.0

    def step(self, script: Script) -> None:
        kind, end = script.choose(8), self._ends[script.choose(2)]
        if kind == 0:
            self._pass(script.byte() / 4 if script.choose(4) else script.byte() * 10.0)
        elif kind == 1:
            inner = (CONTROL, IPV4_PACKET, IPV6_PACKET, b"", script.blob())[script.choose(5)]
            end.device.send(inner, self._now, padded=bool(script.choose(2)))
            end.peer.send(inner, self._now)
        elif kind == 2:
            end.peer.initiate(self._now)
        elif kind == 3:
            self._deliver(end, script.blob(), NOWHERE)
        elif self._wire:
            datagram = self._wire[-1 - script.choose(len(self._wire))]
            if kind >= 6:
                datagram = mutated(datagram, script)
            if kind == 7 and message_type(datagram) in (INITIATION, RESPONSE):
                datagram = sign(end.public, datagram)
            others = next(each for each in self._ends if each is not end)
            self._deliver(end, datagram, NOWHERE if script.choose(4) == 3 else others.at)
        for each in self._ends:
            self._collect(each)

    def _pass(self, seconds: float) -> None:
        """Time goes by, and what is due is done when it is due, at most a few times."""
        until = self._now + seconds
        for end in self._ends:
            for _ in range(8):
                due = end.device.next_timeout()
                if due is None or due > until:
                    break
                self._now = max(self._now, due)
                end.device.handle_timeout(self._now)
                after = end.device.next_timeout()
                assert after is None or after > self._now
                self._collect(end)
        self._now = max(self._now, until)

    def _deliver(self, end: _End, datagram: bytes, source: Endpoint) -> None:
        reason = end.device.receive(datagram, source, self._now)
        assert reason in REFUSALS
        if reason in AUTHENTIC:
            proof = essence(datagram)
            assert proof in self._sealed
            if message_type(datagram) != COOKIE_REPLY:
                end.proven.add(source)
            assert proof not in end.taken
            end.taken.add(proof)
        self._collect(end, cookie_to=source if reason == NEEDS_COOKIE else None)

    def _collect(self, end: _End, cookie_to: Endpoint | None = None) -> None:
        datagrams = end.device.datagrams()
        assert len(datagrams) <= QUEUE_SIZE + 8
        for datagram, to in datagrams:
            kind = message_type(datagram)
            assert kind
            if kind == COOKIE_REPLY:
                assert to == cookie_to
            else:
                assert to in end.proven
            if kind != TRANSPORT or len(datagram) <= 4096:
                self._sealed.add(essence(datagram))
                self._wire = [*self._wire, datagram][-MOST_KEPT:]
        assert end.peer.waiting <= QUEUE_SIZE
        assert len(end.device.events()) <= 1024
        assert len(end.peer.indices()) <= 4
        for entry in end.device.key_entries():
            assert entry.key.raw.hex() not in repr(entry)
        for inner in end.device.packets():
            assert inner.peer == end.peer.config.public
            assert inner.source in end.proven


def essence(datagram: bytes) -> bytes:
    """What is proven of a message: not its sender's index, and not the MACs, which anybody can make."""
    kind = message_type(datagram)
    if kind == INITIATION:
        return datagram[8:116]
    return datagram[12:60] if kind == RESPONSE else datagram


def seeds() -> list[bytes]:
    latest, b_gets, a_gets = b"\0", b"\4\1", b"\4\0"
    shake = b"\2\0" + b_gets + latest + b"\0" + a_gets + latest + b"\0" + b_gets + latest + b"\0"
    packet = b"\1\0\1\0" + b_gets + latest + b"\0"
    answer = b"\1\1\0\1" + a_gets + latest + b"\0"
    replay = b_gets + b"\3\0" + b_gets + b"\0\3"
    later = b"\0\0\x28\1" + b"\0\0\x0d\0"
    changed = b"\7\1\1\1\0\0\4\1\0" + b"\6\1\0\1\2\0\1\0"
    stranger = b"\3\1" + blob(b"\1\0\0\0" + bytes(144)) + b"\3\0" + blob(b"\4\0\0\0" + bytes(28))
    return [
        *(
            settings + shake + packet + answer + replay
            for settings in (b"\0", b"\1", b"\2", b"\x0d", b"\x0f", b"\x10", b"\x3d")
        ),
        b"\4" + shake + later + packet + later + shake + answer,
        b"\0" + shake + changed + packet + changed + replay,
        b"\x0a" + stranger + shake + stranger + later,
        b"\0" + packet * 3 + later * 3 + shake + packet,
    ]
