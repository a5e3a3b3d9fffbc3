"""A device as a carrier: what is sent, what is heard, and what is wrong in words."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from typing import Any

import pytest

from fzctl.carriers.base import Carrier, Received
from fzctl.carriers.devices import Device
from fzctl.carriers.interface import ALL_NODES, Interface
from fzctl.errors import CarrierError
from tests.pcap.build import ipv4, ipv6
from tests.records import assigned, goodbye

pytestmark = pytest.mark.usefixtures("own_loopback")

NO_TUNNEL = "lo is an Ethernet device: messages go to 33:33:00:00:00:01, in no tunnel"


class Recorder:
    """A packet socket that remembers; errors by the name of the call."""

    def __init__(self, **errors: int) -> None:
        self.errors = errors
        self.sent: list[tuple[bytes, Any]] = []
        self.bound: Any = None
        self.options: list[int] = []
        self.statistics = [(5, 2), (1, 1)]
        self._real, self._other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __call__(self, *_: int) -> Recorder:
        self._fail("socket")
        return self

    def _fail(self, name: str) -> None:
        if name in self.errors:
            raise OSError(self.errors[name], os.strerror(self.errors[name]))

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        self.options.append(option)
        if option == 33:
            raise PermissionError(errno.EPERM, "")

    def getsockopt(self, *_: int) -> bytes:
        return struct.pack("=II", *(self.statistics.pop(0) if self.statistics else (0, 0)))

    def bind(self, address: Any) -> None:
        self._fail("bind")
        self.bound = address

    def sendto(self, packet: bytes, address: Any) -> None:
        self._fail("sendto")
        self.sent.append((packet, address))

    def recvmsg(self, *_: int) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def fileno(self) -> int:
        return self._real.fileno()

    def close(self) -> None:
        self._real.close()
        self._other.close()

    __del__ = close  # of one that was never handed out


def opened(recorder: Recorder, **options: Any) -> Interface:
    return Interface("lo", make_socket=recorder, **options)  # type: ignore[arg-type]


def test_packets_go_out_by_their_version_to_all_nodes() -> None:
    recorder = Recorder()
    with opened(recorder) as interface:
        for packet in (goodbye(), ipv4(), ipv6()):
            interface.send(packet)
        assert interface.warnings == (NO_TUNNEL,)
    assert recorder.bound == ("lo", 0x86DD)
    kinds = [(goodbye(), 0x86DD), (ipv4(), 0x0800), (ipv6(), 0x86DD)]
    assert recorder.sent == [(packet, ("lo", kind, 0, 0, ALL_NODES)) for packet, kind in kinds]


def test_it_is_a_carrier_and_a_closed_one_says_so() -> None:
    carrier: Carrier = opened(Recorder())
    assert carrier.name == "lo"
    carrier.close()
    with pytest.raises(CarrierError, match="cannot receive on lo: "):
        carrier.receive(0)


def test_without_the_right_for_more_room_the_usual_is_asked_for() -> None:
    recorder = Recorder()
    opened(recorder).close()
    assert recorder.options[-3:] == [33, socket.SO_RCVBUF, 35]


@pytest.mark.parametrize(
    ("call", "number", "words"),
    [
        ("socket", errno.EPERM, "cannot open lo: not permitted; run as root"),
        ("bind", errno.ENODEV, "cannot open lo: it went down"),
    ],
)
def test_what_forbids_it_is_told(call: str, number: int, words: str) -> None:
    with pytest.raises(CarrierError, match=words) as caught:
        opened(Recorder(**{call: number}))
    assert caught.value.exit_code == 4


def test_what_did_not_leave_was_not_sent() -> None:
    with (
        opened(Recorder(sendto=errno.EMSGSIZE)) as interface,
        pytest.raises(CarrierError, match="cannot send on lo: a packet of 48 bytes is larger than its MTU"),
    ):
        interface.send(goodbye())


def test_what_wireguard_would_drop_is_refused_until_it_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device("lo", 1, 0xFFFE, True)
    monkeypatch.setattr("fzctl.carriers.interface.find_device", lambda *_: device)
    listings = ["KEY=\t10.0.0.0/8\n", "KEY=\t10.0.0.0/8 ::/128\n"]
    recorder = Recorder()
    with opened(recorder, allowed_ips=lambda _: listings.pop(0)) as interface:
        with pytest.raises(CarrierError, match="cannot send on lo: no peer's AllowedIPs hold ::/128"):
            interface.send(goodbye())
        interface.send(goodbye())
        interface.send(assigned())  # asked for once
        interface.send(ipv6())
    assert [address for _, address in recorder.sent] == [("lo", 0x86DD, 0, 0, b"")] * 3


def test_all_devices_at_once_are_nothing_to_send_on() -> None:
    with pytest.raises(CarrierError, match="name one device"):
        Interface("any")


def test_drops_add_up_and_closing_twice_is_once() -> None:
    interface = opened(Recorder())
    assert interface.receive(0) is None
    assert interface.dropped == 2  # the kernel counts anew after each look
    interface.close()
    interface.close()
    assert interface.dropped == 3


@pytest.mark.root
def test_over_loopback_a_message_is_heard_with_its_time_and_way() -> None:
    with Interface("lo") as sender, Interface("lo") as receiver:
        before = time.time_ns()
        sender.send(ipv6(b"x" * 40))
        sender.send(assigned() + bytes(5))
        found = receiver.receive(5.0)
        assert found is not None
        assert found == Received(assigned(), found.time, "lo", "in")
        assert before <= found.time <= time.time_ns()
        assert receiver.receive(0) is None


@pytest.mark.root
def test_who_wants_all_of_ipv6_gets_it() -> None:
    with Interface("lo") as sender, Interface("lo", control_only=False) as receiver:
        sender.send(ipv6(b"x" * 40))
        found = receiver.receive(5.0)
        assert found is not None
        assert found.packet == ipv6(b"x" * 40)
