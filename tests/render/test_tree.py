"""A message as Wireshark's middle pane shows it."""

from __future__ import annotations

import re
from collections.abc import Callable

from fzctl.protocol.packet import build_packet
from fzctl.records import Exchange, Outer
from fzctl.render.tree import to_tree
from tests.records import assigned, goodbye, harmful, hostile_packets, raw, record, status
from tests.render.test_lines import SCREEN


def test_trees_look_like_this(golden: Callable[[str, str], None]) -> None:
    records = [record(packet, frame) for frame, packet in enumerate(SCREEN, 1)]
    outer = Outer("192.0.2.1:51820", "192.0.2.2:51820", 1, 7)
    records.append(record(assigned(), outer=outer, copy_of=1, file="b.pcap", time=None))
    golden("\n\n".join(map(to_tree, records)) + "\n", "tree.txt")


def test_what_a_receiver_ignores_is_shown() -> None:
    odd = build_packet(
        2, b"", reserved=b"\1\2\3\4\5\6\7", traffic_class=0xAB, flow_label=0xCDEF0, hop_limit=64
    )
    text = to_tree(record(odd))
    for line in ("Traffic class: 0xab", "Flow label: 0xcdef0", "Hop limit: 64", "Reserved: 01020304050607"):
        assert f"        {line}\n" in text


def test_extension_headers_are_counted() -> None:
    plain = goodbye()
    extended = plain[:4] + b"\0\x10\0" + plain[7:40] + b"\xff\0\1\4\0\0\0\0" + plain[40:]
    assert "        Extension headers: 8 bytes\n" in to_tree(record(extended))


def test_a_refused_payload_is_shown_as_text() -> None:
    assert '        Payload text: {"a":\\xff\\x0a}\n' in to_tree(record(raw(0, b'{"a":\xff\n}')))


def test_colours_change_nothing_but_colours() -> None:
    for packet in SCREEN:
        coloured = to_tree(record(packet), colour=True)
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == to_tree(record(packet))


def test_hostile_text_adds_no_line_and_no_escape() -> None:
    plain = to_tree(record(status())).count("\n")
    for packet in hostile_packets():
        text = to_tree(record(packet, file="\x1b\n\u202e"))
        assert not harmful(text)
        assert text.count("\n") <= plain + 1


def test_an_answer_names_its_question() -> None:
    answer = record(status())._replace(exchange=Exchange(1, response_to=7, response_time=3_123_456))
    assert to_tree(answer).endswith("\n    [Answer to frame 7, after 3.12 ms]")
    assert "Answer" not in to_tree(record(status()))
