"""UDP for a peer of our own: one socket a family, ICMP errors as values, names to addresses."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from fzctl.errors import CarrierError
from fzctl.wireguard.endpoints import Endpoint, format_endpoint

_FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
ANY: Final = {4: "0.0.0.0", 6: "::"}
LOOPBACK: Final = {4: "127.0.0.1", 6: "::1"}
_LARGEST: Final = 65535
# Anybody can send, and from as many ports as there are.
_MOST_LOCAL: Final = 1024
_BUFFER: Final = 4 * 1024 * 1024
# Linux, <linux/in.h> and <linux/in6.h>; older Pythons do not name them.
_RECEIVE_ERRORS: Final = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_MSG_ERRQUEUE: Final = 0x2000
_ERRNO: Final = struct.Struct("=I")  # struct sock_extended_err begins with it

MakeSocket = Callable[[int], socket.socket]


class Arrival(NamedTuple):
    """A datagram from an endpoint; or an ICMP error (an errno) for what was sent to it."""

    datagram: bytes
    endpoint: Endpoint
    error: int = 0


class Datagrams(Protocol):
    """What a peer needs of the network."""

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        """Send a datagram. Raises OSError where it did not leave."""
        ...

    def receive(self, timeout: float) -> Arrival | None:
        """What comes next; waits at most that many seconds."""
        ...

    def local(self, endpoint: Endpoint) -> Endpoint:
        """Where datagrams to that endpoint come from, and where its answers go."""
        ...

    def close(self) -> None: ...


def open_socket(family: int) -> socket.socket:
    return socket.socket(family, socket.SOCK_DGRAM)


class UdpSockets:
    """IPv4 and IPv6 on one port (0: any) of all addresses, or of those given by IP version.

    Raises CarrierError where the port cannot be had.
    """

    def __init__(
        self, port: int = 0, make: MakeSocket = open_socket, addresses: Mapping[int, str] = ANY
    ) -> None:
        self._make: Final = make
        self._addresses: Final = addresses
        self._sockets: Final[dict[int, socket.socket]] = {}
        self._local: Final[dict[Endpoint, Endpoint]] = {}
        self._selector: Final = selectors.DefaultSelector()
        try:
            for version in _FAMILIES:
                self._open(version, port)
        except OSError as error:
            self.close()
            remedy = {
                errno.EADDRINUSE: "another program has it; stop that (`ss -ulpn`) or change ListenPort",
                errno.EACCES: "ports below 1024 need root; change ListenPort",
            }.get(error.errno or 0, os.strerror(error.errno or 0))
            raise CarrierError("listen on", f"UDP port {port}", remedy) from None

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        chosen = self._for(endpoint)
        try:
            chosen.sendto(datagram, endpoint)
        except OSError:
            # It may tell of a datagram before this one; then this one has not been tried yet.
            chosen.sendto(datagram, endpoint)

    def receive(self, timeout: float) -> Arrival | None:
        for key, _ in self._selector.select(max(timeout, 0.0)):
            arrival = self._read(key.data, key.fileobj)  # type: ignore[arg-type]
            if arrival is not None:
                return arrival
        return None

    def local(self, endpoint: Endpoint) -> Endpoint:
        known = self._local.get(endpoint)
        if known is None:
            version = 6 if ":" in endpoint[0] else 4
            address = ANY[version]
            with contextlib.suppress(OSError), self._make(_FAMILIES[version]) as probe:
                probe.connect(endpoint)
                address = probe.getsockname()[0]
            if len(self._local) >= _MOST_LOCAL:
                del self._local[next(iter(self._local))]
            known = self._local[endpoint] = (address, self._for(endpoint).getsockname()[1])
        return known

    def close(self) -> None:
        self._selector.close()
        for one in self._sockets.values():
            one.close()

    def _open(self, version: int, port: int) -> None:
        try:
            opened = self._make(_FAMILIES[version])
        except OSError:
            if version == 6:  # a kernel without IPv6
                return
            raise
        self._sockets[version] = opened
        if version == 6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform == "linux":
            opened.setsockopt(*_RECEIVE_ERRORS[version], 1)
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        try:
            opened.bind((self._addresses[version], port))
        except OSError as error:
            if version == 6 and error.errno == errno.EADDRNOTAVAIL:  # IPv6 is switched off
                opened.close()
                del self._sockets[version]
                return
            raise
        self._selector.register(opened, selectors.EVENT_READ, version)

    def _for(self, endpoint: Endpoint) -> socket.socket:
        chosen = self._sockets.get(6 if ":" in endpoint[0] else 4)
        if chosen is None:
            raise OSError(errno.EAFNOSUPPORT, "this machine has no IPv6")
        return chosen

    def _read(self, version: int, ready: socket.socket) -> Arrival | None:
        try:
            datagram, source = ready.recvfrom(_LARGEST, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError as error:
            if sys.platform != "linux":
                return Arrival(b"", (ANY[version], 0), error.errno or 0)
        else:
            return Arrival(datagram, (source[0], source[1]))
        return self._read_error(version, ready) if sys.platform == "linux" else None

    def _read_error(self, version: int, ready: socket.socket) -> Arrival | None:
        """The next of the ICMP errors that Linux keeps apart, with whom it is about."""
        try:
            _, extra, _, target = ready.recvmsg(0, 512, _MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except OSError:
            return None
        for level, kind, data in extra:
            if (level, kind) == _RECEIVE_ERRORS[version] and len(data) >= _ERRNO.size:
                return Arrival(b"", (target[0], target[1]), _ERRNO.unpack_from(data)[0])
        return None


def resolve(endpoint: Endpoint, place: str) -> Endpoint:
    """An endpoint with a name to one with an address. Raises CarrierError where that fails.

    ``place`` is where the name stands, for the error.
    """
    try:
        found = socket.getaddrinfo(*endpoint, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no name of a host"
        problem = f"{reason}; check {place}, or write an address there"
        raise CarrierError("find", format_endpoint(endpoint), problem) from None
    address = found[0][4]
    return str(address[0]), int(address[1])
