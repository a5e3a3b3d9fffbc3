"""Any text is a filter that answers yes or no about any packet, or an error that points into the text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fzctl.columns import RecordFilter, all_columns
from fzctl.filter import FieldType, Filter, FilterError, compile_filter
from tests.filter.conftest import FIELDS
from tests.records import assigned, goodbye, raw, record

NAMES = tuple(all_columns())
TOKENS = (
    *(name.encode() for name in (*NAMES, *FIELDS)),
    *(
        b" == ",
        b" != ",
        b" === ",
        b" !== ",
        b" > ",
        b" <= ",
        b" contains ",
        b" matches ",
        b" in {",
        b"}",
        b" and ",
        b" or ",
        b" xor ",
    ),
    *(
        b"not ",
        b"any ",
        b"all ",
        b"len(",
        b"count(",
        b"lower(",
        b"string(",
        b")",
        b"(",
        b"[0:4]",
        b"[-1]",
        b"[1-2,3:]",
        b'"',
        b'r"',
        b"'a'",
    ),
    *(
        b"100.96.0.0/11",
        b"fd00::/64",
        b"..",
        b"0x1f",
        b"1.5",
        b"true",
        b"7b:22",
        b"6b7188f5-00ac-41dc-9ddd-57e2384f31ef",
        b"\\x00",
    ),
    *(
        b"(a+)+$",
        b"(.*)*",
        b"[a-z]{2,9}",
        b"(?i)",
        b"\\d",
        b"\\b",
        b"(?=",
        b"(?<!",
        b"(?P<n>",
        b"(?P=n)",
        b"{3,}",
        b"*?",
        b"++",
        b"|",
        b"^",
        b"$",
    ),
)
LONGEST = 400

LONG = "a" * 250
VALUES: dict[FieldType, list[Any]] = {
    FieldType.UINT: [0, 1, 2**64 - 1],
    FieldType.BYTES: [b"", b"\0\xff", b"ab" * 120 + b"!"],
    FieldType.GUID: ["6b7188f5-00ac-41dc-9ddd-57e2384f31ef"],
    FieldType.STRING: ["", "gitlab.example.com", LONG + "!", "ü\ud800\udcff\x00", "a" * 253],
    FieldType.IPV4: ["100.96.0.1", "255.255.255.255"],
    FieldType.IPV6: ["::", "fd00::1", "::ffff:1.2.3.4"],
    FieldType.BOOLEAN: [True, False],
    FieldType.TIME: [0, -1.5, Decimal("1795351381.123456789"), 10**9],
    FieldType.FRAMENUM: [1, 2**40],
}
RECORDS = [
    *(
        record(assigned()),
        record(assigned(LONG[:63] + "." + LONG[:63])),
        record(raw(1, {"resource": "ü", "domain": "ü", "status": "ü"})),
        record(goodbye(), time=None),
    ),
    *(
        record(raw(9, "x" * 500 + "!")),
        record(raw(0, "{")),
        record(b""),
        record(raw(3, {"dst": "::1", "protocol": {"tcp": [1]}})),
    ),
]
PACKETS = [
    {},
    {name: VALUES[kind] for name, kind in FIELDS.items()},
    {name: VALUES[kind][-1:] for name, kind in FIELDS.items()},
]


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    found = compiled(text, FIELDS)
    if found is not None:
        assert found.fields <= FIELDS.keys()
        for packet in PACKETS:
            assert found(lambda name, packet=packet: packet.get(name, ())) in (True, False)  # type: ignore[misc]
    types = {name: column.type for name, column in all_columns().items()}
    found = compiled(text, types)
    if found is not None:
        test = RecordFilter(text)
        assert test.fields == found.fields <= types.keys()
        for each in RECORDS:
            assert test(each) in (True, False)


def compiled(text: str, fields: Any) -> Filter | None:
    """The filter; None where it is refused, at a place that is there."""
    try:
        return compile_filter(text, fields)
    except FilterError as error:
        assert 0 <= error.span.start <= error.span.end <= len(text)
        lines = str(error).split("\n")
        assert len(lines) == 3
        assert all(line.isprintable() for line in lines)
        assert lines[2].strip("^ ") == ""
        assert "^" in lines[2]
        assert error.exit_code == 2
        return None


def seeds() -> list[bytes]:
    texts = [
        'fzp2p.domain contains "gitlab" and fzp2p.kind == 1',
        "fzp2p.proxy_ipv4 in {100.96.0.1, 100.96.0.4..100.96.0.9} or fzp2p.proxy_ipv6 == fd00::/64",
        'not fzp2p.domain matches r"^(a|b)+\\.example\\.com$" xor fzp2p.accepted == false',
        "fzp2p.payload[0:4] == 7b:22:72:65 && len(fzp2p.domain) > 3",
        "p.uint == 0x1f || p.flag == 1 || p.time >= 1.5",
        'all p.text != "a\\x41\\u00fc" and any p.ip4 < 10.0.0.0/8',
        "count(p.more) == 2 and lower(p.text) == upper(p.more)",
        'string(p.guid) contains "6b" and p.guid == 6b7188f5-00ac-41dc-9ddd-57e2384f31ef',
        "((p.frame == 1)) and !(p.bytes contains 00:ff)",
        "fzp2p and p.ip6 and p.text[1-2,-1] == p.more[0:]",
        'p.text matches "(?i)[a-z]{2,9}(x|yz)*\\d+?$"',
        "frame.time_epoch > 1 and 1 < frame.number < 9",
    ]
    return [text.encode() for text in texts]


def inputs() -> Any:
    from hypothesis import strategies as st

    names = st.sampled_from((*NAMES, *FIELDS, "fzp2p", "p", "no.field"))
    sliced = st.builds("{}{}".format, names, st.sampled_from(("", "", "[0:4]", "[-1]", "[1-2,3:]", "[9]")))
    operands = st.one_of(
        sliced,
        st.builds("{}({})".format, st.sampled_from(("len", "count", "lower", "upper", "string")), sliced),
    )
    atoms = st.sampled_from(
        (
            "a",
            "[a-z]",
            ".",
            "\\d",
            "(a|b)",
            "(ab)",
            "(?:a*)",
            "b?",
            "^",
            "$",
            "(?=a)",
            "[^a]",
            "\\w",
            "\\b",
            "(?i:a)",
        )
    )
    patterns = st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.builds(
                "{}{}".format, inner, st.sampled_from(("*", "+", "?", "{2,}", "{1,12}", "*?", "++", "{3}"))
            ),
            st.lists(inner, min_size=1, max_size=4).map("".join),
            st.lists(inner, min_size=1, max_size=3).map(lambda found: f"({'|'.join(found)})"),
        ),
        max_leaves=9,
    )
    values = st.one_of(
        st.integers(-1, 2**65).map(str),
        st.ip_addresses().map(str),
        st.uuids().map(str),
        st.sampled_from(("true", "0x1f", "01", "1.5", "7b:22", "fd00::/64", "10.0.0.0/8", "'a'", "1..5")),
        st.text(max_size=9).map(lambda text: f'"{text}"'),
    )
    signs = st.sampled_from(("==", "!=", "===", "!==", "<", "<=", ">", ">=", "eq", "contains", "~="))
    relations = st.one_of(
        st.builds("{} {} {}".format, operands, signs, st.one_of(values, operands)),
        st.builds('{} matches "{}"'.format, operands, patterns),
        st.builds('{} matches r"{}"'.format, operands, patterns),
        st.builds("{} in {{{}}}".format, operands, st.lists(values, min_size=1, max_size=3).map(", ".join)),
        operands,
    )
    joined = st.recursive(
        relations,
        lambda inner: st.one_of(
            st.builds(
                "{} {} {}".format, inner, st.sampled_from(("and", "or", "xor", "&&", "||", "^^")), inner
            ),
            st.builds("{}({})".format, st.sampled_from(("", "not ", "!")), inner),
            st.builds("{} {}".format, st.sampled_from(("any", "all")), inner),
        ),
        max_leaves=5,
    )
    return joined.map(lambda text: text.encode("utf-8", "surrogatepass"))
