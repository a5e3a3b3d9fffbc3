"""The dissector's own doings: experts, ranges of bytes, exchanges, names, preferences, numbers."""

from __future__ import annotations

import json
import random
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import pytest

from fzctl.pcap.capture import open_capture
from fzctl.pcap.writer import open_writer
from fzctl.protocol.codec import decode
from fzctl.protocol.reasons import REASONS
from tests.records import RESOURCE, assigned, goodbye, raw, status
from tests.wireshark.tsharks import Reader

Columns = Callable[..., list[list[str]]]

ROOT: Final = Path(__file__).parents[2]
REFUSED: Final = ROOT / "captures" / "refused.pcapng"
RELAYED: Final = ROOT / "captures" / "encrypted" / "relayed.pcap"
RELAYED_KEYS: Final = RELAYED.with_suffix(".keys")
SECOND: Final = 1_000_000_000
BEGIN: Final = 1_795_351_381 * SECOND

pytestmark = pytest.mark.peer("tshark")


def capture_of(path: Path, packets: Iterable[tuple[float, bytes]]) -> Path:
    """Raw IP packets with their seconds since the first."""
    with open_writer(path) as writer:
        for seconds, packet in packets:
            writer.write(packet, BEGIN + round(seconds * SECOND))
    return path


def udp4(source: str, target: str, payload: bytes = b"hello") -> bytes:
    ends = b"".join(bytes(map(int, address.split("."))) for address in (source, target))
    size = 8 + len(payload)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, 17, 0) + ends
    return ip + struct.pack(">HHHH", 40000, 9999, size, 0) + payload


# --- where a message is ------------------------------------------------------------------------------

HEADERS_FULL_OF_ZEROS: Final = {
    "flow label": "60126a02 0010 2c01" + "00" * 32 + "0000000000000007 ff00010400000000",
    "length": "60000000 0068 0040" + "00" * 32 + "00" * 8 + "ff00010400000000",
    "traffic class": "60600000 0018 8c00" + "00" * 32 + "0000800000000000 ff01010c000000000000000000000000",
}


@pytest.mark.parametrize("header", HEADERS_FULL_OF_ZEROS.values(), ids=HEADERS_FULL_OF_ZEROS)
def test_a_byte_of_the_header_before_zeros_is_not_taken_for_another_headers_beginning(
    columns: Columns, header: str, tmp_path: Path
) -> None:
    packet = bytes.fromhex(header) + goodbye()[40:]
    packet += bytes(40 + 0x68 - len(packet)) if header.startswith("60000000") else b""
    packet = packet[:4] + (len(packet) - 40).to_bytes(2, "big") + packet[6:]
    assert decode(packet).accepted
    capture = capture_of(tmp_path / "a.pcap", [(0, packet)])
    assert columns(capture, ["fzp2p.kind", "fzp2p.reason"], "-Y", "fzp2p.kind") == [["2", "ok"]]


# --- experts -----------------------------------------------------------------------------------------

ADDRESSES: Final = [f"100.96.0.{number}" for number in range(1, 5)]
IPV6: Final = [f"fd00:2021:1111:8000::{number or ''}" for number in range(4)]


def assigned_with(domain: str, addresses: list[str], **more: str) -> bytes:
    return raw(0, {"resource": RESOURCE, "domain": domain, "proxy_ips": addresses, **more})


UNUSUAL: Final = {
    "reserved_bytes": raw(2)[:41] + b"\x01" + raw(2)[42:],
    "size": assigned_with("example.com", [*ADDRESSES, *IPV6], more="x" * 400),
    "unknown_status": raw(1, {"resource": RESOURCE, "domain": "example.com", "status": "Working"}),
    "unused_payload": raw(2, b"bye"),
    "outside_ranges": assigned("example.com", "100.96.0.1", "100.64.0.1", "100.96.0.3", "100.96.0.4"),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_has_an_expert_item(columns: Columns, name: str, tmp_path: Path) -> None:
    capture = capture_of(tmp_path / "a.pcap", [(0, assigned()), (1, UNUSUAL[name])])
    field = f"fzp2p.expert.{name}"
    found = columns(capture, ["frame.number", "fzp2p.accepted", "_ws.expert.severity"], "-Y", field)
    assert [(frame, accepted) for frame, accepted, _ in found] == [("2", found[0][1])]
    assert found[0][1] in ("1", "True")
    assert columns(capture, ["frame.number"], "-Y", field, "-o", "fzp2p.experts:FALSE") == []


def test_the_usual_message_has_none(columns: Columns, tmp_path: Path) -> None:
    packets = [assigned(), assigned("a.b", *ADDRESSES, *IPV6), status(), status(text="Inactive"), goodbye()]
    capture = capture_of(tmp_path / "a.pcap", enumerate(packets))
    assert columns(capture, ["frame.number"], "-Y", "_ws.expert") == []


def test_each_refusal_of_the_sample_has_its_expert_item(columns: Columns) -> None:
    found = columns(REFUSED, ["frame.number", "fzp2p.reason"], "-Y", "fzp2p.accepted == 0")
    assert len(found) == 18
    for frame, reason in found:
        assert reason in REASONS
        shown = columns(REFUSED, ["frame.number"], "-Y", f"fzp2p.expert.{reason} && frame.number == {frame}")
        assert shown == [[frame]]


# --- ranges of bytes ---------------------------------------------------------------------------------


def test_a_field_selects_its_bytes(reader: Reader, tmp_path: Path) -> None:
    packet = assigned("example.com", *ADDRESSES, *IPV6)
    done = reader.read(capture_of(tmp_path / "a.pcap", [(0, packet)]), "-T", "pdml")
    spans: dict[str, list[bytes]] = {}
    for field in ET.fromstring(done.stdout).iter("field"):
        start, size = int(field.get("pos", "0")), int(field.get("size", "0"))
        spans.setdefault(field.get("name", ""), []).append(packet[start : start + size])
    assert spans["fzp2p.kind"] == [packet[40:41]]
    assert spans["fzp2p.reserved"] == [packet[41:48]]
    assert spans["fzp2p.payload"] == [packet[48:]]
    assert spans["fzp2p.domain"] == [b'"example.com"']
    assert spans["fzp2p.resource_text"] == [f'"{RESOURCE}"'.encode()]
    assert spans["fzp2p.proxy_ipv4"] == [f'"{each}"'.encode() for each in ADDRESSES]
    assert spans["fzp2p.proxy_ipv6"] == [f'"{each}"'.encode() for each in IPV6]


# --- exchanges ---------------------------------------------------------------------------------------

STORY: Final = (
    (0.0, assigned("a.example.com")),
    (2.5, assigned("a.example.com")),
    (2.75, status("A.example.com.")),
    (2.75, status("b.example.com")),
    (3.0, status("a.example.com")),
    (9.0, assigned("a.example.com")),
)
PLACES: Final = ["frame.number", "fzp2p.exchange", "fzp2p.response_to", "fzp2p.retransmission_of"]


def test_one_pass_tells_what_came_before(columns: Columns, tmp_path: Path) -> None:
    capture = capture_of(tmp_path / "a.pcap", STORY)
    found = columns(capture, [*PLACES, "fzp2p.response_time", "fzp2p.response_in"])
    assert found == [
        ["1", "1", "", "", "", ""],
        ["2", "1", "", "1", "", ""],
        ["3", "1", "1", "", "2.750000000", ""],
        ["4", "", "", "", "", ""],
        ["5", "1", "1", "", "3.000000000", ""],
        ["6", "2", "", "", "", ""],
    ]


def test_two_passes_tell_what_comes_after(columns: Columns, tmp_path: Path) -> None:
    capture = capture_of(tmp_path / "a.pcap", STORY)
    found = columns(capture, ["frame.number", "fzp2p.response_in"], "-2", "-Y", "fzp2p.response_in")
    assert found == [["1", "3"], ["2", "3"]]


def test_a_question_is_looked_for_by_being_unanswered(columns: Columns, tmp_path: Path) -> None:
    capture = capture_of(tmp_path / "a.pcap", STORY)
    wanted = "fzp2p.kind == 0 && !fzp2p.response_in"
    assert columns(capture, ["frame.number"], "-2", "-Y", wanted) == [["6"]]


# --- names of proxy IPs ------------------------------------------------------------------------------

LIFE: Final = (
    (0, udp4("100.64.0.1", "100.96.0.2")),
    (1, assigned("gitlab.example.com")),
    (2, udp4("100.64.0.1", "100.96.0.2")),
    (3, udp4("100.96.0.3", "100.64.0.1")),
    (4, udp4("100.64.0.1", "100.96.0.9")),
    (5, assigned("wiki.example.com")),
    (6, udp4("100.64.0.1", "100.96.0.2")),
    (7, udp4("10.0.0.1", "192.0.2.7")),
)
NAMED: Final = [["3", "gitlab.example.com"], ["4", "gitlab.example.com"], ["7", "wiki.example.com"]]


@pytest.mark.parametrize("options", [(), ("-2",)], ids=["one pass", "two"])
def test_traffic_of_proxy_ips_carries_the_domain_of_its_time(
    columns: Columns, options: tuple[str, ...], tmp_path: Path
) -> None:
    capture = capture_of(tmp_path / "a.pcap", LIFE)
    names = ["frame.number", "fzp2p.nat.domain"]
    assert columns(capture, names, "-Y", "fzp2p.nat.domain && !fzp2p", *options) == NAMED
    assert columns(capture, names, "-Y", "fzp2p.nat.domain", "-o", "fzp2p.names:FALSE") == []


def test_names_that_wireshark_gives_to_addresses_change_nothing(reader: Reader, tmp_path: Path) -> None:
    """One of them even poses as an address that has a domain."""
    capture = tmp_path / "a.pcapng"
    with open_writer(capture) as writer:
        writer.write_names({"100.96.0.2": "gitlab.example.com", "100.96.0.3": "gitlab.example.com"})
        writer.write_names({"192.0.2.7": "100.96.0.2"})
        for seconds, packet in LIFE:
            writer.write(packet, BEGIN + seconds * SECOND)
    fields = ["-T", "fields", "-e", "frame.number", "-e", "fzp2p.nat.domain"]
    with reader.tshark.placed(capture) as inside:
        script = f"lua_script:{reader.tshark.place(ROOT / 'dissectors' / 'fzctl.lua')}"
        done = reader.tshark.run(
            "-N", "nd", "-X", script, "-r", inside, "-Y", "fzp2p.nat.domain && !fzp2p", *fields
        )
    assert [line.split("\t") for line in done.stdout.decode().splitlines()] == NAMED


@pytest.mark.parametrize("options", [(), ("-2",)], ids=["one pass", "two"])
def test_of_many_addresses_that_change_hands_each_has_the_domain_of_its_time(
    reader: Reader, options: tuple[str, ...], tmp_path: Path
) -> None:
    choose = random.Random(7)
    pool = [f"100.{96 + number % 32}.{number * 37 % 256}.{number % 251}" for number in range(300)]
    owners: dict[str, str] = {}
    expected = []
    capture = tmp_path / "a.pcapng"
    with open_writer(capture) as writer:
        writer.write_names(dict.fromkeys(pool, "same.example.com"))
        for number in range(400):
            domain, addresses = f"d{number}.example.com", choose.sample(pool[: number + 8], 4)
            writer.write(assigned_with(domain, addresses), BEGIN + number * SECOND)
            owners.update(dict.fromkeys(addresses, domain))
            target = choose.choice(list(owners))
            writer.write(udp4("10.0.0.1", target), BEGIN + number * SECOND)
            expected.append([str(2 * number + 2), owners[target]])
    fields = ["-T", "fields", "-e", "frame.number", "-e", "fzp2p.nat.domain"]
    with reader.tshark.placed(capture) as inside:
        script = f"lua_script:{reader.tshark.place(ROOT / 'dissectors' / 'fzctl.lua')}"
        done = reader.tshark.run("-N", "nd", "-X", script, "-r", inside, "-Y", "!fzp2p", *options, *fields)
    assert [line.split("\t") for line in done.stdout.decode().splitlines()] == expected


def test_addresses_outside_the_resource_ranges_have_names_too(columns: Columns, tmp_path: Path) -> None:
    packets = [assigned_with("odd.example.com", ["10.9.8.7"]), udp4("10.0.0.1", "10.9.8.7")]
    capture = capture_of(tmp_path / "a.pcap", enumerate(packets))
    found = columns(capture, ["fzp2p.nat.domain"], "-Y", 'fzp2p.nat.domain == "odd.example.com"')
    assert found == [["odd.example.com"]]


# --- preferences -------------------------------------------------------------------------------------


def test_the_dialect_is_a_preference(columns: Columns, tmp_path: Path) -> None:
    seed = raw(1, {"resource": RESOURCE, "domain": "example.com", "code": 200})
    capture = capture_of(tmp_path / "a.pcap", [(0, seed)])
    names = ["fzp2p.dialect", "fzp2p.reason"]
    assert columns(capture, names) == [["seed", "ok"]]
    assert columns(capture, names, "-o", "fzp2p.dialect:current") == [["current", "missing_field"]]


def in_turn_on(ports: dict[int, int], path: Path, *, with_exchange: bool) -> Path:
    """The relayed sample with its relay on another port; ``with_exchange``: with STUN's requests, too."""
    with open_capture(RELAYED) as source, open_writer(path, 276) as writer:
        for frame in source.frames():
            data, udp = bytearray(frame.data), 20 + 20
            for at in (udp, udp + 2):
                port = int.from_bytes(data[at : at + 2], "big")
                data[at : at + 2] = ports.get(port, port).to_bytes(2, "big")
            is_stun = data[udp + 12 : udp + 16] == bytes.fromhex("2112a442")
            is_bare = 51820 in struct.unpack_from(">HH", data, udp)
            if not is_bare and (with_exchange or not is_stun):
                writer.write(bytes(data), frame.time)
    return path


def test_turn_is_found_on_its_port_beside_an_exchange_and_where_a_preference_says_so(
    columns: Columns, tmp_path: Path
) -> None:
    def messages(ports: dict[int, int], *options: str, with_exchange: bool = False) -> int:
        capture = in_turn_on(ports, tmp_path / "a.pcap", with_exchange=with_exchange)
        return len(columns(capture, ["frame.number"], "-Y", "fzp2p", *options, keys=RELAYED_KEYS))

    everything = messages({}, with_exchange=True)
    assert everything == 6
    assert messages({3478: 5999}, with_exchange=True) == everything
    assert messages({3478: 5999}) == 0
    assert messages({3478: 5999}, "-o", "fzp2p.udp_ports:5998-5999,7000") == messages({})
    assert messages({}, "-o", "fzp2p.turn:FALSE", with_exchange=True) == 0


def test_the_bare_leg_needs_no_preference(columns: Columns) -> None:
    found = columns(RELAYED, ["frame.number"], "-Y", "fzp2p", "-o", "fzp2p.turn:FALSE", keys=RELAYED_KEYS)
    assert 0 < len(found) < len(columns(RELAYED, ["frame.number"], "-Y", "fzp2p", keys=RELAYED_KEYS))


# --- numbers -----------------------------------------------------------------------------------------


def test_numbers_are_printed_on_request(reader: Reader, tmp_path: Path) -> None:
    packets = [*STORY, (10, raw(9)), (11, raw(0, "{"))]
    capture = capture_of(tmp_path / "a.pcap", packets)
    quiet = reader.read(capture, "-q")
    assert quiet.stdout == b""
    text = reader.read(capture, "-q", "-o", "fzp2p.numbers:TRUE").stdout.decode()
    assert text.splitlines() == [
        "Firezone control messages: 8, repeated: 1",
        "Kinds",
        "  AssignedIps                 4",
        "  DomainStatus                3",
        "  kind 9                      1",
        "Refused",
        "  bad_json                    1",
        "  unknown_event               1",
        "Response times (ms)",
        "  answers 2, least 2750.000, median 2750.000, most 3000.000",
        "",
    ]


def test_numbers_count_what_a_filter_leaves(reader: Reader, tmp_path: Path) -> None:
    capture = capture_of(tmp_path / "a.pcap", STORY)
    filtered = reader.read(capture, "-q", "-2", "-R", "fzp2p.kind == 1", "-o", "fzp2p.numbers:TRUE")
    assert "Firezone control messages: 3" in filtered.stdout.decode()


def test_the_info_column_says_what_a_message_says(columns: Columns, tmp_path: Path) -> None:
    packets = [assigned(), status(text="Inactive"), goodbye(), raw(9), raw(0, json.dumps([1]))]
    capture = capture_of(tmp_path / "a.pcap", enumerate(packets))
    assert [info for (info,) in columns(capture, ["_ws.col.Info"])] == [
        "AssignedIps example.com (4 addresses)",
        "DomainStatus example.com Inactive",
        "Goodbye",
        "unknown kind 9 [refused: unknown_event]",
        "AssignedIps [refused: wrong_type]",
    ]
