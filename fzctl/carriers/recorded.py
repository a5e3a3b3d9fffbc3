"""A carrier with a capture of what goes through it: inner packets, as raw IP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from fzctl.carriers.base import IN, OUT, Carrier, ClosesOnExit, Received
from fzctl.errors import CaptureError
from fzctl.pcap.links import RAW
from fzctl.pcap.writer import open_writer


class RecordedCarrier(ClosesOnExit):
    """Everything goes to ``carrier``, and with its time into a capture, which grows packet by packet.

    What did not leave is not recorded. Raises CaptureError where the file takes no more.
    """

    def __init__(self, carrier: Carrier, path: str, time_ns: Callable[[], int] = time.time_ns) -> None:
        self._carrier: Final = carrier
        self._time_ns: Final = time_ns
        self._closed = False
        self._writer: Final = open_writer(path, RAW)
        self._writer.flush()

    @property
    def name(self) -> str:
        return self._carrier.name

    def send(self, packet: bytes) -> None:
        self._carrier.send(packet)
        self._writer.write(packet, self._time_ns(), direction=OUT)
        self._writer.flush()

    def receive(self, timeout: float) -> Received | None:
        received = self._carrier.receive(timeout)
        if received is not None:
            self._writer.write(received.packet, received.time, direction=received.direction or IN)
            self._writer.flush()
        return received

    def close(self) -> None:
        """Let go of the carrier and give the file its name; a second time does nothing."""
        if not self._closed:
            self._closed = True
            try:
                self._carrier.close()
            finally:
                try:
                    self._writer.close()
                except CaptureError:
                    self._writer.salvage()  # what went through does not come again
                    raise
