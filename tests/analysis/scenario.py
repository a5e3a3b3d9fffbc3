"""Records of made-up tunnels, told line by line."""

from __future__ import annotations

import struct
from typing import Any

from fzctl.analysis.analyzer import Analyzer, analyze
from fzctl.analysis.story import Connection, Domain, Story
from fzctl.protocol.codec import decode, encode
from fzctl.protocol.kinds import kind_by_name
from fzctl.protocol.ranges import proxy_ips
from fzctl.records import Outer, Record
from fzctl.wireguard.decryptor import Decryptor
from tests.wireguard.lab import A_ADDRESS, B_ADDRESS, CONTROL, IPV4_PACKET, shake_hands

WEB = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
NET = "0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"
START = 1_790_000_000_000_000_000
SECOND = 10**9
CLIENT_END, GATEWAY_END = "192.0.2.1:51820", "198.51.100.2:51820"


def message(name: str, **values: object) -> bytes:
    kind = kind_by_name(name)
    assert kind is not None
    return encode(kind, values, force=True)


class Scene:
    """Collects records; ``at`` is in seconds. In a tunnel where a session is given, else in plain."""

    def __init__(self, session: int | None = None, file: str | None = None) -> None:
        self.records: list[Record] = []
        self.session = session
        self.file = file
        self.ends = CLIENT_END, GATEWAY_END
        self.counters = {"a>b": 0, "b>a": 0}

    def ask(
        self,
        at: float,
        domain: str = "a.example",
        number: int = 0,
        *,
        resource: str = WEB,
        ips: list[str] | None = None,
        **more: Any,
    ) -> Record:
        addresses = proxy_ips(8, number) if ips is None else ips
        packet = message("assigned_ips", resource=resource, domain=domain, proxy_ips=addresses)
        return self.add(at, packet, "a>b", **more)

    def answer(
        self,
        at: float,
        domain: str = "a.example",
        status: str = "Active",
        *,
        resource: str = WEB,
        **more: Any,
    ) -> Record:
        packet = message("domain_status", resource=resource, domain=domain, status=status)
        return self.add(at, packet, more.pop("direction", "b>a"), **more)

    def goodbye(self, at: float, direction: str = "a>b", **more: Any) -> Record:
        return self.add(at, message("goodbye"), direction, **more)

    def add(self, at: float, packet: bytes, direction: str, **more: Any) -> Record:
        session = more.pop("session", self.session)
        outer = None
        if session is not None:
            ends = self.ends if direction == "a>b" else self.ends[::-1]
            outer = Outer(*ends, session, more.pop("counter", self.counters[direction]))
            self.counters[direction] += 1
        record = Record(
            len(self.records) + 1, START + round(at * SECOND), decode(packet), ("raw", "ipv6"), outer,
            None if outer is None else direction, file=self.file, **more,
        )  # fmt: skip
        self.records.append(record)
        return record

    def story(self, **options: Any) -> Story:
        return analyze(self.records, **options)

    def fed(self, **options: Any) -> Analyzer:
        analyzer = Analyzer(**options)
        for record in self.records:
            analyzer.record(record)
        return analyzer


def rule_ids(story: Story) -> list[str]:
    return [finding.rule.id for finding in story.findings]


def only_connection(story: Story) -> Connection:
    [connection] = story.connections
    return connection


def only_domain(story: Story) -> Domain:
    [domain] = only_connection(story).domains
    return domain


def udp(source: str, destination: str, size: int = 60) -> bytes:
    """An IPv4 packet of UDP, all of it."""
    header = struct.pack(
        ">BBHHHBBH4s4s",
        0x45,
        0,
        size,
        0,
        0,
        64,
        17,
        0,
        *(bytes(map(int, each.split("."))) for each in (source, destination)),
    )
    return header + struct.pack(">HHHH", 4000, 53, size - 20, 0) + bytes(size - 28)


def two_sessions() -> Decryptor:
    """Two handshakes, a packet each way in the first, and an initiation that nobody answers."""
    decryptor = Decryptor()
    for start in (1, 11):
        lab = shake_hands()
        decryptor.add(lab.initiator_log())
        decryptor.feed(lab.initiation, A_ADDRESS, B_ADDRESS, start)
        decryptor.feed(lab.response, B_ADDRESS, A_ADDRESS, start + 1)
        if start == 1:
            decryptor.feed(lab.to_responder(0, CONTROL), A_ADDRESS, B_ADDRESS, 3)
            decryptor.feed(lab.to_initiator(0, IPV4_PACKET), B_ADDRESS, A_ADDRESS, 4)
            decryptor.feed(lab.to_initiator(1, b""), B_ADDRESS, A_ADDRESS, 5)
    decryptor.feed(shake_hands().initiation, A_ADDRESS, B_ADDRESS, 30)
    return decryptor
