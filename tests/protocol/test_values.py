"""UUIDs, domains and addresses: what is taken, and the one text that comes out."""

from __future__ import annotations

import ipaddress
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import (
    domain_key,
    domain_to_wire,
    format_domain,
    format_ip,
    ip_to_bytes,
    parse_domain,
    parse_ip,
    parse_uuid,
)

UUID = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
SIMPLE = UUID.replace("-", "")


@pytest.mark.parametrize(
    "text", [UUID, UUID.upper(), SIMPLE, SIMPLE.upper(), "{" + UUID + "}", "urn:uuid:" + UUID]
)
def test_four_forms_of_a_uuid_are_taken(text: str) -> None:
    assert parse_uuid(text) == UUID


@pytest.mark.parametrize(
    "text",
    [
        "",
        UUID[:-1],
        UUID + "0",
        UUID + "\n",
        " " + UUID,
        "{" + UUID,
        UUID + "}",
        "{" + SIMPLE + "}",
        "urn:uuid:" + SIMPLE,
        "URN:UUID:" + UUID,
        "urn:uuid:{" + UUID + "}",
        "uuid:" + UUID,
        "6b7188f5-00ac-41dc-9ddd57e2384f31ef-",
        "6b7188f500ac-41dc-9ddd-57e2384f31ef0",
        "-" * 36,
        UUID.replace("6", "\uff16"),
        UUID.replace("f", "g"),
        "0x" + SIMPLE[2:],
    ],
)
def test_no_other_form_of_a_uuid_is_taken(text: str) -> None:
    with pytest.raises(Refusal, match="is no UUID") as caught:
        parse_uuid(text)
    assert caught.value.reason == "bad_uuid"


@given(st.uuids())
def test_any_uuid_comes_out_hyphenated_in_lower_case(value: uuid.UUID) -> None:
    for text in (str(value), str(value).upper(), value.hex, value.urn, f"{{{value}}}"):
        assert parse_uuid(text) == str(value)


@pytest.mark.parametrize(
    ("text", "canonical", "wire"),
    [
        (".", ".", b"\0"),
        ("a", "a", b"\1a\0"),
        ("a.", "a", b"\1a\0"),
        ("example.com", "example.com", b"\7example\3com\0"),
        ("ExAmPle.COM.", "ExAmPle.COM", b"\7ExAmPle\3COM\0"),
        ("*._tcp.a/b", "*._tcp.a/b", b"\1*\4_tcp\3a/b\0"),
        ('"a;b"', '"a;b"', b'\5"a;b"\0'),
        ("a b", "a\\ b", b"\3a b\0"),
        ("a\\ b", "a\\ b", b"\3a b\0"),
        ("a\\.b", "a\\.b", b"\3a.b\0"),
        ("a\\046b", "a\\.b", b"\3a.b\0"),
        ("\\.", "\\.", b"\1.\0"),
        ("\\\\", "\\\\", b"\1\\\0"),
        ("\\a\\-", "a-", b"\2a-\0"),
        ("\\X1", "X1", b"\2X1\0"),
        ("\\ \\~", "\\ ~", b"\2 ~\0"),
        ("\\000\\255\\127", "\\000\\255\\127", b"\3\0\xff\x7f\0"),
        ("\\065", "A", b"\1A\0"),
        ("a\\[", "a[", b"\2a[\0"),
        ("[", "[", b"\1[\0"),
        ("\\091", "[", b"\1[\0"),
        ("a.\\091", "a.[", b"\1a\1[\0"),
        ("~!@#$%^&()", "~!@#$%^&()", b"\x0a~!@#$%^&()\0"),
        ("a" * 63, "a" * 63, b"\x3f" + b"a" * 63 + b"\0"),
    ],
)
def test_a_domain_is_canonical_text_and_labels(text: str, canonical: str, wire: bytes) -> None:
    assert parse_domain(text) == canonical
    assert domain_to_wire(text) == wire
    assert parse_domain(canonical) == canonical
    assert domain_to_wire(canonical) == wire


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        ".a",
        "a..",
        "a..b",
        "\\[x",
        "a.\\[x",
        "\\",
        "a\\",
        "\\1",
        "\\12",
        "\\12x",
        "\\256",
        "\\999",
        "\\1a2",
        "\\1\u0663\u0663",
        "\\\u0661\u0662\u0663",
        "\\\u00e9",
        "\\\t",
        "\\\x7f",
        "\u00e9",
        "a\tb",
        "a\nb",
        "a\x7f",
        "a\x00",
        "\u3002",
        "a" * 64,
        "b." + "a" * 64,
    ],
)
def test_what_is_no_domain(text: str) -> None:
    for parse in (parse_domain, domain_to_wire):
        with pytest.raises(Refusal) as caught:
            parse(text)
        assert caught.value.reason == "bad_domain"
        assert caught.value.problem.isprintable()


@pytest.mark.parametrize(
    ("lengths", "octets"),
    [
        ([63, 63, 63, 61], 255),
        ([1] * 127, 255),
        ([63, 63, 63, 59, 1], 255),
        # Upstream looks at one octet where a new label needs two: a last label of one character
        # still passes and makes 256.
        ([63, 63, 63, 60, 1], 256),
        ([63, 63, 63, 62], None),
        ([63, 63, 63, 61, 1], None),
        ([63, 63, 63, 60, 2], None),
        ([63, 63, 63, 60, 1, 1], None),
        ([1] * 128, None),
    ],
)
def test_the_length_of_a_domain_ends_at_255_octets_or_by_a_quirk_at_256(
    lengths: list[int], octets: int | None
) -> None:
    text = ".".join("a" * length for length in lengths)
    for spelled in (text, text + "."):
        if octets is None:
            with pytest.raises(Refusal, match="longer than 255 octets") as caught:
                parse_domain(spelled)
            assert caught.value.reason == "bad_domain"
        else:
            assert parse_domain(spelled) == text
            assert len(domain_to_wire(spelled)) == octets


@given(
    st.lists(st.binary(min_size=1, max_size=63), max_size=5).filter(
        lambda ls: sum(map(len, ls)) + len(ls) < 254
    )
)
def test_any_labels_survive_their_text(labels: list[bytes]) -> None:
    text = format_domain(labels)
    assert text.isascii()
    assert text.isprintable()
    assert domain_to_wire(text) == b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    assert parse_domain(text) == text


@given(st.text(max_size=30) | st.text("ab.\\[]0129 \t\u00e9", max_size=30))
def test_any_text_is_a_domain_that_stays_the_same_or_is_refused(text: str) -> None:
    try:
        canonical = parse_domain(text)
    except Refusal:
        return
    assert parse_domain(canonical) == canonical
    assert domain_to_wire(canonical) == domain_to_wire(text)


@pytest.mark.parametrize(
    ("one", "other"), [("a.b", "A.b."), ("EXAMPLE.com", "example.COM."), (".", "."), ("\\065", "\\065.")]
)
def test_equal_domains_have_one_key(one: str, other: str) -> None:
    assert domain_key(one) == domain_key(other)


def test_other_domains_have_other_keys() -> None:
    assert len({domain_key(each) for each in ("a", "b", "a.b", "a\\.b", ".", "")}) == 6
    # Case is a matter of ASCII alone.
    assert domain_key("\\192") != domain_key("\\224")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
        ("::", "::"),
        ("::1", "::1"),
        ("1::", "1::"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("ABCD:ef01:2:03:004:0005:6:7", "abcd:ef01:2:3:4:5:6:7"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("1:2:3:4::5:6:7", "1:2:3:4:0:5:6:7"),
        ("0:0:1::", "0:0:1::"),
        ("::1.2.3.4", "::102:304"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ("::FFFF:102:304", "::ffff:1.2.3.4"),
        ("::ffff:0:0", "::ffff:0.0.0.0"),
        ("::ffff:0:1.2.3.4", "::ffff:0:102:304"),
        ("::fffe:1.2.3.4", "::fffe:102:304"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fd00:2021:1111:8000::1f:ffff", "fd00:2021:1111:8000::1f:ffff"),
    ],
)
def test_an_address_has_one_text(text: str, canonical: str) -> None:
    assert parse_ip(text) == canonical
    assert ip_to_bytes(canonical) == ip_to_bytes(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ":",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.04",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4\n",
        "1.2.3.-4",
        "1.2.3.4:80",
        "\uff11.2.3.4",
        "1.2.3.\u0664",
        "0x1.2.3.4",
        ":::",
        "::1::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2:3:4:5:6:7:8",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        ":1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:",
        ":1::2",
        "1::2:",
        "12345::",
        "00000::",
        "g::",
        "+1::",
        "-1::",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "::01.2.3.4",
        "::1.2.3",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "::1:2:3:4:5:6:1.2.3.4",
        "fe80::1%eth0",
        "[::1]",
        "::1/64",
        "\uff11::",
        "0ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
    ],
)
def test_what_is_no_address(text: str) -> None:
    for parse in (parse_ip, ip_to_bytes):
        with pytest.raises(Refusal, match="is no IP address") as caught:
            parse(text)
        assert caught.value.reason == "bad_ip"


@given(
    st.ip_addresses(v=4)
    | st.ip_addresses(v=6)
    | st.lists(st.sampled_from((0, 0, 0, 1, 0xFFFF)), min_size=8, max_size=8).map(
        lambda groups: ipaddress.IPv6Address(b"".join(group.to_bytes(2, "big") for group in groups))
    )
)
def test_any_address_is_read_in_every_spelling(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    canonical = format_ip(address.packed)
    for text in {canonical, str(address), address.exploded, address.exploded.upper()}:
        assert ip_to_bytes(text) == address.packed
        assert parse_ip(text) == canonical
    # The standard library agrees except in the dotted tail, which Python 3.13 began to write.
    if not address.packed.startswith(b"\0" * 10 + b"\xff\xff"):
        assert canonical == str(address)


@given(st.text("01289abcdef:.%gG ", max_size=46))
def test_any_text_is_an_address_exactly_where_the_standard_library_says_so(text: str) -> None:
    try:
        expected = ipaddress.ip_address(text).packed
    except ValueError:
        expected = None
    if "%" in text:
        expected = None
    try:
        packed = ip_to_bytes(text)
    except Refusal:
        packed = None
    assert packed == expected


@pytest.mark.parametrize(
    "text", ["1:" * 500_000, ":" * 1_000_000, "1." * 500_000, "1" * 1_000_000, "::" + "1:" * 500_000]
)
def test_a_megabyte_is_no_address(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_ip(text)
    assert len(caught.value.problem) < 200


@pytest.mark.parametrize("text", ["a" * 1_000_000, "a." * 500_000, "\\065" * 250_000, "-" * 1_000_000])
def test_a_megabyte_is_no_domain_and_no_uuid(text: str) -> None:
    for parse in (parse_domain, parse_uuid):
        with pytest.raises(Refusal) as caught:
            parse(text)
        assert len(caught.value.problem) < 200


@pytest.mark.parametrize(
    "text", ["\x1b[31m", "\u202e", '"', "'", "\\", "\n", "\udcff", "[red]", "\U0001f600"]
)
def test_what_a_refusal_quotes_is_plain_ascii_in_double_quotes(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_uuid(text)
    assert caught.value.problem.isascii()
    assert caught.value.problem.isprintable()
    assert caught.value.problem[0] == '"'


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("a" * 80, "a" * 80), ("a" * 81, "a" * 77 + "..."), ("it's", "it's"), ('"it\'s"', '"it\\\'s"')],
)
def test_a_refusal_quotes_eighty_characters_and_of_a_longer_text_its_beginning(
    text: str, quoted: str
) -> None:
    with pytest.raises(Refusal) as caught:
        parse_uuid(text)
    assert caught.value.problem == f'"{quoted}" is no UUID'
