"""The scapy layers against the protocol floor, by chance: one verdict, and the same bytes again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from scapy.config import conf
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, _IPv6ExtHdr
from scapy.packet import Packet, Padding

from fzctl.layers import FzP2p, FzP2pRefused, KindLayer, verdict
from fzctl.protocol.codec import Message, decode, decode_truncated
from fzctl.protocol.packet import declared_length, is_ours
from tests.differential.messages import control
from tests.differential.scale import SEED, many

PACKETS = 2500
DIALECTS = ("auto", "auto", "current", "next", "seed")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = conf.debug_dissector, conf.contribs["fzp2p"]["dialect"]
    yield
    conf.debug_dissector, conf.contribs["fzp2p"]["dialect"] = before


def wrong(raw: bytes, dialect: str, *, cut: int = 0) -> list[str]:
    """Where the two disagree about a packet, of which the last ``cut`` bytes were not captured."""
    conf.contribs["fzp2p"]["dialect"] = dialect
    captured = raw[: len(raw) - cut]
    # Of others' packets scapy's own layers complain.
    conf.debug_dissector = is_ours(captured[: declared_length(captured)])
    packet = IPv6(captured)
    if cut:
        packet.wirelen = len(raw)
    expected = expect(captured, dialect, cut=cut)
    found = []
    if verdict(packet) != expected:
        found.append(f"verdict {verdict(packet)}, not {expected}")
    if bytes(packet) != captured:
        found.append(f"rebuilt as {bytes(packet).hex()}")
    if not cut:
        found += _wrong_layers(packet, expected)
    return found


def expect(captured: bytes, dialect: str, *, cut: int) -> Message:
    end = declared_length(captured)
    if cut and end > len(captured):
        return decode_truncated(captured, dialect)
    return decode(captured[:end], dialect)


def _wrong_layers(packet: Packet, expected: Message) -> Iterator[str]:
    message = packet[FzP2p].payload if FzP2p in packet else None
    layer = message if isinstance(message, KindLayer) else None
    if (layer is not None) != expected.accepted:
        yield f"layers {packet.summary()}, but accepted is {expected.accepted}"
    elif layer is not None:
        if layer.declaration is not expected.declaration or packet[FzP2p].kind != expected.kind:
            yield f"layer {layer.name}, not kind {expected.kind}"
        if layer.members() != expected.fields:
            yield f"members {layer.members()}, not {expected.fields}"
        if packet[FzP2p].reserved != expected.reserved:
            yield f"reserved {packet[FzP2p].reserved!r}"
    elif is_ours(expected.packet):
        if FzP2pRefused not in packet:
            # Nothing stands behind the headers, or scapy keeps a fragment's part to itself.
            last = packet.lastlayer()
            if not isinstance(last, (IPv6, _IPv6ExtHdr, Padding)) and not _is_fragment(packet):
                yield f"layers {packet.summary()}, which tell no {expected.reason}"
            return
        refused = packet[FzP2pRefused]
        if (refused.reason, refused.error) != (expected.reason, expected.error):
            yield f"refused {refused.reason}, {refused.error}, not {expected.reason}, {expected.error}"
    elif FzP2p in packet or FzP2pRefused in packet:
        yield f"layers {packet.summary()} for what is not ours"


def _is_fragment(packet: Packet) -> bool:
    headers = (packet.getlayer(IPv6ExtHdrFragment, nb) for nb in range(1, 9))
    return any(header is not None and (header.offset or header.m) for header in headers)


def test_scapy_says_the_same_of_packets_by_chance() -> None:
    chance = Random(f"layers {SEED}")
    reasons: Counter[str] = Counter()
    for number in range(many(PACKETS)):
        raw = control(chance)
        dialect = chance.choice(DIALECTS)
        cut = chance.randrange(len(raw) - 39) if chance.random() < 0.1 else 0
        reasons[expect(raw[: len(raw) - cut], dialect, cut=cut).reason] += 1
        found = wrong(raw, dialect, cut=cut)
        assert not found, f"packet {number}, {dialect}, {cut} bytes cut: {raw.hex()}: {'; '.join(found)}"
    # All of it was met: what is sound, and nearly every way of being wrong.
    assert reasons["ok"] > sum(reasons.values()) / 4
    assert len(reasons) >= 18


@pytest.mark.parametrize("trailer", [b"\0", b"\0" * 6, b"trailer"])
def test_what_the_link_appends_is_left_out_by_both(trailer: bytes) -> None:
    chance = Random(f"trailer {SEED}")
    for _ in range(many(100)):
        raw = control(chance, sound_header=True)
        packet = IPv6(raw + trailer)
        if is_ours(raw):
            assert verdict(packet) == decode(raw)
            assert packet[Padding].load == trailer
        assert bytes(packet) == raw + trailer
