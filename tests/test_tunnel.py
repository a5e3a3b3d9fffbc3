"""Records from inside the tunnel: both legs of a relay, the plain side, and cut datagrams."""

from __future__ import annotations

from typing import Any

from fzctl.pcap.frame import Candidate, Datagram
from fzctl.records import Record
from fzctl.tunnel import COPY_WINDOW, MOST_ALIKE, Inner, Tunnel, fingerprint
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import TRANSPORT_KEY, Entry, KeyLog
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.suite import TransportCipher
from fzctl.wireguard.turn import wrap_channel_data
from tests.records import assigned, goodbye, raw

INDEX = 0x01020304
KEY = Secret(bytes(range(32)))
SECOND = 1_000_000_000
UDP = ("ethernet", "ipv4", "udp")


def sealed(packet: bytes, counter: int) -> bytes:
    head = b"\x04\0\0\0" + INDEX.to_bytes(4, "little") + counter.to_bytes(8, "little")
    return head + TransportCipher(KEY).seal(counter, packet)


def datagram(payload: bytes, frame: int, time: int | None = None, **changes: Any) -> Datagram:
    made = Datagram(
        number=frame, time=frame * 1000 if time is None else time, link_type=1, data=payload,
        length=len(payload), start=0, end=len(payload), size=len(payload),
        src="192.0.2.1:51820", dst="192.0.2.2:51820", path=UDP,
    )  # fmt: skip
    return made._replace(**changes)


def plain(packet: bytes, frame: int, time: int | None = None) -> Candidate:
    return Candidate(
        frame, frame * 1000 if time is None else time, 101, packet, len(packet), 0, ("raw", "ipv6")
    )


class Watch:
    """Notes what it is called with."""

    def __init__(self) -> None:
        self.handshakes: list[int] = []
        self.packets: list[tuple[bytes, bool]] = []

    def handshake(self, datagram: Datagram) -> None:
        self.handshakes.append(datagram.number)

    def inner(self, inner: Inner, record: Record | None) -> None:
        self.packets.append((inner.packet, record is None))


def tunnel(**options: Any) -> Tunnel:
    log = KeyLog("keys", (Entry(TRANSPORT_KEY, KEY, INDEX, 1, "keys"),))
    return Tunnel(Decryptor(log), **options)


def frames(*packets: Candidate | Datagram) -> list[tuple[int, int | None]]:
    return [(record.frame, record.copy_of) for record in tunnel().records(packets)]


def test_a_message_tells_how_it_came() -> None:
    (record,) = tunnel().records([datagram(sealed(goodbye(), 5), 7)])
    assert record.path == (*UDP, "wireguard")
    assert record.outer is not None
    assert (record.outer.session, record.outer.counter) == (1, 5)
    assert record.direction == "a>b"
    assert record.message.accepted


def test_both_legs_of_a_relay_are_records_and_the_second_names_the_first() -> None:
    inside = sealed(assigned(), 1)
    relayed = datagram(wrap_channel_data(0x4001, inside), 1, dst="192.0.2.7:3478")
    assert frames(relayed, datagram(inside, 2)) == [(1, None), (2, 1)]


def test_the_plain_side_of_a_message_names_its_encrypted_side_and_the_other_way_round() -> None:
    packet = assigned()
    assert frames(datagram(sealed(packet, 1), 1), plain(packet, 2)) == [(1, None), (2, 1)]
    assert frames(plain(packet, 1), datagram(sealed(packet, 1), 2)) == [(1, None), (2, 1)]


def test_a_retransmission_is_no_copy_on_either_side() -> None:
    packet = assigned()
    found = frames(
        plain(packet, 1, 0),
        datagram(sealed(packet, 1), 2, 1000),
        plain(packet, 3, 2 * SECOND),
        datagram(sealed(packet, 2), 4, 2 * SECOND + 1000),
    )
    assert found == [(1, None), (2, 1), (3, None), (4, 3)]


def test_what_comes_after_the_window_is_a_message_of_its_own() -> None:
    packet = assigned()
    assert frames(plain(packet, 1, 0), datagram(sealed(packet, 1), 2, COPY_WINDOW)) == [(1, None), (2, None)]


def test_other_inner_packets_give_no_record_but_can_be_watched() -> None:
    watch = Watch()
    other = b"\x45\0\0\x1c" + bytes(24)
    packets = [
        datagram(sealed(other, 1), 1),
        datagram(b"\x01\0\0\0" + bytes(144), 2),
        datagram(sealed(goodbye(), 2), 3),
    ]
    assert [record.frame for record in tunnel(watcher=watch).records(packets)] == [3]
    assert watch.packets == [(other, True), (goodbye(), False)]
    assert watch.handshakes == [2]


def test_a_datagram_cut_by_the_snap_length_gives_a_truncated_message() -> None:
    whole, cut = sealed(goodbye(), 1), sealed(assigned(), 2)
    packets = [
        datagram(whole, 1),
        datagram(cut[:120], 2, size=len(cut)),
        datagram(wrap_channel_data(0x4001, cut)[:124], 3, size=len(cut) + 4),
    ]
    found = list(tunnel().records(packets))
    assert [(record.frame, record.message.reason) for record in found] == [
        (1, "ok"), (2, "truncated"), (3, "truncated"),
    ]  # fmt: skip
    assert found[2].path == (*UDP, "turn", "wireguard")


def test_what_stays_closed_and_is_as_large_as_a_goodbye_is_remembered() -> None:
    closed = Tunnel(Decryptor())
    payload = sealed(goodbye(), 1)
    assert list(closed.records([datagram(payload, 3), datagram(wrap_channel_data(0x4001, payload), 4)])) == []
    assert closed.goodbye_sized == [3, 4]


def test_a_datagram_of_several_segments_gives_all_its_messages() -> None:
    segments = [sealed(assigned(f"{letter}.example.com"), number) for number, letter in enumerate("abc")]
    batch = b"".join(segments) + sealed(goodbye(), 9)
    found = list(tunnel().records([datagram(batch, 4)]))
    assert [(record.frame, record.message.name) for record in found] == [(4, "assigned_ips")] * 3 + [
        (4, "goodbye")
    ]
    assert [record.outer and record.outer.counter for record in found] == [0, 1, 2, 9]


def test_garbage_gives_nothing_and_no_error() -> None:
    payloads = [
        b"",
        b"\x04",
        b"\x40\x01\xff\xff",
        b"\x01\0\0\0" + bytes(144),
        sealed(goodbye(), 1)[:-1] + b"x",
    ]
    assert frames(*(datagram(payload, number) for number, payload in enumerate(payloads, 1))) == []


def test_of_equal_messages_in_plain_few_wait_for_their_copies() -> None:
    found = tunnel()
    records = list(found.records(plain(goodbye(), frame) for frame in range(1, 1000)))
    assert len(records) == 999
    assert [len(waiting) for waiting in found._twins._waiting.values()] == [MOST_ALIKE]


def test_packets_too_large_for_a_receiver_wait_as_a_hash_and_find_their_copies() -> None:
    large = raw(0, b"x" * 60_000)
    assert fingerprint(goodbye()) == goodbye()
    assert len(fingerprint(large)) == 32
    packets: list[Candidate | Datagram] = [plain(large, 1), datagram(sealed(large, 1), 2)]
    assert [(record.frame, record.copy_of) for record in tunnel().records(packets)] == [(1, None), (2, 1)]
