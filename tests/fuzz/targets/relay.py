"""Whatever a TURN server sends, the client never raises and believes only what is proven and permitted.

The input is a script: what of the server's answers arrives, changed or again, and what the user does.
"""

from __future__ import annotations

from typing import Any

from fzctl.wireguard import relay as relays
from fzctl.wireguard.relay import Relay
from fzctl.wireguard.relaypeers import MOST_WAITING
from fzctl.wireguard.stun import ALLOCATE, HEADER_SIZE, MESSAGE_INTEGRITY, SUCCESS, Message, decode_message
from fzctl.wireguard.stunproof import add_fingerprint
from fzctl.wireguard.turn import wrap_channel_data
from tests.fuzz.script import Script, blob, mutated
from tests.wireguard.turnserver import PASSWORD, RELAYED, USER, FakeServer, data_indication
from tests.wireguard.wire import Randomness

PEERS = (
    ("192.0.2.9", 51820),
    ("2001:db8::9", 51820),
    ("2001:DB8:0::9", 51820),
    ("192.0.2.9", 1),
    ("no address", 1),
)
STATES = (relays.NEW, relays.ALLOCATING, relays.READY, relays.CLOSING, relays.CLOSED, relays.FAILED)
CODES = (300, 400, 401, 403, 420, 437, 438, 441, 442, 486, 508)
MOST_STEPS = 120
_FINGERPRINT = 8
TOKENS = tuple(bytes((kind, number)) for kind in range(10) for number in (0, 1, 200))
LONGEST = 1500


def check(data: bytes) -> None:
    script = Script(data)
    game = _Game(channels=bool(script.choose(2)), lifetime=(600, None, 1, 0)[script.choose(4)])
    for _ in range(MOST_STEPS):
        if not script:
            break
        game.step(script)


class _Game:
    def __init__(self, *, channels: bool, lifetime: int | None) -> None:
        self._relay = Relay("192.0.2.2:3478", USER, PASSWORD, Randomness(b"relay"), channels=channels)
        self._server = FakeServer(lifetime)
        self._now = 0.0
        self._answers: list[bytes] = []
        self._asked = Message(ALLOCATE, bytes(12), {})
        self._proven: set[bytes] = set()
        self._permitted: set[str] = set()

    def step(self, script: Script) -> None:
        kind = script.choose(12)
        relay, peer = self._relay, PEERS[script.choose(len(PEERS))]
        if kind == 0:
            relay.start(self._now)
        elif kind == 1:
            relay.send(script.blob(), peer, self._now)
        elif kind == 2:
            relay.bind(peer, self._now)
        elif kind == 3 and script.choose(4) == 0:
            relay.stop(self._now)
        elif kind == 4:
            self._pass(script.byte() * (0.1, 10.0)[script.choose(2)])
        elif kind == 5:
            self._order(script)
        elif kind == 6:
            self._hear(script.blob())
        elif kind == 7:
            data = script.blob()
            self._hear(
                data_indication(data, peer)
                if peer[0] != "no address"
                else wrap_channel_data(0x4000 + script.choose(4), data)
            )
        elif self._answers:
            answer = self._answers[-1 - script.choose(len(self._answers))]
            if kind == 8:
                self._hear(answer)
            elif kind == 11:
                self._hear(self._server.success(self._asked, signed=False))
            else:
                self._hear(mutated(answer, script) if kind == 9 else forged(answer, script))
        self._collect()

    def _order(self, script: Script) -> None:
        choice = script.choose(3)
        if choice == 0:
            self._server.refuse = {
                method: CODES[script.choose(len(CODES))] for method in range(3, 10) if script.choose(3) == 0
            }
        elif choice == 1:
            self._server.new_nonce()
        else:
            self._server.lifetime = script.number(2)

    def _pass(self, seconds: float) -> None:
        until = self._now + seconds
        for _ in range(40):
            due = self._relay.next_timeout()
            if due is None or due > until:
                break
            self._now = max(self._now, due)
            self._relay.handle_timeout(self._now)
            after = self._relay.next_timeout()
            assert after is None or after > self._now
            self._collect()
        self._now = max(self._now, until)

    def _collect(self) -> None:
        """The server hears all; what it answers waits for the script."""
        sent = self._relay.datagrams()
        assert len(sent) <= 4 * MOST_WAITING
        for datagram in sent:
            if 0x40 <= datagram[0] <= 0x7F:
                continue
            for answer in self._server.take(datagram):
                self._asked = decode_message(datagram) or self._asked
                self._answers = [*self._answers, answer][-24:]
                self._proven.add(answer)
        for event in self._relay.events():
            assert event.name in (*STATES, relays.WARNING)
            assert PASSWORD not in str(event.error)
            assert "\n" not in str(event.error)
        assert self._relay.state in STATES
        assert self._relay.relayed in (None, RELAYED)

    def _hear(self, datagram: bytes) -> None:
        before = self._relay.state, _granted(self._relay)
        got = self._relay.receive(datagram, self._now)
        after = self._relay.state, _granted(self._relay)
        for payload, peer in got:
            assert payload in datagram
            assert peer[0] in {
                address
                for each in self._relay._peers
                if each.permitted
                for address in (each.address, each.endpoint[0])
            }
        assert len(got) <= 1
        if after[1] - before[1] or (relays.READY in after and relays.READY not in before):
            # Nothing is granted but by an answer that the server signed, word for word.
            message = decode_message(datagram)
            assert message is not None
            assert message.kind & SUCCESS
            assert MESSAGE_INTEGRITY in message.attributes
            assert datagram in self._proven or _signed_part(datagram) in {
                _signed_part(each) for each in self._proven
            }


def _granted(relay: Relay) -> set[Any]:
    return {
        (each.endpoint, name)
        for each in relay._peers
        for name in ("permitted", "bound")
        if getattr(each, name)
    }


def forged(answer: bytes, script: Script) -> bytes:
    """An answer changed by somebody who does not know the password, but how to make a fingerprint."""
    body = mutated(answer[:-_FINGERPRINT], script)
    body += bytes(-len(body) % 4)
    if len(body) < HEADER_SIZE:
        return body
    return add_fingerprint(body[:2] + (len(body) - HEADER_SIZE).to_bytes(2, "big") + body[4:])


def _signed_part(datagram: bytes) -> bytes:
    """What MESSAGE-INTEGRITY covers, and itself; what stands behind may be left out."""
    at = datagram.find(b"\0\x08\0\x14")
    return datagram[:2] + datagram[4 : at + 24]


def seeds() -> list[bytes]:
    start, newest = b"\0\0", b"\x08\0\0"
    ready = start + newest + newest
    send = b"\1\0" + blob(b"hello")
    talk = send + newest + newest + send + b"\7\0" + blob(b"answer") + b"\7\4" + blob(b"on a channel") + b"\0"
    return [
        b"\0\0" + ready + talk,
        b"\1\0" + ready + talk + b"\1\1" + blob(b"six") + newest + newest,
        b"\0\0" + ready + b"\5\0\1" + talk + newest + b"\4\0\xff\1" + newest + newest + b"\3\0\0" + newest,
        b"\0\2" + ready + b"\4\0\x40\0" + newest + talk,
        b"\0\0" + start + b"\x09\0\0\1\0\0\x15\1" + newest + b"\x09\0\0\1\0\0\x30\1" + newest,
        b"\0\0" + ready + b"\5\0\0\2\0\3\0\3\0\3" + send + newest + newest + send,
        b"\0\0"
        + ready
        + b"\6\0"
        + blob(b"\0\x17\0\0\x21\x12\xa4\x42" + bytes(12))
        + b"\6\0"
        + blob(b"\x40\0\0\2hi"),
        b"\0\0" + start + b"\4\0\xff\1",
        b"\0\0" + start + newest + b"\x0b\0\0" + b"\x0a\0\0\1\0\0\x38\1" + b"\x0a\0\0\0",
    ]
