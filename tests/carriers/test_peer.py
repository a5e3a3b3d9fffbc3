"""Our peer as a carrier: handshakes seen through, packets that leave or do not, files."""

from __future__ import annotations

import errno
import json
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fzctl.carriers.base import Carrier
from fzctl.carriers.peer import PeerCarrier
from fzctl.carriers.recording import CaptureFile, KeyLogFile
from fzctl.carriers.sockets import UdpSockets
from fzctl.pcap.blocks import ENHANCED_PACKET, INTERFACE, SECRETS, SECTION
from fzctl.wireguard.config import Config
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keylog import parse_keylog
from fzctl.wireguard.keys import encode_key
from fzctl.wireguard.messages import INITIATION, TRANSPORT, message_type
from tests.carriers.test_sockets import has_ipv6
from tests.carriers.wire import REFUSED, carrier_on, failure
from tests.wireguard.lab import CONTROL, IPV4_PACKET, IPV6_PACKET, PSK, A, B, C
from tests.wireguard.wire import AT_A, AT_B, EPOCH, Wire, remote

UNLISTED = ("10.0.0.0/8",)


# --- in virtual time ---


def test_a_handshake_is_seen_through_and_packets_go_both_ways() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A, None, PSK))
    ours, _ = carrier_on(wire, A, AT_A, remote(B, AT_B, PSK))
    carrier: Carrier = ours
    assert carrier.name == "peer 192.0.2.2:51821"
    ours.connect(1)
    assert ours.is_connected
    carrier.send(CONTROL)
    wire.run(0.1)
    assert b.packets == [CONTROL]
    b.device.send(IPV4_PACKET, wire.now)
    received = carrier.receive(1)
    assert received is not None
    assert (received.packet, received.source, received.direction) == (IPV4_PACKET, "192.0.2.2:51821", "in")
    assert received.time == EPOCH + round(wire.now * 1e9)
    assert carrier.receive(0) is None
    assert ours.counts["ok"] == 2


def test_a_packet_makes_its_session_itself_and_send_returns_when_it_has_left() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    carrier.send(CONTROL)
    assert message_type(wire.sent[-1][2]) == TRANSPORT
    wire.run(0.1)
    assert b.packets == [CONTROL]


def test_connecting_again_makes_another_session() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    carrier.connect(1)
    carrier.connect(1)
    wire.run(0.1)
    assert wire.types(source=AT_A).count(INITIATION) == 2
    assert len(b.told("established")) == 2


def test_waiting_for_the_other_end_to_begin() -> None:
    wire = Wire()
    carrier, _ = carrier_on(wire, A, AT_A, remote(B))
    assert carrier.name == f"peer {remote(B).key}"
    b = wire.add(B, AT_B, remote(A, AT_A))
    assert "no Endpoint in the config says where it is" in failure(lambda: carrier.connect(1))
    assert "no Endpoint in the config" in failure(lambda: carrier.send(CONTROL))
    assert "nothing came back in 2 s" in failure(lambda: carrier.wait(2))
    b.device.send(CONTROL, wire.now)
    carrier.wait(1)
    assert carrier.name == "peer 192.0.2.2:51821"
    received = carrier.receive(0)
    assert received is not None
    assert received.packet == CONTROL
    carrier.send(IPV6_PACKET)
    wire.run(0.1)
    assert b.packets == [IPV6_PACKET]


def test_the_session_is_kept_alive_and_renewed_while_someone_waits() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B, keepalive=25))
    carrier.connect(1)
    assert carrier.receive(400) is None
    assert wire.now >= 400
    assert len(b.told("established")) >= 3
    carrier.send(CONTROL)
    wire.run(0.1)
    assert b.packets == [CONTROL]


def test_a_sender_that_never_receives_renews_the_session_too() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    for _ in range(400):
        carrier.send(CONTROL)
        wire.run(1)
    assert len(b.packets) == 400
    assert len(b.told("established")) == 4


def test_several_others_are_told_apart_and_each_gets_its_own_answer() -> None:
    wire = Wire()
    place: Endpoint = ("192.0.2.3", 51822)
    others = {encode_key(B.public): wire.add(B, AT_B, remote(A, AT_A))}
    others[encode_key(C.public)] = wire.add(C, place, remote(A, AT_A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B), remote(C, None, allowed=UNLISTED))
    for key, other in others.items():
        assert "there is no session with it" in failure(lambda key=key: carrier.send_to(CONTROL, key))  # type: ignore[misc]
        other.device.send(CONTROL, wire.now)
        received = carrier.receive(1)
        assert received is not None
        assert (received.packet, received.peer) == (CONTROL, key)
    for key in others:
        carrier.send_to(CONTROL, key)
    wire.run(0.1)
    assert [other.packets for other in others.values()] == [[CONTROL], [CONTROL]]
    assert [carrier.name_of(key) for key in others] == ["peer 192.0.2.2:51821", "peer 192.0.2.3:51822"]


def test_an_answer_does_not_wait_for_a_session() -> None:
    wire = Wire()
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    assert "cannot answer peer 192.0.2.2:51821" in failure(
        lambda: carrier.send_to(CONTROL, encode_key(B.public))
    )
    assert wire.now == 0
    assert wire.sent == []


def test_an_answer_that_does_not_leave_is_told() -> None:
    wire = Wire()
    wire.add(B, AT_B, remote(A))
    carrier, sockets = carrier_on(wire, A, AT_A, remote(B, AT_B))
    carrier.connect(1)
    sockets.error = errno.ENETUNREACH
    assert "Network is unreachable" in failure(lambda: carrier.send_to(CONTROL, encode_key(B.public)))


def test_unpadded_as_firezone_sends() -> None:
    wire = Wire()
    wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    carrier.connect(1)
    packet = IPV4_PACKET[:2] + b"\x00\x15" + IPV4_PACKET[4:21]
    carrier.send(packet, padded=False)
    assert len(wire.sent[-1][2]) == 32 + 21


def test_a_keepalive_holds_nothing() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    carrier.connect(1)
    carrier.keepalive()
    assert len(wire.sent[-1][2]) == 32
    wire.run(0.1)
    assert b.packets == []


def test_keys_stand_before_all_that_they_open_also_where_the_other_end_begins(tmp_path: Path) -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A, AT_A))
    path = tmp_path / "x.pcapng"
    carrier, _ = carrier_on(wire, A, AT_A, remote(B), capture=CaptureFile(str(path)))
    b.device.send(CONTROL, 0)
    carrier.wait(1)
    carrier.close()
    data, kinds = path.read_bytes(), []
    while data:
        kind, size = struct.unpack_from("<II", data)
        kinds.append(kind)
        data = data[size:]
    assert kinds == [SECTION, INTERFACE, SECRETS] + [ENHANCED_PACKET] * 3


# --- what fails, and how that is told ---


def test_silence_names_the_time_and_both_keys() -> None:
    wire = Wire()
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    said = failure(lambda: carrier.connect(12))
    assert said.startswith("cannot connect to peer 192.0.2.2:51821: nothing came back in 12 s")
    assert remote(B).key in said
    assert remote(A).key in said
    assert wire.now == pytest.approx(12, abs=0.05)
    assert wire.types() == [INITIATION] * 3


def test_another_public_key_in_the_config_is_silence() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(C, AT_B))
    assert "nothing came back" in failure(lambda: carrier.connect(6))
    assert b.refused == {"not_for_us": 2}


def test_another_psk_is_told_as_an_answer_that_does_not_authenticate() -> None:
    wire = Wire()
    wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B, PSK))
    said = failure(lambda: carrier.connect(4))
    assert "its answer does not authenticate: the PresharedKey is not the same on both ends" in said


def test_a_cookie_alone_is_told_and_one_that_is_accepted_is_no_failure() -> None:
    wire = Wire()
    wire.add(B, AT_B, remote(A), under_load=lambda now: True)
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    assert "it is under load and only asks for a cookie" in failure(lambda: carrier.connect(4))
    carrier.connect(4)


def test_a_closed_port_is_told_at_once() -> None:
    wire = Wire()
    carrier, sockets = carrier_on(wire, A, AT_A, remote(B, AT_B))
    sockets.refuses = REFUSED
    assert "nothing listens on that UDP port" in failure(lambda: carrier.connect(10))
    assert wire.now < 1
    assert "nothing listens on that UDP port" in failure(lambda: carrier.send(CONTROL))
    assert wire.now < 6, "five seconds between two handshakes"


def carrier_and_flood() -> tuple[PeerCarrier, Callable[[list[bytes]], None]]:
    """A carrier, and what has packets come to it that nobody fetches."""
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    carrier.connect(1)
    wire.run(0.1)

    def flood(packets: list[bytes]) -> None:
        for packet in packets:
            b.device.send(packet, wire.now)
        wire.run(0.1)
        carrier.send(CONTROL)

    return carrier, flood


def test_packets_that_nobody_fetches_do_not_fill_the_memory_and_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fzctl.carriers.inbox.MOST_WAITING", 3)
    carrier, flood = carrier_and_flood()
    flood([IPV4_PACKET[:20] + number.to_bytes(28, "big") for number in range(5)])
    assert carrier.dropped == 2
    left = [carrier.receive(0) for _ in range(4)]
    assert [None if one is None else one.packet[-1] for one in left] == [2, 3, 4, None]


def test_long_packets_that_nobody_fetches_are_bounded_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fzctl.carriers.inbox.MOST_BYTES", 40000)
    carrier, flood = carrier_and_flood()
    flood([long_packet(20000, number) for number in range(5)])
    assert carrier.dropped == 3
    left = [carrier.receive(0) for _ in range(3)]
    assert [None if one is None else one.packet[-1] for one in left] == [3, 4, None]
    flood([long_packet(20000, number) for number in range(2)])
    assert carrier.dropped == 3


def long_packet(size: int, last: int) -> bytes:
    head = IPV4_PACKET[:2] + size.to_bytes(2, "big") + IPV4_PACKET[4:20]
    return head + bytes(size - 21) + bytes((last,))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errno.ENETUNREACH, "there is no route to it"),
        (errno.EPERM, "this machine's firewall forbids it"),
        (errno.EMSGSIZE, "longer than the path takes"),
        (errno.ENOBUFS, "check the Endpoint and this machine's network"),
    ],
)
def test_what_does_not_leave_is_never_called_sent(error: int, said: str) -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A))
    carrier, sockets = carrier_on(wire, A, AT_A, remote(B, AT_B))
    sockets.error = error
    assert said in failure(lambda: carrier.connect(10))
    assert wire.now < 1
    assert said in failure(lambda: carrier.send(CONTROL))
    sockets.error = 0
    carrier.connect(10)
    sockets.error = error
    assert said in failure(lambda: carrier.send(CONTROL))
    sockets.error = 0
    carrier.send(IPV4_PACKET)
    wire.run(0.1)
    assert b.packets == [IPV4_PACKET]


def test_a_packet_without_a_session_is_taken_back_when_send_gives_up() -> None:
    wire = Wire()
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    assert failure(lambda: carrier.send(CONTROL)).startswith(
        "cannot send to peer 192.0.2.2:51821: nothing came back"
    )
    b = wire.add(B, AT_B, remote(A))
    carrier.connect(10)
    wire.run(0.1)
    assert b.packets == []


def test_a_destination_that_no_allowed_ips_hold_is_refused() -> None:
    wire = Wire()
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B, allowed=UNLISTED))
    assert "no peer's AllowedIPs hold the destination of this packet" in failure(
        lambda: carrier.send(IPV6_PACKET)
    )
    assert wire.sent == []


def test_what_comes_from_no_wireguard_is_told() -> None:
    wire = Wire()
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B))
    wire.put(b"SSH-2.0-OpenSSH", AT_B, AT_A)
    assert "what came back is not WireGuard" in failure(lambda: carrier.connect(4))


@pytest.mark.parametrize(
    ("static", "to", "said"),
    [(C, A, "who began a handshake is not in wg.conf"), (B, C, "meant for another public key than ours")],
)
def test_strangers_that_knock_are_told(static: object, to: object, said: str) -> None:
    assert isinstance(static, type(A))
    assert isinstance(to, type(A))
    wire = Wire()
    stranger = wire.add(static, AT_B, remote(to, AT_A))
    carrier, _ = carrier_on(wire, A, AT_A, remote(B))
    stranger.device.send(CONTROL, 0)
    assert said in failure(lambda: carrier.wait(2))


def test_control_messages_pass_without_an_entry_and_a_warning_says_what_wireguard_would_do() -> None:
    wire = Wire()
    b = wire.add(B, AT_B, remote(A), remote(C))
    warnings: list[str] = []
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B, allowed=UNLISTED), warn=warnings.append)
    assert len(warnings) == 1
    assert "lack ::/128" in warnings[0]
    carrier.send(CONTROL)
    b.device.peer(A.public).send(CONTROL, wire.now)
    received = carrier.receive(1)
    assert received is not None
    assert received.packet == CONTROL
    assert len(warnings) == 1


def test_a_tunnel_that_goes_down_while_someone_waits_is_told() -> None:
    wire = Wire()
    warnings: list[str] = []
    carrier, _ = carrier_on(wire, A, AT_A, remote(B, AT_B, keepalive=25), warn=warnings.append)
    carrier.receive(80)
    assert warnings == []
    carrier.receive(30)
    assert warnings == ["peer 192.0.2.2:51821 has not answered our handshakes for 90 s: the tunnel is down"]


def test_after_closing_everything_says_so() -> None:
    wire = Wire()
    carrier, sockets = carrier_on(wire, A, AT_A, remote(B, AT_B))
    with carrier:
        pass
    carrier.close()
    assert sockets.closed
    for what in (
        carrier.connect,
        lambda: carrier.send(b""),
        lambda: carrier.receive(0),
        lambda: carrier.wait(1),
    ):
        assert failure(what).endswith("it is closed")


# --- on loopback ---


class Loop(NamedTuple):
    ours: PeerCarrier
    theirs: PeerCarrier
    folder: Path


@pytest.fixture(params=["127.0.0.1", "::1"])
def loop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loop]:
    """Two carriers with real sockets; ours writes its keys and its capture."""
    address: str = request.param
    if address == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    first, second = UdpSockets(), UdpSockets()
    port = second.local((address, 9))[1]
    to_b, to_a = remote(B, (address, port), PSK), remote(A, None, PSK)
    ours = PeerCarrier(
        Config("a.conf", A, 0, (), (to_b,)),
        to_b,
        first,
        keylog=KeyLogFile(str(tmp_path / "keys")),
        capture=CaptureFile(str(tmp_path / "wire.pcapng")),
    )
    theirs = PeerCarrier(Config("b.conf", B, 0, (), (to_a,)), to_a, second)
    with ours, theirs:
        yield Loop(ours, theirs, tmp_path)


def echo(carrier: PeerCarrier, stop: threading.Event) -> None:
    while not stop.is_set():
        received = carrier.receive(0.05)
        if received is not None:
            carrier.send(received.packet)


def test_over_real_sockets_and_what_is_left_opens_in_fzctl_and_tshark(
    loop: Loop, require_peer: Callable[[str], str]
) -> None:
    stop = threading.Event()
    answering = threading.Thread(target=echo, args=(loop.theirs, stop))
    answering.start()
    try:
        for _ in range(2):
            loop.ours.connect(10)
            loop.ours.send(CONTROL)
            back = loop.ours.receive(10)
            assert back is not None
            assert back.packet == CONTROL
    finally:
        stop.set()
        answering.join()
    # It still grows: nothing was closed.
    path = loop.folder / "wire.pcapng"
    command = [sys.executable, "-m", "fzctl", "-q", "decode", "-T", "jsonl", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["name"], one["direction"], one["outer"]["session"]) for one in printed] == [
        ("goodbye", "a>b", 1), ("goodbye", "b>a", 1), ("goodbye", "a>b", 2), ("goodbye", "b>a", 2),
    ]  # fmt: skip
    assert parse_keylog((loop.folder / "keys").read_bytes(), "keys").warnings == ()
    nothing = loop.folder / "no.keys"
    nothing.touch()
    command = [require_peer("tshark"), "-n", "-r", str(path), "-o", f"wg.keylog_file:{nothing}"]
    command += ["-Y", "ipv6.nxt == 255 && wg.type == 4", "-T", "fields", "-e", "wg.counter"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert len(done.stdout.split()) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell an unconnected socket")
def test_a_closed_port_on_loopback_is_told_at_once(loop: Loop) -> None:
    loop.theirs.close()
    assert "nothing listens on that UDP port" in failure(lambda: loop.ours.connect(20))


def interrupt(carrier: PeerCarrier) -> None:
    with carrier:
        raise KeyboardInterrupt


def test_what_was_recorded_is_whole_after_an_interruption(loop: Loop) -> None:
    """Ctrl-C ends a wait in the middle; leaving the block closes the files."""
    stop = threading.Event()
    answering = threading.Thread(target=echo, args=(loop.theirs, stop))
    answering.start()
    try:
        loop.ours.connect(10)
        loop.ours.send(CONTROL)
        with pytest.raises(KeyboardInterrupt):
            interrupt(loop.ours)
    finally:
        stop.set()
        answering.join()
    command = [sys.executable, "-m", "fzctl", "-q", "decode", "-T", "fields", "-e", "fzp2p.kind"]
    done = subprocess.run(
        [*command, str(loop.folder / "wire.pcapng")], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["2"]
