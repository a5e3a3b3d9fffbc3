"""What client and gateway say to each other in the lab, and what remains of it: captures and keys."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

from fzctl.protocol.codec import encode
from fzctl.protocol.kinds import kind_by_name
from fzctl.protocol.packet import build_packet
from fzctl.protocol.ranges import proxy_ips
from fzctl.wireguard.keylog import format_keylog
from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.noise import NO_PSK
from tests.lab.netns import CLIENT, GATEWAY, RELAY, Net
from tests.lab.peer import Peer, UdpWire
from tests.lab.programs import (
    GATEWAY_PORT,
    INSIDE_CLIENT,
    INSIDE_GATEWAY,
    TURN_PASSWORD,
    TURN_PORT,
    TURN_USER,
    Gateway,
    coturn,
    tcpdump,
    wireguard_go,
)
from tests.lab.relaywire import RelayWire

CLIENT_PORT: Final = 51821
RESOURCE: Final = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
FROM_CLIENT: Final = "client"
FROM_GATEWAY: Final = "gateway"
UNKNOWN_KIND: Final = 9

_numbers = count(1)


class Said(NamedTuple):
    """A control message, and by whom."""

    by: str
    packet: bytes


class Conversation:
    """Both ends of a tunnel: our peer as the client, wireguard-go as the gateway."""

    def __init__(self, peer: Peer, gateway: Gateway) -> None:
        self.peer: Final = peer
        self.gateway: Final = gateway
        self.said: Final[list[Said]] = []

    def client_says(self, name: str, **values: Any) -> None:
        self.client_sends(_message(name, values))

    def gateway_says(self, name: str, **values: Any) -> None:
        self.gateway_sends(_message(name, values))

    def client_sends(self, packet: bytes, *, padded: bool = True) -> None:
        """Unpadded is how Firezone sends."""
        self.peer.send(packet, padded=padded)
        self.said.append(Said(FROM_CLIENT, packet))

    def gateway_sends(self, packet: bytes) -> None:
        """Out of wireguard-go's TUN device; it must arrive byte for byte."""
        self.gateway.send_inside(packet)
        self.peer.receive(lambda received: received == packet)
        self.said.append(Said(FROM_GATEWAY, packet))

    def client_assigns(self, domain: str, nth: int = 0) -> None:
        self.client_says("assigned_ips", resource=RESOURCE, domain=domain, proxy_ips=proxy_ips(8, nth))

    def gateway_answers(self, domain: str, status: str = "Active") -> None:
        self.gateway_says("domain_status", resource=RESOURCE, domain=domain, status=status)

    def ping(self, size: int = 56) -> None:
        """The gateway's system answers, over IPv4 and over IPv6."""
        number = next(_numbers)
        data = Raw(bytes(index & 0xFF for index in range(size)))
        self.peer.send(bytes(IP(src=INSIDE_CLIENT[4], dst=INSIDE_GATEWAY[4]) / ICMP(id=7, seq=number) / data))
        self.peer.receive(lambda packet: packet[0] >> 4 == 4 and IP(packet)[ICMP].seq == number)
        echo = IPv6(src=INSIDE_CLIENT[6], dst=INSIDE_GATEWAY[6]) / ICMPv6EchoRequest(id=7, seq=number) / data
        self.peer.send(bytes(echo))

        def answers(packet: bytes) -> bool:
            return packet[0] >> 4 == 6 and packet[6] == 58 and IPv6(packet)[ICMPv6EchoReply].seq == number

        self.peer.receive(answers)

    def datagram(self, size: int) -> None:
        """UDP from the client to nobody."""
        ends = IP(src=INSIDE_CLIENT[4], dst=INSIDE_GATEWAY[4]) / UDP(sport=40000, dport=9)
        self.peer.send(bytes(ends / Raw(bytes(size))))

    def client_begins(self) -> None:
        self.peer.connect()

    def gateway_begins(self) -> None:
        """wireguard-go forgets the sessions and begins one, as after a restart."""
        self.gateway.know_client(self.endpoint)
        self.gateway.knock()
        self.peer.wait_for_handshake()
        self.peer.receive(lambda packet: packet.endswith(b"knock"))

    endpoint: tuple[str, int] = (CLIENT[4], CLIENT_PORT)

    def unknown_kind(self) -> None:
        self.client_sends(build_packet(UNKNOWN_KIND, b"from the client"))
        self.gateway_sends(build_packet(UNKNOWN_KIND, b"from the gateway"))

    def goodbye(self) -> None:
        self.client_says("goodbye")
        self.gateway_says("goodbye")


class Taken(NamedTuple):
    """What the story left behind."""

    said: list[Said]
    wire: Path
    inside: Path
    keys: Path
    transport_keys: Path
    a: str

    def direction(self, said: Said) -> str:
        """Who began the first session is a."""
        return "a>b" if said.by == self.a else "b>a"


@contextlib.contextmanager
def direct(net: Net, version: int = 4, psk: Secret = NO_PSK) -> Iterator[Conversation]:
    """The two talk directly, over IPv4 or IPv6."""
    static = PrivateKey(os.urandom(32))
    ends = (CLIENT[version], CLIENT_PORT, GATEWAY[version], GATEWAY_PORT)
    with wireguard_go(net, static.public, psk) as gateway, net.client.udp(*ends) as opened:
        gateway.know_client()
        conversation = Conversation(Peer(UdpWire(opened), static, gateway.static.public, psk), gateway)
        conversation.endpoint = (CLIENT[version], CLIENT_PORT)
        yield conversation


@contextlib.contextmanager
def relayed(net: Net, psk: Secret = NO_PSK) -> Iterator[tuple[Conversation, RelayWire, UdpWire]]:
    """The client reaches the gateway through the relay; it may turn to the direct way later."""
    static = PrivateKey(os.urandom(32))
    with contextlib.ExitStack() as stack:
        gateway = stack.enter_context(wireguard_go(net, static.public, psk))
        gateway.know_client()
        stack.enter_context(coturn(net))
        to_relay = stack.enter_context(net.client.udp(CLIENT[4], 0, RELAY[4], TURN_PORT))
        past_it = stack.enter_context(net.client.udp(CLIENT[4], CLIENT_PORT, GATEWAY[4], GATEWAY_PORT))
        turn = RelayWire(to_relay, TURN_USER, TURN_PASSWORD, (GATEWAY[4], GATEWAY_PORT), channels=False)
        conversation = Conversation(Peer(turn, static, gateway.static.public, psk), gateway)
        yield conversation, turn, UdpWire(past_it)


@contextlib.contextmanager
def recorded(
    net: Net, conversation: Conversation, folder: Path, *, at_relay: bool = False, a: str
) -> Iterator[Taken]:
    """Capture on the wire (``at_relay``: on all interfaces there) and inside the gateway's tunnel."""
    taken = Taken(
        conversation.said,
        folder / "wire.pcap",
        folder / "inside.pcap",
        folder / "wire.keys",
        folder / "transport.keys",
        a,
    )
    place, interface = (net.relay, "any") if at_relay else (net.client, net.interface)
    outside = tcpdump(place, interface, taken.wire, "udp")
    inside = tcpdump(net.gateway, net.tag, taken.inside, "not ip6 multicast")
    with outside, inside:
        yield taken
    peer = conversation.peer
    _write_keys(taken.keys, peer.key_log())
    _write_keys(taken.transport_keys, format_keylog(peer.transport_keys()))


def whole_story(talk: Conversation, first: str) -> None:
    """Every message both ways, between other traffic, under four handshakes by either side."""
    begin = {FROM_CLIENT: talk.client_begins, FROM_GATEWAY: talk.gateway_begins}
    second = FROM_GATEWAY if first == FROM_CLIENT else FROM_CLIENT
    begin[first]()
    talk.ping()
    talk.client_assigns("example.com")
    talk.gateway_answers("example.com")
    talk.ping(1)
    begin[first]()
    talk.client_sends(_message("assigned_ips", _assigned("example.net")), padded=False)
    talk.datagram(1232)
    talk.gateway_answers("example.net", "Inactive")
    begin[second]()
    talk.peer.send(b"")
    talk.unknown_kind()
    talk.client_assigns("example.com")
    talk.ping(1200)
    talk.gateway_answers("example.com")
    begin[first]()
    talk.goodbye()
    talk.ping()


def relayed_story(talk: Conversation, turn: RelayWire, past_it: UdpWire) -> None:
    """Send indications, then a channel, then past the relay: the sessions go on."""
    talk.endpoint = turn.allocate()
    talk.client_begins()
    talk.ping()
    talk.client_assigns("example.com")
    turn.bind()
    talk.gateway_answers("example.com")
    talk.unknown_kind()
    talk.gateway_begins()
    talk.ping(1200)
    talk.client_sends(_message("assigned_ips", _assigned("example.net")), padded=False)
    talk.gateway_answers("example.net", "Inactive")
    talk.peer.wire = past_it
    talk.ping(1)
    talk.goodbye()
    turn.release()


def _assigned(domain: str) -> dict[str, Any]:
    return {"resource": RESOURCE, "domain": domain, "proxy_ips": proxy_ips(8, 1)}


def _message(name: str, values: dict[str, Any]) -> bytes:
    kind = kind_by_name(name)
    assert kind is not None
    return encode(kind, values)


def _write_keys(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
