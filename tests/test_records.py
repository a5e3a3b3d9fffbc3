"""From frames and lines of hex to judged records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.pcap.frame import Candidate
from fzctl.records import Record, read_hex, read_records
from tests.records import TIME, assigned, goodbye, hostile_packets, raw, status


def candidate(data: bytes, *, offset: int = 0, length: int | None = None) -> Candidate:
    return Candidate(4, TIME, 1, data, len(data) if length is None else length, offset, ("ethernet", "ipv6"))


def read_one(found: Candidate, **more: str) -> Record:
    (record,) = read_records([found], **more)
    return record


def test_a_candidate_becomes_a_record_of_its_frame() -> None:
    record = read_one(candidate(b"\0" * 14 + status(), offset=14), file="a.pcap")
    assert (record.frame, record.time, record.path, record.file) == (4, TIME, ("ethernet", "ipv6"), "a.pcap")
    assert record.message.packet == status()
    assert record.message.accepted


def test_a_trailer_behind_the_packet_is_no_part_of_it() -> None:
    assert read_one(candidate(goodbye() + b"\0\0trailer")).message.packet == goodbye()


def test_a_frame_cut_by_the_snap_length_is_truncated_not_malformed() -> None:
    found = read_one(candidate(status()[:-5], length=len(status())))
    assert (found.message.reason, found.message.control) == ("truncated", True)


@pytest.mark.parametrize("size", range(40, 48))
def test_a_message_cut_within_its_header_is_truncated_too(size: int) -> None:
    assert read_one(candidate(goodbye()[:size], length=48)).message.reason == "truncated"


def test_a_packet_that_claims_more_than_there_was_is_malformed() -> None:
    assert read_one(candidate(status()[:-5])).message.reason == "ip_length_mismatch"


def test_what_is_no_control_packet_after_all_is_left_out() -> None:
    other = goodbye()[:8] + b"\xfd" + goodbye()[9:]
    assert list(read_records([candidate(other)])) == []


def test_the_dialect_is_handed_on() -> None:
    assert (
        read_one(candidate(raw(3, '{"dst":"::1","protocol":"icmp"}')), dialect="current").message.reason
        == "unknown_event"
    )


@pytest.mark.parametrize(
    "text",
    [
        goodbye().hex(),
        goodbye().hex().upper(),
        goodbye().hex(" "),
        goodbye().hex(":"),
        "0x" + goodbye().hex(" ").replace(" ", " 0x"),
        goodbye().hex("-") + "  # a comment\n",
        "\t" + goodbye().hex(".", 2) + "\r\n",
    ],
)
def test_hex_is_read_as_people_write_it(text: str) -> None:
    (record,) = read_hex([text])
    assert (record.message.packet, record.line_error, record.time, record.path) == (
        goodbye(),
        None,
        None,
        ("ipv6",),
    )


def test_every_line_but_a_comment_gives_a_record() -> None:
    lines = ["# comment", goodbye().hex(), "", "zz", "45", "  # indented comment", "f", assigned().hex()]
    records = list(read_hex(lines, file="-"))
    assert [(each.frame, each.message.reason, each.line_error) for each in records] == [
        (1, "ok", None),
        (2, "ip_empty", None),
        (3, "ip_empty", "line 4 is not hexadecimal"),
        (4, "ip_malformed", None),
        (5, "ip_empty", "line 7 is not hexadecimal"),
        (6, "ok", None),
    ]
    assert records[2].message.error == "line 4 is not hexadecimal"
    assert {each.file for each in records} == {"-"}


@given(st.lists(st.text()))
def test_any_text_gives_records_and_no_error(lines: list[str]) -> None:
    for record in read_hex(lines):
        assert record.line_error is None or record.message.packet == b""


@given(st.lists(st.binary(max_size=60)))
def test_any_bytes_in_hex_come_back(packets: list[bytes]) -> None:
    assert [each.message.packet for each in read_hex(data.hex() for data in packets)] == packets


@given(st.sampled_from(hostile_packets()), st.data())
def test_any_cut_of_a_message_is_a_record_or_nothing(packet: bytes, data: st.DataObject) -> None:
    size = data.draw(st.integers(40, len(packet)))
    length = data.draw(st.integers(size, len(packet)))
    for record in read_records([candidate(packet[:size], length=length)]):
        assert record.message.packet == packet[:size]
        assert record.message.reason == "truncated" or size in (length, len(packet))
