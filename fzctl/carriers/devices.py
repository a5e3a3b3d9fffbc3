"""Network devices by name: what they are, whether they will do, and what is wrong in words.

Asked by ioctl, which answers for this process's network namespace, where /sys may show another.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import Final, NamedTuple

from fzctl.errors import CarrierError

ANY: Final = "any"
"""Stands for all devices, as for tcpdump."""

# linux/if_arp.h
ETHERNET: Final = 1
LOOPBACK: Final = 772

_GET_FLAGS: Final = 0x8913  # SIOCGIFFLAGS, linux/sockios.h
_GET_ADDRESS: Final = 0x8915
_GET_HARDWARE: Final = 0x8927
_IS_UP: Final = 1
_NAME_SIZE: Final = 16
_REQUEST: Final = struct.Struct("16s24s")

_FIREZONE: Final = "tun-firezone"
_TUNNEL_4: Final = (0x64400000, 0xFFE00000)  # 100.64.0.0/11
# fd00:2021:1111::/107
_TUNNEL_6: Final = bytes.fromhex("fd002021111100000000000000000000")
_CONTROL_SOCKETS: Final = ("/var/run/wireguard", "/run/wireguard")


class Device(NamedTuple):
    """A device: its number in this namespace (0: all of them), and its hardware type (linux/if_arp.h)."""

    name: str
    number: int
    hardware: int
    is_up: bool

    @property
    def is_ethernet(self) -> bool:
        """Whether its frames begin with an Ethernet header."""
        return self.hardware in (ETHERNET, LOOPBACK)


def find_device(name: str, operation: str) -> Device:
    """Look a device up. Raises CarrierError, which names ``operation``, where there is none or it is down."""
    if not hasattr(socket, "AF_PACKET"):
        raise CarrierError(operation, name, "this system has no packet sockets; use Linux, or a capture file")
    if name == ANY:
        return Device(ANY, 0, 0, True)
    try:
        index = socket.if_nametoindex(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asked:
            (flags,) = struct.unpack_from("=H", _ask(asked, _GET_FLAGS, name))
            (hardware,) = struct.unpack_from("=H", _ask(asked, _GET_HARDWARE, name))
    except (OSError, ValueError):
        raise CarrierError(operation, name, _no_such(name)) from None
    device = Device(name, index, hardware, bool(flags & _IS_UP))
    if not device.is_up:
        raise CarrierError(operation, name, f"it is down; ip link set {name} up")
    return device


def explain(error: OSError, name: str, size: int = 0) -> str:
    """What an error of a packet socket means on that device; ``size`` is that of the packet sent."""
    number = error.errno
    if number in (errno.EPERM, errno.EACCES):
        python = os.path.realpath(sys.executable)
        return f"not permitted; run as root, or once as root: setcap cap_net_raw+ep {python}"
    if number in (errno.ENETDOWN, errno.ENODEV, errno.ENXIO):
        return "it went down" if _exists(name) else "it is gone"
    if number == errno.ENOKEY:
        return f"no peer takes the packet: {_REMEDY}"
    if number == errno.EDESTADDRREQ:
        return "the peer's endpoint is not known yet: give it one, or wait until it has sent something"
    if number == errno.EMSGSIZE:
        return f"a packet of {size} bytes is larger than its MTU"
    if number in (errno.ENOBUFS, errno.EAGAIN):
        return "its queue is full; send more slowly"
    return error.strerror or str(error)


_REMEDY: Final = (
    "add ::/128 to the AllowedIPs of the peer, here and on the other side (wg set, or wg-quick's file)"
)


def allowed_ips_problem(name: str, listing: str) -> str | None:
    """What is wrong for control messages in the output of ``wg show NAME allowed-ips``; ``None`` for nothing.

    WireGuard looks up by the longest prefix, and a network that holds :: is written with it.
    """
    lines = [line.split("\t", 1) for line in listing.splitlines() if "\t" in line]
    if not lines:
        return f"{name} has no WireGuard peer yet"
    if any(network.startswith("::/") for _, networks in lines for network in networks.split()):
        return None
    return f"no peer's AllowedIPs hold ::/128, so WireGuard would drop the message without a word: {_REMEDY}"


def list_allowed_ips(name: str) -> str | None:
    """The output of ``wg show NAME allowed-ips``; ``None`` where it cannot be asked or is no WireGuard."""
    import shutil
    import subprocess

    program = shutil.which("wg")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "show", name, "allowed-ips"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def firezone_warning(name: str) -> str | None:
    """What to say of a device that looks like Firezone's own; ``None`` of another."""
    if name == ANY or (name != _FIREZONE and not _has_tunnel_address(name)) or _is_plain_wireguard(name):
        return None
    return (
        f"{name} looks like Firezone's own device: control messages never reach it, and Firezone refuses"
        " those that come from it; all that can be seen is a warning in its log"
    )


def _has_tunnel_address(name: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asked:
            (value,) = struct.unpack_from(">I", _ask(asked, _GET_ADDRESS, name), 4)
            if value & _TUNNEL_4[1] == _TUNNEL_4[0]:
                return True
    except OSError:  # it has no IPv4 address
        pass
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as table:
            rows = [line.split() for line in table]
    except OSError:
        return False
    return any(row[-1] == name and _is_tunnel_6(bytes.fromhex(row[0])) for row in rows if row)


def _is_tunnel_6(address: bytes) -> bool:
    return address[:13] == _TUNNEL_6[:13] and not address[13] & 0xE0


def _is_plain_wireguard(name: str) -> bool:
    """Kernel WireGuard, or an implementation that ``wg`` can talk to."""
    if any(os.path.exists(f"{folder}/{name}.sock") for folder in _CONTROL_SOCKETS):
        return True
    try:
        with open(f"/sys/class/net/{name}/uevent", encoding="ascii", errors="replace") as told:
            return "DEVTYPE=wireguard\n" in told.read()
    except OSError:
        return False


def _ask(asked: socket.socket, request: int, name: str) -> bytes:
    from fcntl import ioctl

    return ioctl(asked, request, _REQUEST.pack(name.encode(), b""))[_NAME_SIZE:]


def _exists(name: str) -> bool:
    if name == ANY:
        return True
    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def _no_such(name: str) -> str:
    from difflib import get_close_matches

    try:
        names = [each for _, each in socket.if_nameindex()]
    except OSError:
        names = []
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no such device{hint} (there are: {', '.join(names) or 'none'}; any takes all)"
