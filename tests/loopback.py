"""A loopback of one's own: nobody else's packets go by there, and what is sent disturbs nobody."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1


@contextmanager
def own_network() -> Iterator[None]:
    """A network namespace with nothing but lo, for this thread and what it starts.

    Who may not make one stays where they are.
    """
    libc = ctypes.CDLL(None)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(_CLONE_NEWNET):
            yield
            return
        try:
            _bring_up_lo()
            yield
        finally:
            if libc.setns(before, _CLONE_NEWNET):
                raise OSError("there is no way back into the network namespace")
    finally:
        os.close(before)


def _bring_up_lo() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
