"""The arbiter: the same expressions in tshark, on its own fields of the same types.

The capture is written here, so that the values of each field in each frame are known without asking
tshark. It knows five frames: a DNS query and its answer, a UDP packet over IPv6, one from an address
to itself, and a DCE/RPC datagram, which has UUIDs.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest

from fzctl.filter import FieldType, FilterError, compile_filter

pytestmark = [pytest.mark.peer("tshark"), pytest.mark.slow]

GUID = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
FIELDS: Mapping[str, FieldType] = {
    "frame.number": FieldType.UINT,
    "udp.port": FieldType.UINT,
    "udp.srcport": FieldType.UINT,
    "udp.dstport": FieldType.UINT,
    "udp.payload": FieldType.BYTES,
    "dns.qry.name": FieldType.STRING,
    "ip.addr": FieldType.IPV4,
    "ip.src": FieldType.IPV4,
    "ipv6.addr": FieldType.IPV6,
    "ip.flags.df": FieldType.BOOLEAN,
    "frame.time_relative": FieldType.TIME,
    "dns.response_to": FieldType.FRAMENUM,
    "dcerpc.dg_act_id": FieldType.GUID,
}
NAME = "GitLab.Example.com"
# In each frame: addresses, ports, payload, "don't fragment".
PACKETS = [
    ("10.0.0.1", "10.0.0.2", 1234, 53, b"", False),
    ("10.0.0.2", "10.0.0.1", 53, 1234, b"", True),
    ("2001:db8::1", "fd00::2", 5000, 9999, b'{"r\xff', False),
    ("100.96.0.1", "100.96.0.1", 4321, 9999, b"\x00\x01\x02", True),
    ("10.0.0.3", "10.0.0.4", 4400, 4401, b"", False),
]

EXPRESSIONS = r"""
udp.port == 53
udp.port != 53
udp.port === 9999
udp.port !== 9999
udp.port ~= 9999
udp.port > 5000
udp.port gt 5000 and udp.port lt 9000
udp.port <= 0x35
udp.port ge 011
udp.port == '5'
any udp.port != 9999
all udp.port > 4000
all udp.port in {4400..4401, 9999}
udp.port in {53, 4400..4401}
udp.port not in {53, 9999}
not udp.port in {53, 9999}
udp.port in {60..50}
udp.srcport == udp.dstport
udp.srcport < udp.dstport
udp.srcport < udp.dstport < udp.port
frame.number == 1 or frame.number == 2 and udp.port == 9999
(frame.number == 1 or frame.number == 2) and udp.port == 9999
not frame.number == 1 and udp.port == 53
!frame.number == 1 || udp.port == 53
!!ip.src && !(udp.port == 53)
frame.number==1||frame.number==3&&udp
udp
dns
not dns
dns.response_to
dns.response_to == 1
dns.response_to != 1
!(dns.response_to != 1)
dns.response_to not in {1}
dns.response_to < frame.number
ip.addr == 10.0.0.1
ip.addr != 10.0.0.1
ip.addr === 100.96.0.1
ip.addr !== 10.0.0.1
!(ip.addr == 10.0.0.1)
ip.addr == 10.0.0.0/8
ip.addr != 100.96.0.0/11
ip.addr > 10.0.0.2/31
ip.addr > 10.0.0.2
ip.addr <= 10.0.0.3
ip.addr in {10.0.0.2..10.0.0.3, 100.96.0.0/11}
ip.src == ip.addr
ip.src === ip.addr
ip.src != ip.addr
ip.src[0:2] == 64:60
ipv6.addr == 2001:db8::1
ipv6.addr == 2001:0DB8:0:0:0:0:0:1
ipv6.addr == fd00::/8
ipv6.addr != fd00::/8
ipv6.addr > 2001:db8::1
ipv6.addr in {2001:db8::..2001:db8::f}
ipv6.addr[-1:] == 02
udp.payload == 7b:22:72:ff
udp.payload == 7b2272ff
udp.payload contains 22.72
udp.payload contains "\"r"
udp.payload contains 0x7b
udp.payload contains '{'
udp.payload matches "\xff$"
udp.payload matches r"^\{.r"
udp.payload[0:3] > 7b:22:71
udp.payload[0:2] < 7b:23
udp.payload[0] == 7b
udp.payload[1-2] == "\"r"
udp.payload[-2:] == 1-2
udp.payload[0,2-3] == 7b:72:ff
udp.payload[0,900] == 7b
udp.payload[3]
udp.payload[900]
udp.payload[900] == ""
udp.payload[2:900] != 00
dns.qry.name == "GitLab.Example.com"
dns.qry.name == GitLab.Example.com
dns.qry.name == "gitlab.example.com"
dns.qry.name contains "Lab"
dns.qry.name contains lab
dns.qry.name contains 'L'
dns.qry.name contains "\x4c\141b"
dns.qry.name matches "gitlab"
dns.qry.name ~ "(?-i)gitlab"
dns.qry.name matches r"^\w+\.example\.(com|org)$"
dns.qry.name matches "^([a-z]+\\.)+com$"
dns.qry.name > "GitHub"
dns.qry.name in {"x", "GitLab.Example.com"}
dns.qry.name in {"G".."H"}
dns.qry.name[0:3] == "Git"
dns.qry.name[0] == 0x47
dns.qry.name[-3:] == 63:6f:6d
dns.qry.name[:3] matches "GIT"
len(dns.qry.name) == 18
len(udp.payload) == 4
lower(dns.qry.name) == "gitlab.example.com"
upper(dns.qry.name) contains "LAB"
count(udp.port) == 2
count(dns.qry.name) == 0
string(frame.number) matches "[13]$"
string(ip.src) contains "96"
string(ipv6.addr) == "2001:db8::1"
string(dcerpc.dg_act_id) contains "41dc"
ip.flags.df
ip.flags.df == 1
ip.flags.df != 0
ip.flags.df == 7
ip.flags.df in {0, 1}
ip.flags.df < 1
frame.time_relative == 0.25
frame.time_relative > 0.25
frame.time_relative < -1
frame.time_relative in {0.2..1.5}
frame.time_relative >= 1.500000000
dcerpc.dg_act_id == 6B7188F5-00ac-41dc-9ddd-57e2384f31ef
dcerpc.dg_act_id != 6b7188f5-00ac-41dc-9ddd-57e2384f31ef
dcerpc.dg_act_id > 6b7188f4-ffff-ffff-ffff-ffffffffffff
dcerpc.dg_act_id in {6b7188f5-00ac-41dc-9ddd-57e2384f31ef}
""".strip().splitlines()

REFUSED = r"""
udp.port = 53
udp.port == "53"
udp.port == abc
udp.port == 08
udp.port == 1.0
udp.port == 'ab'
udp.port == 53 and
and udp.port
()
(udp.port == 53
udp.port == 53)
(udp.port) == 53
udp.port udp.port
udp.port AND udp.port
udp.port in {}
udp.port in {53 54}
udp.port in {53,}
udp.port contains 53
udp.port matches "5"
udp.port[0] == 5
all udp.port
len(udp.port, udp.port) == 1
len() == 1
len(udp.payload)
LEN(udp.payload) == 1
UDP.PORT == 1
nonsense.field
ip.addr == 300.1.1.1
ip.addr == "10.0.0.1"
ip.addr == 10.0.0.0/33
ip.addr == ipv6.addr
ip.addr contains 0a
ipv6.addr == ::/129
udp.payload contains xyz
udp.payload == 0x7b22
udp.payload[0:0] == 00
udp.payload[3-1] == 00
dns.qry.name matches GitLab
dns.qry.name matches "("
dns.qry.name == "a\q"
dns.qry.name == "abc
dns.qry.name contains udp.payload
lower(udp.port) == "1"
string(dns.qry.name) == "x"
dcerpc.dg_act_id == 6b7188f5
dcerpc.dg_act_id contains 6b:71
ip.flags.df == yes
frame.time_relative == abc
frame.time_relative == 1.0000000001
""".strip().splitlines()


# A process for each expression would take a minute: one tells them all, by a listener for each.
LISTENERS = """\
local number = Field.new("frame.number")
for index, expression in ipairs({%s}) do
  local taken, listener = pcall(Listener.new, "frame", expression)
  print(index, taken and "taken" or "refused")
  if taken then
    function listener.packet() print(index, number().value) end
  end
end
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int] | None]:
    """The frames that tshark picks by each expression; None where it refuses the expression."""
    folder = tmp_path_factory.mktemp("tshark")
    asked = [*EXPRESSIONS, *REFUSED]
    script, capture = folder / "ask.lua", folder / "five.pcap"
    write_capture(capture)
    script.write_text(LISTENERS % ", ".join(f"[==[{each}]==]" for each in asked))
    command = ["tshark", "-n", "-Q", "-X", f"lua_script:{script}", "-r", str(capture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    picked: dict[str, list[int] | None] = {}
    for line in done.stdout.splitlines():
        index, said = line.split("\t")
        expression = asked[int(index) - 1]
        if said.isdigit():
            cast(list[int], picked[expression]).append(int(said))
        else:
            picked[expression] = [] if said == "taken" else None
    return picked


def test_expressions_pick_the_frames_that_tshark_picks(answers: Mapping[str, list[int] | None]) -> None:
    expected = {expression: answers[expression] for expression in EXPRESSIONS}
    assert {expression: picked(expression) for expression in EXPRESSIONS} == expected


def test_what_tshark_refuses_is_refused(answers: Mapping[str, list[int] | None]) -> None:
    for expression in REFUSED:
        assert answers[expression] is None, f"tshark takes {expression}"
        with pytest.raises(FilterError):
            compile_filter(expression, FIELDS)


def picked(expression: str) -> list[int]:
    matches = compile_filter(expression, FIELDS)
    return [number for number, values in enumerate(frames(), 1) if matches(partial(look_up, values))]


def look_up(values: Mapping[str, Sequence[object]], name: str) -> Sequence[object]:
    return values.get(name, ())


# --- the capture, and what each frame of it holds -----------------------------------------------------


def frames() -> Iterator[dict[str, Sequence[object]]]:
    for number, (source, target, source_port, target_port, _, unfragmented) in enumerate(PACKETS, 1):
        values: dict[str, Sequence[object]] = {
            "frame.number": [number],
            "frame.time_relative": [(number - 1) * 0.25],
            "udp.port": [source_port, target_port],
            "udp.srcport": [source_port],
            "udp.dstport": [target_port],
            "udp.payload": [payload(number)],
        }
        if ":" in source:
            values["ipv6.addr"] = [source, target]
        else:
            values |= {"ip.addr": [source, target], "ip.src": [source], "ip.flags.df": [unfragmented]}
        if number <= 2:
            values["dns.qry.name"] = [NAME]
        if number == 2:
            values["dns.response_to"] = [1]
        if number == 5:
            values["dcerpc.dg_act_id"] = [GUID]
        yield values


def payload(number: int) -> bytes:
    if number <= 2:
        labels = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split("."))
        flags = 0x0100 if number == 1 else 0x8180
        return struct.pack(">6H", 7, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    if number == 5:
        identity = UUID(GUID).bytes_le
        head = struct.pack("<4B3sB", 4, 0, 0x20, 0, b"\x10\x00\x00", 0)
        return head + identity * 3 + struct.pack("<3I5H2B", 0, 1, 0, 0, 0xFFFF, 0xFFFF, 0, 0, 0, 0)
    return PACKETS[number - 1][4]


def write_capture(path: Path) -> None:
    """Raw IP (link type 101), a quarter of a second between the frames."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for number, (source, target, source_port, target_port, _, unfragmented) in enumerate(PACKETS, 1):
        content = payload(number)
        udp = struct.pack(">4H", source_port, target_port, 8 + len(content), 0) + content
        addresses = ip_address(source).packed + ip_address(target).packed
        if ":" in source:
            head = struct.pack(">IHBB", 6 << 28, len(udp), 17, 64)
        else:
            head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), number, unfragmented << 14, 64, 17, 0)
        packet = head + addresses + udp
        seconds, quarters = divmod(number - 1, 4)
        parts.append(
            struct.pack("<4I", 1000 + seconds, quarters * 250_000, len(packet), len(packet)) + packet
        )
    path.write_bytes(b"".join(parts))
