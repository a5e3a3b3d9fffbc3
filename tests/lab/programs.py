"""The programs that the lab talks to: wireguard-go, coturn, tcpdump."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.noise import NO_PSK
from tests.lab.netns import RELAY, RELAY_FAR, LabError, Namespace, Net, run, wait_until

GATEWAY_PORT: Final = 51820
INSIDE_CLIENT: Final = {4: "100.64.0.7", 6: "fd00:2021:1111::7"}
INSIDE_GATEWAY: Final = {4: "100.64.0.1", 6: "fd00:2021:1111::1"}
TURN_PORT: Final = 3478
TURN_USER: Final = "lab"
TURN_PASSWORD: Final = "throw-away"

_SOCKETS: Final = Path("/var/run/wireguard")
_ETHERTYPE_IPV6: Final = 0x86DD


class Gateway:
    """wireguard-go with its TUN device: what a Firezone gateway would be."""

    def __init__(self, place: Namespace, device: str, client: bytes, psk: Secret = NO_PSK) -> None:
        self.place: Final = place
        self.device: Final = device
        self.static: Final = PrivateKey(os.urandom(32))
        self._client: Final = client
        self._psk: Final = psk
        self._raw: Final = place.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self._plain: Final = place.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def set_up(self) -> None:
        for version, length in ((4, 24), (6, 64)):
            run("ip", "-n", self.place.name, "address", "add", f"{INSIDE_GATEWAY[version]}/{length}",
                "dev", self.device, *(["nodad"] if version == 6 else []))  # fmt: skip
        run("ip", "-n", self.place.name, "link", "set", self.device, "up")
        self._raw.bind((self.device, _ETHERTYPE_IPV6))

    def know_client(self, endpoint: tuple[str, int] | None = None) -> None:
        """Tell it of its peer, anew each time: it forgets the sessions that it had."""
        inside = ", ".join((f"{INSIDE_CLIENT[4]}/32", f"{INSIDE_CLIENT[6]}/128", "::/128"))
        lines = ["[Interface]", f"PrivateKey = {_text(self.static.raw)}", f"ListenPort = {GATEWAY_PORT}"]
        lines += ["[Peer]", f"PublicKey = {_text(self._client)}", f"AllowedIPs = {inside}"]
        if self._psk != NO_PSK:
            lines.append(f"PresharedKey = {_text(self._psk.raw)}")
        if endpoint is not None:
            address = f"[{endpoint[0]}]" if ":" in endpoint[0] else endpoint[0]
            lines.append(f"Endpoint = {address}:{endpoint[1]}")
        path = self.place.folder / f"{self.device}.conf"
        path.write_text("\n".join(lines) + "\n")
        self.place.run("wg", "setconf", self.device, str(path))
        wait_until(lambda: GATEWAY_PORT in _listening(self.place), "wireguard-go listens")

    def send_inside(self, packet: bytes) -> None:
        """Put a packet on its TUN device; packets from :: to :: take no other way."""
        self._raw.send(packet)

    def knock(self) -> None:
        """A packet of its system to the client: where there is no session, a handshake begins."""
        self._plain.sendto(b"knock", (INSIDE_CLIENT[4], 9))

    def close(self) -> None:
        self._raw.close()
        self._plain.close()


@contextlib.contextmanager
def wireguard_go(net: Net, client: bytes, psk: Secret = NO_PSK) -> Iterator[Gateway]:
    """wireguard-go in the gateway's namespace. Its control socket is shared with all others."""
    device = net.tag
    control = _SOCKETS / f"{device}.sock"
    with net.gateway.running("wireguard-go", "-f", device) as log:
        wait_until(control.exists, "wireguard-go is up")
        gateway = Gateway(net.gateway, device, client, psk)
        try:
            gateway.set_up()
            yield gateway
        except LabError as error:
            raise LabError(f"{error}; wireguard-go said: {log.read_text()}") from error
        finally:
            gateway.close()
            control.unlink(missing_ok=True)


@contextlib.contextmanager
def coturn(net: Net, *options: str) -> Iterator[None]:
    """coturn between the two: allocations for the client, reachable for the gateway."""
    folder = net.relay.folder
    words = ["turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--lt-cred-mech"]
    for version in (4, 6):
        words += ["--listening-ip", RELAY[version], "--relay-ip", RELAY_FAR[version]]
    words += ["--listening-port", str(TURN_PORT)]
    words += ["--realm", "example.com", "--user", f"{TURN_USER}:{TURN_PASSWORD}", "--relay-threads", "1"]
    words += ["--userdb", str(folder / "turn.db"), "--pidfile", str(folder / "turn.pid")]
    words += ["--log-file", "stdout", "--simple-log", "--no-multicast-peers", *options]
    with net.relay.running(*words) as log:
        wait_until(lambda: TURN_PORT in _listening(net.relay), f"coturn is up; its words are in {log}")
        yield


@contextlib.contextmanager
def tcpdump(place: Namespace, interface: str, path: Path, *expression: str) -> Iterator[None]:
    """Capture while the block runs. It listens when the block begins, and has all when it ends."""
    # In immediate mode the kernel keeps room for whole frames: with the usual length there is room for eight.
    words = ["tcpdump", "-i", interface, "-w", str(path), "-n", "-Z", "root"]
    words += ["-U", "--immediate-mode", "-s", "2000", "-B", "16384"]
    with place.running(*words, *expression) as log:
        wait_until(lambda: "listening on" in log.read_text(), f"tcpdump on {interface}")
        yield
        _settle(path)


def _settle(path: Path) -> None:
    """Wait until the capture does not grow any more."""
    size = -1
    while size != (size := path.stat().st_size):
        time.sleep(0.15)


def _listening(place: Namespace) -> set[int]:
    """The UDP ports that are open for IPv4 and for IPv6."""
    tables = [place.run("cat", f"/proc/net/{name}").splitlines()[1:] for name in ("udp", "udp6")]
    return {int(line.split()[1].rpartition(":")[2], 16) for table in tables for line in table}


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
