"""A network interface as a carrier: control messages in plain, on WireGuard, TUN and Ethernet devices.

``send()`` of an IP socket would take packets for :: to loopback and report success, so they go
out through a packet socket, which leaves the way no choice.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Final

from fzctl.carriers import bpf
from fzctl.carriers.base import IN, ClosesOnExit, Received
from fzctl.carriers.devices import (
    Device,
    allowed_ips_problem,
    explain,
    find_device,
    firezone_warning,
    list_allowed_ips,
)
from fzctl.errors import CarrierError

MakeSocket = Callable[[int, int, int], socket.socket]

ALL_NODES: Final = bytes.fromhex("333300000001")
"""The Ethernet address of all nodes with IPv6 (RFC 2464 section 7, RFC 4291 section 2.7.1)."""

_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_IPV6_HEADER: Final = 40
_UNSPECIFIED: Final = bytes(16)
_ROOM: Final = 32 * 1024 * 1024
_LONGEST: Final = 65536
_NANOSECONDS: Final = 1_000_000_000

# asm-generic/socket.h, linux/if_packet.h; Python names none of them.
_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35
_SOL_PACKET: Final = 263
_PACKET_STATISTICS: Final = 6


class Interface(ClosesOnExit):
    """Sends IP packets on a device, and receives the control packets that come in on it.

    What this machine sends there is not received: the kernel hands a socket for one protocol only what
    comes in (:mod:`fzctl.carriers.live` sees both).

    ``dropped`` counts what the kernel had no room for, as of the last ``receive`` that found
    nothing or ``close``. ``warnings`` are sentences for people who are about to send.
    """

    def __init__(
        self,
        name: str,
        *,
        hardware_address: bytes = ALL_NODES,
        control_only: bool = True,
        make_socket: MakeSocket = socket.socket,
        allowed_ips: Callable[[str], str | None] = list_allowed_ips,
    ) -> None:
        """Open the device. ``hardware_address`` is where frames go on Ethernet.

        Without ``control_only`` all IPv6 is received. Raises CarrierError where there is no such
        device, it is down, or we may not.
        """
        self.name = name
        self.dropped = 0
        self._device: Final = find_device(name, "open")
        if not self._device.number:
            raise CarrierError("open", name, "name one device to send on")
        self._allowed_ips: Final = allowed_ips
        self._problem: str | None = None
        self._is_checked = False
        self._address: Final = hardware_address if self._device.is_ethernet else b""
        try:
            self._socket = make_socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        except OSError as error:
            raise CarrierError("open", name, explain(error, name)) from None
        try:
            self._prepare(control_only=control_only)
        except OSError as error:
            self._socket.close()
            raise CarrierError("open", name, explain(error, name)) from None
        self.warnings: Final = _warnings(self._device, self._address)

    def send(self, packet: bytes) -> None:
        """Send an IP packet. Raises CarrierError where it did not leave."""
        version = packet[0] >> 4 if packet else 0
        if version == 6 and packet[24:_IPV6_HEADER] == _UNSPECIFIED:
            self._check_allowed_ips()
        target = (self.name, _IPV4 if version == 4 else _IPV6, 0, 0, self._address)
        try:
            self._socket.sendto(packet, target)
        except OSError as error:
            raise CarrierError("send on", self.name, explain(error, self.name, len(packet))) from None

    def receive(self, timeout: float) -> Received | None:
        """The next packet, within ``timeout`` seconds. Raises CarrierError where the device is gone."""
        end = time.monotonic() + timeout
        while True:
            try:
                if self._poll.poll(max(0.0, end - time.monotonic()) * 1000):
                    found = self._read()
                    if found is not None:
                        return found
                elif time.monotonic() >= end:
                    self._count_drops()
                    return None
            except OSError as error:
                raise CarrierError("receive on", self.name, explain(error, self.name)) from None

    def close(self) -> None:
        """Let go of the device; a second time does nothing."""
        if self._socket.fileno() >= 0:
            self._count_drops()
            self._socket.close()

    def _prepare(self, *, control_only: bool) -> None:
        """Before it is bound the socket hears nothing, so nothing gets past the filter."""
        opened = self._socket
        if control_only:
            bpf.attach(opened, bpf.control_program(0))
        try:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
        except PermissionError:  # the administrator's limit holds for those without CAP_NET_ADMIN
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        opened.bind((self.name, _IPV6))
        self._poll = select.poll()
        self._poll.register(opened, select.POLLIN)

    def _read(self) -> Received | None:
        try:
            packet, ancillary, _, _ = self._socket.recvmsg(_LONGEST, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if len(packet) < _IPV6_HEADER:
            return None
        length = _IPV6_HEADER + int.from_bytes(packet[4:6], "big")
        return Received(packet[:length], _time_of(ancillary), self.name, IN)

    def _count_drops(self) -> None:
        """The kernel counts anew after each look."""
        try:
            counted = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        except OSError:
            return
        self.dropped += struct.unpack("=II", counted)[1]

    def _check_allowed_ips(self) -> None:
        """WireGuard implementations drop without a word what no peer may get: ask before the first time."""
        if not self._is_checked:
            self._is_checked = True
            listing = None if self._device.is_ethernet else self._allowed_ips(self.name)
            self._problem = None if listing is None else allowed_ips_problem(self.name, listing)
        if self._problem is not None:
            self._is_checked = False  # it may have been mended until the next one
            raise CarrierError("send on", self.name, self._problem)


def _warnings(device: Device, address: bytes) -> tuple[str, ...]:
    found = []
    if address:
        found.append(f"{device.name} is an Ethernet device: messages go to {address.hex(':')}, in no tunnel")
    firezone = firezone_warning(device.name)
    if firezone is not None:
        found.append(firezone)
    return tuple(found)


def _time_of(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack_from("@ll", data)
            return int(seconds) * _NANOSECONDS + int(nanoseconds)
    return time.time_ns()
