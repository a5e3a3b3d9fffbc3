"""Names of addresses: what is written is read back, and nothing in a name breaks a block."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.pcap.names import pack_names, parse_names

ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str), st.binary(min_size=16, max_size=16).map(lambda raw: str(ip_address(raw)))
)


def read(bodies: list[bytes], order: str = "<") -> list[tuple[str, str]]:
    return [entry for body in bodies for entry in parse_names(body, order)]


@given(st.dictionaries(ADDRESSES, st.from_regex(r"[a-zü.-]{1,40}", fullmatch=True)))
def test_what_is_packed_is_parsed(names: dict[str, str]) -> None:
    bodies = list(pack_names(names))
    assert {ip_address(address): name for address, name in read(bodies)} == {
        ip_address(address): name for address, name in names.items()
    }
    assert all(len(body) % 4 == 0 for body in bodies)


def test_control_characters_are_written_out() -> None:
    bodies = list(pack_names({"192.0.2.1": "a\0b\x1b[31m\nc\x85"}))
    assert read(bodies) == [("192.0.2.1", r"a\x00b\x1b[31m c\x85")]


@given(st.text())
def test_any_name_gives_whole_records(name: str) -> None:
    bodies = list(pack_names({"192.0.2.1": name, "2001:db8::1": "next"}))
    assert read(bodies)[-1] == ("2001:db8::1", "next")
    assert len(read(bodies)) == (2 if name else 1)


def test_a_name_without_a_character_is_left_out() -> None:
    assert list(pack_names({"192.0.2.1": ""})) == []


def test_many_names_are_spread_over_blocks() -> None:
    names = {f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}": f"{n}" * 40 for n in range(20_000)}
    bodies = list(pack_names(names))
    assert len(bodies) > 1
    assert dict(read(bodies)) == names


@pytest.mark.parametrize("address", ["", "300.1.1.1", "example.com", "fe80::1%eth0", "1.2.3.4\0"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="no IP address"):
        list(pack_names({address: "name"}))


def test_of_several_names_the_first_counts_and_other_records_are_passed_over() -> None:
    one = bytes((192, 0, 2, 1)) + b"first\0second\0"
    body = struct.pack(">HH", 1, len(one)) + one + bytes(-len(one) % 4)
    body += struct.pack(">HH", 3, 4) + b"eui!"
    body += struct.pack(">HH", 1, 5) + bytes((192, 0, 2, 2)) + b"x" + bytes(3)
    assert read([body], ">") == [("192.0.2.1", "first"), ("192.0.2.2", "x")]


@given(st.binary(max_size=80), st.sampled_from("<>"))
def test_any_bytes_are_read_as_far_as_they_go(body: bytes, order: str) -> None:
    for address, name in parse_names(body, order):
        ip_address(address)
        assert name


def test_long_names_are_cut() -> None:
    one = bytes((192, 0, 2, 1)) + b"n" * 60_000 + b"\0"
    body = struct.pack("<HH", 1, len(one)) + one + bytes(-len(one) % 4)
    assert read([body]) == [("192.0.2.1", "n" * 1024)]
