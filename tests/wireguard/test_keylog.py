"""Key logs: Wireshark's lines in every shape, and warnings that give no key away."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard.keylog import (
    KINDS,
    LOCAL_EPHEMERAL,
    LOCAL_STATIC,
    MOST_LINES,
    PRESHARED,
    REMOTE_STATIC,
    TRANSPORT_KEY,
    Entry,
    KeyLog,
    format_keylog,
    handshake_entries,
    parse_keylog,
)
from fzctl.wireguard.keys import Secret
from tests.wireguard.lab import DATA

KEYS = [bytes((number,)) * 32 for number in (1, 2, 3, 4)]
TEXTS = [base64.b64encode(key).decode() for key in KEYS]


def found(text: str | bytes) -> list[tuple[str, bytes, int | None]]:
    return [(entry.kind, entry.key.raw, entry.receiver) for entry in parse_keylog(text, "k").entries]


def warnings(text: str) -> list[tuple[int, str]]:
    return [(warning.line, warning.text) for warning in parse_keylog(text, "k").warnings]


def test_wiresharks_four_kinds() -> None:
    kinds = (LOCAL_STATIC, REMOTE_STATIC, LOCAL_EPHEMERAL, PRESHARED)
    text = "".join(f"{kind}={key}\n" for kind, key in zip(kinds, TEXTS, strict=True))
    assert found(text) == [(kind, key, None) for kind, key in zip(kinds, KEYS, strict=True)]
    assert warnings(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "LOCAL_STATIC_PRIVATE_KEY={}",
        "LOCAL_STATIC_PRIVATE_KEY = {}",
        "  LOCAL_STATIC_PRIVATE_KEY   =   {}   ",
        "\tLOCAL_STATIC_PRIVATE_KEY\t=\t{}\t",
        "LOCAL_STATIC_PRIVATE_KEY = {}\r",
        "LOCAL_STATIC_PRIVATE_KEY = {}  # the laptop",
        "LOCAL_STATIC_PRIVATE_KEY = {} ; the laptop",
        "# a comment\n; another\n\n   \n  # more\r\nLOCAL_STATIC_PRIVATE_KEY = {}",
        "\ufeffLOCAL_STATIC_PRIVATE_KEY = {}",
    ],
)
def test_spaces_line_ends_and_comments_do_not_matter(line: str) -> None:
    for text in (line.format(TEXTS[0]), line.format(TEXTS[0]) + "\n", line.format(TEXTS[0]).encode()):
        assert found(text) == [(LOCAL_STATIC, KEYS[0], None)]
        assert parse_keylog(text, "k").warnings == ()


@pytest.mark.parametrize("index", ["0xF231BBE2", "F231BBE2", "f231bbe2", "0Xf231bbe2"])
def test_a_transport_key_has_the_index_that_wireshark_shows(index: str) -> None:
    assert found(f"TRANSPORT_KEY = {index}  {TEXTS[0]}") == [(TRANSPORT_KEY, KEYS[0], 0xF231BBE2)]


def test_a_preshared_key_belongs_to_the_ephemeral_key_before_it() -> None:
    first, second = (f"LOCAL_EPHEMERAL_PRIVATE_KEY={key}\n" for key in TEXTS[:2])
    psk = f"PRESHARED_KEY={TEXTS[2]}\n"
    static = f"LOCAL_STATIC_PRIVATE_KEY={TEXTS[3]}\n"
    log = parse_keylog(first + second + static + psk, "k")
    assert {owner.line: entry.line for owner, entry in log.psk_of().items()} == {2: 4}
    assert log.warnings == ()


@pytest.mark.parametrize(
    ("order", "line"),
    [("pe", 1), ("spe", 2), ("epp", 3), ("eppe", 3)],
)
def test_a_preshared_key_that_wireshark_ignores_is_kept_and_warned_of(order: str, line: int) -> None:
    kinds = {"p": PRESHARED, "e": LOCAL_EPHEMERAL, "s": LOCAL_STATIC}
    text = "".join(f"{kinds[letter]} = {TEXTS[0]}\n" for letter in order)
    assert len(found(text)) == len(order)
    assert len(parse_keylog(text, "keys.txt").psk_of()) == order.count("ep")
    ((number, words),) = warnings(text)
    assert number == line
    assert "Wireshark ignores it" in words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"PRIVATE_KEY = {TEXTS[0]}", "PRIVATE_KEY is no kind of key"),
        (f"local_static_private_key = {TEXTS[0]}", "no line of a key log"),
        ("LOCAL_STATIC_PRIVATE_KEY", "LOCAL_STATIC_PRIVATE_KEY has no ="),
        ("LOCAL_STATIC_PRIVATE_KEY =", "not 32 bytes in base64"),
        (f"LOCAL_STATIC_PRIVATE_KEY = {TEXTS[0][:-2]}", "not 32 bytes in base64"),
        (f"LOCAL_STATIC_PRIVATE_KEY = {TEXTS[0]}x", "not 32 bytes in base64"),
        (f"LOCAL_STATIC_PRIVATE_KEY = {TEXTS[0]} {TEXTS[1]}", "not 32 bytes in base64"),
        (f"LOCAL_STATIC_PRIVATE_KEY = {KEYS[0].hex()}", "not 32 bytes in base64"),
        (f"TRANSPORT_KEY = {TEXTS[0]}", "wants a receiver index"),
        (f"TRANSPORT_KEY = 123456789 {TEXTS[0]}", "wants a receiver index"),
        ("TRANSPORT_KEY = 0x12345678 short", "not 32 bytes in base64"),
        (TEXTS[0], "no line of a key log"),
        (TEXTS[0][:-1], "no line of a key log"),
        ("[Interface]", "no line of a key log"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_read(line: str, words: str) -> None:
    text = f"# front\n{line}\nREMOTE_STATIC_PUBLIC_KEY = {TEXTS[3]}\n"
    assert found(text) == [(REMOTE_STATIC, KEYS[3], None)]
    ((number, complaint),) = warnings(text)
    assert number == 2
    assert words in complaint
    # Parts of a key count as well.
    assert not any(
        key[:6] in complaint or raw.hex()[:8] in complaint for key, raw in zip(TEXTS, KEYS, strict=True)
    )


def test_a_base64_key_of_capitals_only_is_not_repeated_either() -> None:
    for text in ("ABCD" * 10 + "ABC=", "SECRET=", "ABCD" * 10 + "ABC"):
        ((_, words),) = warnings(text)
        assert text.rstrip("=") not in words


def test_other_line_separators_of_unicode_end_no_line() -> None:
    assert found(f"# \x0b\x0c\u2028 LOCAL_STATIC_PRIVATE_KEY={TEXTS[0]}") == []


@given(st.text() | st.binary())
def test_any_text_is_a_key_log_or_warnings(text: str | bytes) -> None:
    log = parse_keylog(text, "k")
    assert all(len(entry.key.raw) == 32 for entry in log.entries)


@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1))
    )
)
def test_what_is_written_is_read_again(lines: list[tuple[str, bytes, int]]) -> None:
    entries = [
        Entry(kind, Secret(raw), index if kind == TRANSPORT_KEY else None) for kind, raw, index in lines
    ]
    read = parse_keylog(format_keylog(entries), "")
    assert [entry._replace(line=0) for entry in read.entries] == entries


def test_the_lines_of_a_handshake_stand_in_wiresharks_order() -> None:
    static, remote, ephemeral, psk = (Secret(key) for key in KEYS)
    text = format_keylog(handshake_entries(static, remote.raw, ephemeral, psk))
    assert [line.split(" = ")[0] for line in text.splitlines()] == [*KINDS[:4]]
    assert parse_keylog(text, "k").warnings == ()


def test_real_key_logs_read_without_a_warning() -> None:
    for path in DATA.glob("*.keys.txt"):
        log = parse_keylog(path.read_bytes(), path.name)
        assert log.warnings == ()
        assert len(log.entries) == len(path.read_text().split())
        assert log.entries[3].place == f"PRESHARED_KEY in line 4 of {path.name}"


def test_an_empty_log_is_none() -> None:
    assert parse_keylog("", "k") == KeyLog("k")


def test_a_log_without_end_is_read_up_to_a_bound_and_says_so() -> None:
    line = b"REMOTE_STATIC_PUBLIC_KEY = %s\n" % TEXTS[0].encode()
    whole = parse_keylog(line * MOST_LINES, "k")
    assert (len(whole.entries), whole.is_cut) == (MOST_LINES, False)
    more = parse_keylog(line * MOST_LINES + b"#", "k")
    assert (len(more.entries), more.is_cut) == (MOST_LINES, True)


def test_a_line_of_a_megabyte_is_one_complaint() -> None:
    text = f"{LOCAL_STATIC} = {'A' * 1_000_000}\n{LOCAL_STATIC} = {TEXTS[0]}\n"
    log = parse_keylog(text, "k")
    assert [entry.key.raw for entry in log.entries] == KEYS[:1]
    assert log.warnings == ((1, "this line is far too long for a key"),)
