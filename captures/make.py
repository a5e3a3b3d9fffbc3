"""Make the sample captures, their expected decode and analysis: ``python3 dev.py samples``.

Everything here is invented and fixed, so that a second run writes the same bytes.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

from fzctl.cli.main import main
from fzctl.pcap.capture import open_capture
from fzctl.pcap.writer import open_writer
from fzctl.protocol.codec import encode
from fzctl.protocol.kinds import kind_by_name
from fzctl.protocol.packet import build_packet
from fzctl.protocol.ranges import proxy_ips
from fzctl.records import read_records
from fzctl.render.jsonform import to_jsonl

HERE = Path(__file__).parent
RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
OTHER_RESOURCE = "0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"
CLIENT, GATEWAY = "100.64.0.7", "100.64.0.1"
START = 1_795_351_381_123_456_789  # 2026-11-22T12:43:01.123456789Z
MILLISECOND = 1_000_000
RAW, USER0 = 101, 147


class Packet(NamedTuple):
    """One packet of a sample: milliseconds after the start, bytes, comment, length on the wire."""

    at: int
    data: bytes
    comment: str | None = None
    length: int | None = None


def message(name: str, **values: object) -> bytes:
    """A control packet as a sender emits it."""
    kind = kind_by_name(name)
    assert kind is not None
    return encode(kind, values)


def assigned(domain: str, nth: int = 0, resource: str = RESOURCE) -> bytes:
    """AssignedIps with the proxy IPs of a session's ``nth`` domain."""
    return message("assigned_ips", resource=resource, domain=domain, proxy_ips=proxy_ips(8, nth))


def status(domain: str, text: str, resource: str = RESOURCE) -> bytes:
    """DomainStatus."""
    return message("domain_status", resource=resource, domain=domain, status=text)


def setup() -> Iterator[Packet]:
    """A domain is set up, used and left."""
    query = DNS(id=7, rd=1, qd=DNSQR(qname="gitlab.example.com"))
    yield Packet(0, bytes(IP(src=CLIENT, dst="100.100.111.1") / UDP(sport=53535, dport=53) / query))
    yield Packet(2, assigned("gitlab.example.com"), "the client gave eight proxy IPs to gitlab.example.com")
    yield Packet(39, status("gitlab.example.com", "Active"), "the gateway's NAT is up: packets may flow")
    yield Packet(40, bytes(IP(src=CLIENT, dst="100.96.0.1") / TCP(sport=40000, dport=443, flags="S")))
    yield Packet(62, bytes(IP(src="100.96.0.1", dst=CLIENT) / TCP(sport=443, dport=40000, flags="SA")))
    yield Packet(63, bytes(IP(src=CLIENT, dst="100.96.0.1") / TCP(sport=40000, dport=443, flags="A")))
    echo = IPv6(src="fd00:2021:1111::7", dst="fd00:2021:1111:8000::") / ICMPv6EchoRequest(id=7, seq=1)
    yield Packet(900, bytes(echo))
    yield Packet(61_000, message("goodbye"), "the client shuts down; the gateway forgets its NAT")


def inactive() -> Iterator[Packet]:
    """The answer is lost once, and then it is Inactive."""
    first = assigned("wiki.example.com")
    yield Packet(0, first, "AssignedIps; its answer never comes")
    yield Packet(15, bytes(IP(src=CLIENT, dst="100.96.0.1") / ICMP(id=9, seq=1)), "buffered by a real client")
    yield Packet(2_016, first, "sent again, byte for byte, with the first traffic after 2 s")
    yield Packet(
        12_040, status("wiki.example.com", "Inactive"), "10 s later: the gateway's DNS lookup timed out"
    )
    yield Packet(12_500, bytes(IP(src=CLIENT, dst="100.96.0.1") / ICMP(id=9, seq=2)), "into the void")


def kinds() -> Iterator[Packet]:
    """Every kind of every dialect."""
    yield Packet(0, assigned("app.example.com"), "AssignedIps, four IPv4 and four IPv6")
    four = message(
        "assigned_ips", resource=OTHER_RESOURCE, domain="v4.example.com", proxy_ips=proxy_ips(4, 1)
    )
    yield Packet(1, four, "AssignedIps for a resource with IPv4 only")
    yield Packet(20, status("app.example.com", "Active"), "DomainStatus Active")
    yield Packet(21, status("v4.example.com", "Inactive", OTHER_RESOURCE), "DomainStatus Inactive")
    for protocol, port in (("tcp", 443), ("udp", 53), ("icmp", None)):
        yield Packet(
            100,
            message("no_authorization", dst="10.0.0.1", protocol=protocol, dst_port=port),
            f"next: {protocol}",
        )
    asked = message("request", resource=RESOURCE, domain="old.example.com", proxy_ips=proxy_ips(8, 2))
    yield Packet(200, asked, "seed: Request, the same bytes as AssignedIps")
    yield Packet(
        230, message("response", resource=RESOURCE, domain="old.example.com", code=200), "seed: Response"
    )
    yield Packet(300, build_packet(9, b'{"from":"the future"}'), "a kind that nobody knows yet: ignored")
    yield Packet(310, build_packet(2, b"", reserved=bytes(range(1, 8))), "Goodbye with reserved bytes set")


def refused() -> Iterator[Packet]:
    """One message for each reason for which a receiver refuses what a capture can show."""
    uuid, name = f'"resource":"{RESOURCE}"', '"domain":"example.com"'
    payloads = {
        "bad_json": "{" + uuid + "," + name + ',"status":Active}',
        "trailing_data": "{" + uuid + "," + name + ',"status":"Active"}x',
        "missing_field": "{" + uuid + "," + name + "}",
        "duplicate_field": "{" + uuid + "," + uuid + "," + name + ',"status":"Active"}',
        "wrong_type": "{" + uuid + "," + name + ',"status":null}',
        "wrong_length": f'["{RESOURCE}","example.com"]',
        "bad_uuid": '{"resource":"gitlab",' + name + ',"status":"Active"}',
        "bad_domain": "{" + uuid + ',"domain":"example..com","status":"Active"}',
    }
    whole = status("example.com", "Active")
    cases: list[tuple[str, bytes]] = [
        (reason, build_packet(1, text.encode())) for reason, text in payloads.items()
    ]
    latin = ("{" + uuid + ',"domain":"caf').encode() + b'\xe9","status":"Active"}'
    cases += [
        ("invalid_utf8", build_packet(1, latin)),
        ("bad_ip", build_packet(0, ("{" + uuid + "," + name + ',"proxy_ips":["100.96.0.01"]}').encode())),
        ("bad_value", build_packet(3, b'{"dst":"10.0.0.1","protocol":{"tcp":{"dst_port":70000}}}')),
        ("unknown_variant", build_packet(3, b'{"dst":"10.0.0.1","protocol":"sctp"}')),
        ("unknown_event", build_packet(77, b"")),
        ("too_short", whole[:4] + b"\0\x05" + whole[6:45]),
        ("ip_too_large", build_packet(2, bytes(1233), force=True)),
        ("ip_length_mismatch", whole[:4] + b"\0\xff" + whole[6:]),
        ("ip_fragment", whole[:4] + (len(whole) - 32).to_bytes(2, "big") + b"\x2c" + whole[7:40]
         + bytes.fromhex("ff00000101020304") + whole[40:]),
    ]  # fmt: skip
    for place, (reason, data) in enumerate(cases):
        yield Packet(place * 10, data, reason)
    yield Packet(len(cases) * 10, whole[:96], "truncated: a snap length of 96 bytes", len(whole))


LINKS = {
    "ethernet": (1, bytes.fromhex("0200000000010200000000ff86dd")),
    "vlan": (1, bytes.fromhex("0200000000010200000000ff88a80064810000c886dd")),
    "null": (0, bytes.fromhex("1e000000")),
    "loop": (108, bytes.fromhex("0000001e")),
    "raw": (101, b""),
    "raw12": (12, b""),
    "raw14": (14, b""),
    "ipv6": (229, b""),
    "linux_cooked": (113, bytes.fromhex("0000fffe0000000000000000000086dd")),
    "user0": (147, b""),
    "linux_cooked_v2": (276, bytes.fromhex("86dd000000000003fffe04000000000000000000")),
}


def linked(prefix: bytes, trailer: bytes = b"") -> Iterator[Packet]:
    """The same exchange behind a link header; the extension header must not hide anything."""
    goodbye = message("goodbye")
    extended = goodbye[:4] + b"\0\x10\0" + goodbye[7:40] + bytes.fromhex("ff00010400000000") + goodbye[40:]
    for at, packet in enumerate(
        (assigned("link.example.com"), status("link.example.com", "Active"), extended)
    ):
        yield Packet(at * 20, prefix + packet + trailer)
    yield Packet(
        70, prefix + bytes(IPv6(src="fd00:2021:1111::7", dst="fd00::1") / UDP(sport=1, dport=2) / Raw(b"x"))
    )


def make(folder: Path) -> None:
    """Write all samples into ``folder``."""
    stories = {"setup": setup, "inactive": inactive, "kinds": kinds, "refused": refused}
    for name, story in stories.items():
        write(folder / f"{name}.pcapng", story())
    links = folder / "links"
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir()
    for name, (link_type, prefix) in LINKS.items():
        trailer = b"\0" * 6 if name == "ethernet" else b""
        write(links / f"{name}.pcap", linked(prefix, trailer), link_type)


def write(path: Path, packets: Iterable[Packet], link_type: int = RAW) -> None:
    """Write a capture, and beside it what ``decode -T jsonl`` prints of it."""
    with open_writer(str(path), link_type=link_type) as writer:
        for packet in packets:
            writer.write(
                packet.data, START + packet.at * MILLISECOND, length=packet.length, comment=packet.comment
            )
    with open_capture(str(path), user0_is_ip=link_type == USER0) as capture:
        lines = [to_jsonl(record) + "\n" for record in read_records(capture.candidates())]
    path.with_name(path.name.split(".")[0] + ".jsonl").write_text("".join(lines))


def analysis_path(sample: Path) -> Path:
    """Where the analysis of a sample stands."""
    return sample.with_name(f"{sample.name.split('.')[0]}.analysis.txt")


def analyse(sample: Path) -> str:
    """What ``analyze`` prints of a sample, in its folder and 80 columns wide."""
    keys = sample.with_suffix(".keys")
    options = ["-k", keys.name] if keys.exists() else []
    if sample.stem == "user0":
        options.append("--user0-is-ip")
    printed = io.StringIO()
    with contextlib.chdir(sample.parent), contextlib.redirect_stdout(printed):
        code = main(["--quiet", "analyze", *options, sample.name])
    if code:
        raise SystemExit(f"{sample}: exit code {code}")
    return printed.getvalue()


if __name__ == "__main__":
    make(HERE)
    for sample in sorted(HERE.rglob("*.pcap*")):
        analysis_path(sample).write_text(analyse(sample), encoding="utf-8")
