"""Any datagrams under any keys: each gets a reason, none is opened that nobody sealed, little is kept.

The input is a script over three sessions whose keys come at some time: datagrams as they were sent,
changed ones, and any bytes.
"""

from __future__ import annotations

from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.inner import UNSPECIFIED_PAIR
from fzctl.wireguard.keylog import TRANSPORT_KEY, Entry, KeyLog
from fzctl.wireguard.messages import TRANSPORT, message_type
from fzctl.wireguard.results import AUTHENTICATION_FAILED, CUT, NOT_WIREGUARD, OK, REASONS
from tests.fuzz.script import Script, blob, mutated
from tests.wireguard.lab import CONTROL, IPV4_PACKET, IPV6_PACKET, PSK, A, Lab, shake_hands

ENDS = ("192.0.2.1:51820", "192.0.2.2:51821", "[2001:db8::1]:3478")
LABS = (shake_hands(), shake_hands(psk=PSK), shake_hands(responder=A, initiator=A))
TOKENS = tuple(bytes((kind, lab)) for kind in range(8) for lab in range(3))


def check(data: bytes) -> None:
    script = Script(data)
    decryptor = Decryptor()
    played = _Played(decryptor)
    for frame in range(1, 400):
        if not script:
            break
        played.step(script, frame)
    assert sum(decryptor.counts.values()) == played.fed
    assert len(decryptor.unknown) <= played.fed
    assert len(decryptor.handshakes.listed) <= played.fed
    assert decryptor.handshakes.count >= len(decryptor.handshakes.listed)
    assert len(decryptor.unused()) <= 6 * len(LABS)


class _Played:
    """What was fed so far."""

    def __init__(self, decryptor: Decryptor) -> None:
        self.fed = 0
        self._decryptor = decryptor
        self._sealed: dict[bytes, bytes] = {}

    def step(self, script: Script, frame: int) -> None:
        kind, lab = script.choose(8), LABS[script.choose(len(LABS))]
        if kind == 0:
            self._decryptor.add(
                (lab.initiator_log, lab.responder_log, lambda: transport_log(lab))[script.choose(3)]()
            )
            return
        if kind == 1:
            self._feed(lab.initiation, script, frame)
        elif kind == 2:
            self._feed(lab.response, script, frame)
        elif kind == 3:
            self._feed(mutated((lab.initiation, lab.response)[script.choose(2)], script), script, frame)
        elif kind == 4:
            self._feed(script.blob(), script, frame)
        else:
            inner = (CONTROL, IPV4_PACKET, IPV6_PACKET, b"", script.blob())[script.choose(5)]
            counter = script.number(1 + 7 * (script.choose(8) == 0))
            seal = (lab.to_responder, lab.to_initiator)[script.choose(2)]
            datagram = seal(counter, inner + bytes(script.choose(17)))
            self._sealed[datagram] = inner
            self._feed(datagram if kind < 7 else mutated(datagram, script), script, frame)

    def _feed(self, datagram: bytes, script: Script, frame: int) -> None:
        choice = script.byte()
        src, dst = ENDS[choice % 3], ENDS[choice // 3 % 3]
        length = len(datagram) + (script.byte() if choice > 250 else 0)
        if self._decryptor.skip(b"ab" + datagram + b"cd", 2, 2 + len(datagram)):
            # It would be opened, or is damaged behind its header, and is no control message.
            result = self._decryptor.feed(datagram, src, dst, frame)
            self.fed += 1
            assert result.reason in (
                OK,
                AUTHENTICATION_FAILED,
                *(() if datagram in self._sealed else ("no_key",)),
            )
            assert (
                result.packet is None or result.packet[8:40] != UNSPECIFIED_PAIR or result.packet[0] >> 4 == 4
            )
            return
        result = self._decryptor.feed(datagram, src, dst, frame, length)
        self.fed += 1
        assert result.reason in REASONS
        assert (result.reason == NOT_WIREGUARD) == (not message_type(datagram, 0, length))
        assert result.packet is None or result.reason in (OK, CUT)
        if result.reason == OK and result.type == TRANSPORT:
            assert datagram in self._sealed
            assert result.packet is not None
            assert result.session is not None
            assert self._sealed[datagram].startswith(result.packet) or result.packet.startswith(
                self._sealed[datagram]
            )


def transport_log(lab: Lab) -> KeyLog:
    """The keys of a session whose handshake need not be there."""
    entries = (
        Entry(TRANSPORT_KEY, lab.keys.to_responder, lab.responder_index, 1, "keys.txt"),
        Entry(TRANSPORT_KEY, lab.keys.to_initiator, lab.initiator_index, 2, "keys.txt"),
    )
    return KeyLog("keys.txt", entries)


def seeds() -> list[bytes]:
    # kind, session, what the kind wants (see _Played.step), then where it comes from and goes to.
    def sent(kind: int, lab: int, inner: int, counter: int, way: int, pad: int = 0) -> bytes:
        return bytes((kind, lab, inner, 1, counter, way, pad))

    found = []
    for lab in range(3):
        keys = bytes((0, lab, 0))
        shake = bytes((1, lab, 1, 2, lab, 3))
        talk = b"".join(
            sent(5, lab, inner, number, number % 2) + b"\1" for number, inner in enumerate((0, 1, 2, 3, 0))
        )
        found += [keys + shake + talk, shake + talk + keys + talk, talk + bytes((0, lab, 2)) + talk]
    odd = (
        bytes((5, 0, 4))
        + blob(CONTROL[:40])
        + bytes((1, 9, 0, 0, 1))
        + sent(7, 0, 0, 3, 0)
        + bytes((1, 0, 0, 30, 1, 1))
    )
    return [
        *found,
        found[0] + odd,
        bytes((4, 0)) + blob(b"\4\0\0\0" + bytes(40)) + b"\1",
        found[0] + found[3] + found[6],
    ]
