"""Packets in blocks of memory shared with the kernel: a packet socket with TPACKET_V3.

Linux Documentation/networking/packet_mmap.rst. One copy fetches a block of hundreds of packets,
where ``recvmsg`` takes microseconds for each.
"""

from __future__ import annotations

import mmap
import select
import socket
import struct
from collections.abc import Sequence
from typing import Final

from fzctl.carriers.bpf import Instruction, attach
from fzctl.carriers.devices import Device, explain
from fzctl.carriers.interface import MakeSocket
from fzctl.errors import CarrierError

RETIRE_MS: Final = 10
"""A block that is not full is handed over after so many milliseconds."""

# A block holds the longest packet that segmentation leaves (64 KiB and its headers).
BLOCK_SIZE: Final = 1 << 18
BLOCKS: Final = 64
_LEAST_BLOCKS: Final = 8
_FRAME_SIZE: Final = 1 << 11

# linux/if_packet.h
_SOL_PACKET: Final = 263
_ADD_MEMBERSHIP: Final = 1
_RX_RING: Final = 5
_STATISTICS: Final = 6
_VERSION: Final = 10
_TPACKET_V3: Final = 2
_PROMISCUOUS: Final = 1
_EVERYTHING: Final = 0x0003  # ETH_P_ALL
_USER: Final = 1  # TP_STATUS_USER

# In struct tpacket_block_desc: the status, and the bytes in use.
_STATUS_AT: Final = 8
_LENGTH_AT: Final = 20


class Ring:
    """The packets of a device, block by block."""

    def __init__(
        self,
        device: Device,
        program: Sequence[Instruction],
        *,
        promiscuous: bool = False,
        blocks: int = BLOCKS,
        make_socket: MakeSocket = socket.socket,
    ) -> None:
        """Begin to capture. Raises CarrierError where we may not or the device is gone."""
        self.name: Final = device.name
        self.dropped = 0
        self._next = 0
        kind = socket.SOCK_RAW if device.is_ethernet else socket.SOCK_DGRAM
        # Of all devices it hears from the start, for Python cannot bind it to none; what comes before
        # there is a ring is thrown away with the old queue.
        protocol = 0 if device.number else socket.htons(_EVERYTHING)
        try:
            self._socket = make_socket(socket.AF_PACKET, kind, protocol)
        except OSError as error:
            raise self._error("watch", error) from None
        try:
            attach(self._socket, program)
            self._socket.setsockopt(_SOL_PACKET, _VERSION, struct.pack("=i", _TPACKET_V3))
            self._blocks = self._make_ring(blocks)
            self._memory = mmap.mmap(self._socket.fileno(), self._blocks * BLOCK_SIZE)
            if device.number:
                self._socket.bind((device.name, _EVERYTHING))
            if promiscuous and device.is_ethernet:
                wanted = struct.pack("=iHH8s", device.number, _PROMISCUOUS, 0, b"")
                self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, wanted)
        except OSError as error:
            self._socket.close()
            raise self._error("watch", error) from None
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | select.POLLERR)

    def wait(self, seconds: float) -> None:
        """Wait for a block, at most so long. Raises CarrierError where the device is gone."""
        if any(events & select.POLLERR for _, events in self._poll.poll(seconds * 1000)):
            number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                raise self._error("watch", OSError(number, ""))

    def take(self) -> bytes | None:
        """The next block as it is, for its reader; ``None`` where none is ready."""
        start = self._next * BLOCK_SIZE
        memory = self._memory
        if not memory[start + _STATUS_AT] & _USER:
            return None
        (length,) = struct.unpack_from("=I", memory, start + _LENGTH_AT)
        block = memory[start : start + length]
        struct.pack_into("=I", memory, start + _STATUS_AT, 0)
        self._next = (self._next + 1) % self._blocks
        return block

    def count_drops(self) -> int:
        """How many packets the kernel has dropped so far, because the ring was full."""
        try:
            counted = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        except OSError:
            return self.dropped
        self.dropped += struct.unpack_from("=III", counted)[1]
        return self.dropped

    def close(self) -> None:
        """Stop capturing; a second time does nothing."""
        if self._socket.fileno() >= 0:
            self.count_drops()
            self._memory.close()
            self._socket.close()

    def _make_ring(self, blocks: int) -> int:
        """Ask for that many blocks, and for fewer where there is no memory."""
        while True:
            frames = blocks * (BLOCK_SIZE // _FRAME_SIZE)
            wanted = struct.pack("=7I", BLOCK_SIZE, blocks, _FRAME_SIZE, frames, RETIRE_MS, 0, 0)
            try:
                self._socket.setsockopt(_SOL_PACKET, _RX_RING, wanted)
            except OSError:
                if blocks <= _LEAST_BLOCKS:
                    raise
                blocks //= 2
            else:
                return blocks

    def _error(self, operation: str, error: OSError) -> CarrierError:
        return CarrierError(operation, self.name, explain(error, self.name))
