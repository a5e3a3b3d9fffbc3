"""The ring that the kernel fills: what is in it, what it forbids, what it dropped."""

from __future__ import annotations

import errno
import os
import socket
import time

import pytest

from fzctl.carriers.bpf import ETHERNET_HEADER, control_program
from fzctl.carriers.devices import Device, find_device
from fzctl.carriers.interface import Interface
from fzctl.carriers.live import open_device
from fzctl.carriers.ring import BLOCK_SIZE, Ring
from fzctl.errors import CarrierError
from tests.records import assigned, goodbye

pytestmark = pytest.mark.usefixtures("own_loopback")

PROGRAM = control_program(ETHERNET_HEADER)


def refuse(*_: int) -> socket.socket:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_without_permission_there_is_a_sentence() -> None:
    with pytest.raises(CarrierError, match=r"cannot watch lo: not permitted; .* setcap cap_net_raw"):
        Ring(find_device("lo", "watch"), PROGRAM, make_socket=refuse)


@pytest.mark.root
def test_a_device_that_is_gone_by_now_is_told() -> None:
    with pytest.raises(CarrierError, match="cannot watch gone0: it is gone"):
        Ring(Device("gone0", 99, 1, True), PROGRAM)


@pytest.mark.root
def test_what_goes_by_comes_out_in_order() -> None:
    capture = open_device("lo", tunnel=False)
    with Interface("lo") as sender:
        for number in range(500):
            sender.send(assigned(f"{number}.example"))
    capture.stop()
    found = [each.data[each.offset :] for each in capture.candidates()]
    capture.close()
    assert found == [assigned(f"{number}.example") for number in range(500)]
    assert capture.dropped == 0


@pytest.mark.root
def test_all_devices_are_watched_at_once() -> None:
    capture = open_device("any", tunnel=False)
    with Interface("lo") as sender:
        sender.send(goodbye())
    capture.stop()
    assert [each.path for each in capture.candidates()] == [("linux_cooked_v2", "ipv6")]
    capture.close()


@pytest.mark.root
def test_what_there_is_no_room_for_is_counted() -> None:
    ring = Ring(find_device("lo", "watch"), PROGRAM, blocks=8)
    most = 9 * BLOCK_SIZE // 512
    with Interface("lo") as sender:
        for _ in range(most):
            sender.send(assigned("a" * 60 + ".example", *(f"100.96.0.{n}" for n in range(1, 9))))
    time.sleep(0.1)
    taken = 0
    while (block := ring.take()) is not None:
        taken += int.from_bytes(block[12:16], "little")
    ring.close()
    ring.close()
    assert ring.dropped > 0
    assert taken + ring.dropped == 2 * most  # loopback passes each of them twice
