"""JSON as serde_json reads it: what is taken, what is refused, and at which line and column.

The tables hold what serde_json said to the same payloads for structs of the same form: ``dst`` an
IP address, ``protocol`` an enum of tcp, udp (with ``dst_port``) and icmp.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.protocol.fields import Ip, Protocol
from fzctl.protocol.reader import Reader, is_sound_json, line_and_column
from fzctl.protocol.reasons import Refusal

STRUCT = {"dst": Ip().read, "protocol": Protocol().read}
MEGABYTE = 1_000_000

Verdict = tuple[str, int, int] | tuple[str]


def read(payload: bytes) -> dict[str, object]:
    found: dict[str, object] = {}
    Reader(payload).read_document(lambda reader: reader.read_struct(STRUCT, "the fields", found))
    return found


def refusal_of(payload: bytes) -> Refusal | None:
    try:
        read(payload)
    except Refusal as refusal:
        return refusal
    return None


def judge(payload: bytes) -> Verdict:
    refusal = refusal_of(payload)
    if refusal is None:
        return ("ok",)
    assert refusal.offset is not None
    reason = refusal.if_sound if refusal.if_sound and is_sound_json(payload) else refusal.reason
    return reason, *line_and_column(payload, refusal.offset)


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        (b'{"dst":"::","protocol":"icmp"}', ("ok",)),
        (b'{"protocol":"icmp","dst":"::"}', ("ok",)),
        (b'["::","icmp"]', ("ok",)),
        (b'\t{"dst":"::","protocol":"icmp"}\r\n', ("ok",)),
        (b' [ "::" , "icmp" ] ', ("ok",)),
        (b'{"dst":"::","protocol":"icmp"}\x00', ("trailing_data", 1, 31)),
        (b'{"dst":"::","protocol":"icmp"}\x0c', ("trailing_data", 1, 31)),
        (b'{"dst":"::","protocol":"icmp"}}', ("trailing_data", 1, 31)),
        (b'{"dst":"::","protocol":"icmp"},', ("trailing_data", 1, 31)),
        (b'["::","icmp"]\n\n x', ("trailing_data", 3, 2)),
        (b"", ("bad_json", 1, 0)),
        (b" ", ("bad_json", 1, 1)),
        (b"\n\n ", ("bad_json", 3, 1)),
        (b"x", ("bad_json", 1, 1)),
        (b"]", ("bad_json", 1, 1)),
        (b"}", ("bad_json", 1, 1)),
        (b"\xef\xbb\xbf{}", ("bad_json", 1, 1)),
        (b'{\x00"', ("bad_json", 1, 2)),
    ],
)
def test_a_document_is_one_value_in_white_space(payload: bytes, verdict: Verdict) -> None:
    assert judge(payload) == verdict


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        (b"null", ("wrong_type", 1, 4)),
        (b"true", ("wrong_type", 1, 4)),
        (b"false ", ("wrong_type", 1, 5)),
        (b"42", ("wrong_type", 1, 2)),
        (b"42x", ("wrong_type", 1, 2)),
        (b'"a"', ("wrong_type", 1, 3)),
        # A scalar of the wrong type is read first, and may itself be broken.
        (b"n", ("bad_json", 1, 1)),
        (b"nul", ("bad_json", 1, 3)),
        (b"nulx", ("bad_json", 1, 4)),
        (b"fals", ("bad_json", 1, 4)),
        (b"falsy", ("bad_json", 1, 5)),
        (b"-", ("bad_json", 1, 1)),
        (b"-x", ("bad_json", 1, 2)),
        (b"01", ("bad_json", 1, 2)),
        (b"1.", ("bad_json", 1, 2)),
        (b"1e", ("bad_json", 1, 2)),
        (b'"', ("bad_json", 1, 1)),
        (b'"a', ("bad_json", 1, 2)),
        (b'"\xff"', ("invalid_utf8", 1, 3)),
        (b'{"dst":1', ("wrong_type", 1, 8)),
        (b'{"dst":1.5}', ("wrong_type", 1, 10)),
        (b'{"dst":-18446744073709551616}', ("wrong_type", 1, 28)),
        (b'{"dst":1e999}', ("bad_json", 1, 12)),
        (b'{"dst":1e99999999999}', ("bad_json", 1, 19)),
        (b'{"dst":null}', ("wrong_type", 1, 11)),
        (b'{"dst":true,}', ("wrong_type", 1, 11)),
        (b'{"dst":tru}', ("bad_json", 1, 11)),
        (b'{"dst":[1]}', ("wrong_type", 1, 7)),
        (b'{"dst":{"a":1}}', ("wrong_type", 1, 7)),
        (b'{"dst":?}', ("bad_json", 1, 8)),
    ],
)
def test_a_value_of_the_wrong_type(payload: bytes, verdict: Verdict) -> None:
    assert judge(payload) == verdict


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        (b"{}", ("missing_field", 1, 2)),
        (b'{"a":1}', ("missing_field", 1, 7)),
        (b'{"a":1,"a":2}', ("missing_field", 1, 13)),
        (b'{"dst":"::"}', ("missing_field", 1, 12)),
        (b'{"dst":"::"}x', ("missing_field", 1, 12)),
        (b'{"dst":"::","dst":"::"}', ("duplicate_field", 1, 17)),
        (b'{"d\\u0073t":"::","dst":"::"}', ("duplicate_field", 1, 22)),
        (b'{"dst":"x"', ("bad_ip", 1, 10)),
        (b"{", ("bad_json", 1, 1)),
        (b"{,", ("bad_json", 1, 2)),
        (b"{1", ("bad_json", 1, 2)),
        (b'{"', ("bad_json", 1, 2)),
        (b'{"a', ("bad_json", 1, 3)),
        (b'{"a"', ("bad_json", 1, 4)),
        (b'{"a" 1', ("bad_json", 1, 6)),
        (b'{"a":', ("bad_json", 1, 5)),
        (b'{"a":}', ("bad_json", 1, 6)),
        (b'{"a":1', ("bad_json", 1, 6)),
        (b'{"a":1 ', ("bad_json", 1, 7)),
        (b'{"a":1]', ("bad_json", 1, 7)),
        (b'{"a":1,', ("bad_json", 1, 7)),
        (b'{"a":1,}', ("bad_json", 1, 8)),
        (b'{"a":1,2', ("bad_json", 1, 8)),
        (b'{"\xff":1}', ("invalid_utf8", 1, 4)),
        (b'{"dst":"::"', ("bad_json", 1, 11)),
        (b'{"dst":"::",', ("bad_json", 1, 12)),
    ],
)
def test_a_struct_as_an_object(payload: bytes, verdict: Verdict) -> None:
    assert judge(payload) == verdict


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        (b"[]", ("wrong_length", 1, 2)),
        (b'["::"]', ("wrong_length", 1, 6)),
        (b"[", ("bad_json", 1, 1)),
        (b"[,", ("bad_json", 1, 2)),
        (b'["::"', ("bad_json", 1, 5)),
        (b'["::",', ("bad_json", 1, 6)),
        (b'["::",]', ("bad_json", 1, 7)),
        (b'["::" "icmp"]', ("bad_json", 1, 7)),
        (b'["::","icmp",]', ("bad_json", 1, 14)),
        (b'["::","icmp"', ("bad_json", 1, 12)),
        # Too many elements are trailing characters to serde_json; here only where the JSON is broken too.
        (b'["::","icmp",0]', ("wrong_length", 1, 14)),
        (b'["::","icmp",0', ("trailing_data", 1, 14)),
        (b'["::","icmp" 0]', ("trailing_data", 1, 14)),
        (b'["::","icmp"}', ("trailing_data", 1, 13)),
        (b'["x","icmp"}', ("bad_ip", 1, 4)),
    ],
)
def test_a_struct_as_an_array(payload: bytes, verdict: Verdict) -> None:
    assert judge(payload) == verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (b'"icmp"', ("ok",)),
        (b'{"icmp":null}', ("ok",)),
        (b'{"tcp":[1]}', ("ok",)),
        (b'{"udp":{"dst_port":1,"x":[{}]}}', ("ok",)),
        (b'"tcp"', ("wrong_type", 1, 29)),
        (b'"x"', ("unknown_variant", 1, 26)),
        (b"7", ("wrong_type", 1, 24)),
        (b"[]", ("wrong_type", 1, 24)),
        (b"null", ("wrong_type", 1, 24)),
        (b"nul", ("bad_json", 1, 24)),
        (b"{}", ("wrong_type", 1, 25)),
        (b"{1:1}", ("wrong_type", 1, 25)),
        (b"{tru:1}", ("bad_json", 1, 28)),
        (b'{"icmp"}', ("bad_json", 1, 31)),
        (b'{"icmp":}', ("bad_json", 1, 32)),
        (b'{"icmp":0}', ("wrong_type", 1, 32)),
        (b'{"icmp":nul}', ("bad_json", 1, 35)),
        (b'{"icmp":null,"a":1}', ("wrong_type", 1, 35)),
        (b'{"icmp":null]', ("bad_json", 1, 35)),
        (b'{"tcp":null}', ("wrong_type", 1, 34)),
        (b'{"tcp":[]}', ("wrong_length", 1, 32)),
        (b'{"tcp":[1,2]}', ("wrong_length", 1, 34)),
        (b'{"tcp":[1,]}', ("bad_json", 1, 34)),
        (b'{"tcp":{}}', ("missing_field", 1, 32)),
        (b'{"tcp":{"dst_port":65535}}', ("ok",)),
        (b'{"tcp":{"dst_port":65536}}', ("bad_value", 1, 47)),
        (b'{"tcp":{"dst_port":-1}}', ("bad_value", 1, 44)),
        (b'{"tcp":{"dst_port":-0}}', ("wrong_type", 1, 44)),
        (b'{"tcp":{"dst_port":1.0}}', ("wrong_type", 1, 45)),
        (b'{"tcp":{"dst_port":"1"}}', ("wrong_type", 1, 45)),
        (b'{"tcp":{"dst_port":1,"dst_port":1}}', ("duplicate_field", 1, 54)),
    ],
)
def test_an_enum(value: bytes, verdict: Verdict) -> None:
    assert judge(b'{"dst":"::","protocol":' + value + b"}") == verdict


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        (b'{"dst":"::","protocol":', ("bad_json", 1, 23)),
        (b'{"dst":"::","protocol":{"icmp":null', ("bad_json", 1, 35)),
        (b'{"dst":"::","protocol":{"tcp":[1', ("bad_json", 1, 32)),
        (b'{"dst":"::","protocol":{"tcp":[1;', ("trailing_data", 1, 33)),
        (b'{"dst":"::","protocol":{"tcp":[1,2', ("trailing_data", 1, 34)),
        (b'{"dst":"::",\n"protocol":7}', ("wrong_type", 2, 12)),
        (b'{"dst":"::",\n"protocol":7', ("bad_json", 2, 12)),
    ],
)
def test_an_enum_that_ends_early(payload: bytes, verdict: Verdict) -> None:
    assert judge(payload) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (b"\\u003a:", ("ok",)),
        (b":\\u003A", ("ok",)),
        (b"\\/", ("bad_ip", 1, 11)),
        (b'\\"\\\\\\b\\f\\n\\r\\t', ("bad_ip", 1, 23)),
        (b"\\ud83d\\ude00", ("bad_ip", 1, 21)),
        (b"\xf0\x9f\x98\x80\x7f", ("bad_ip", 1, 14)),
        (b"a\nb", ("bad_json", 2, 0)),
        (b"a\x1fb", ("bad_json", 1, 10)),
        (b"\\x", ("bad_json", 1, 10)),
        (b"\\u00zz", ("bad_json", 1, 14)),
        (b"\\u+123", ("bad_json", 1, 14)),
        # The place is that of the escape, not of the next byte that is not white space.
        (b"a\x01  ", ("bad_json", 1, 10)),
        (b"\\x  ", ("bad_json", 1, 10)),
        (b"\\u00zz  ", ("bad_json", 1, 14)),
        (b"\\ud83dx  ", ("bad_json", 1, 15)),
        (b"\\ud83d\\u0041  ", ("bad_json", 1, 20)),
        (b"\\udc00  ", ("bad_json", 1, 14)),
        (b"\\ud83d", ("bad_json", 1, 15)),
        (b"\\ud83d\\n", ("bad_json", 1, 16)),
        (b"\\ud83dx", ("bad_json", 1, 15)),
        (b"\\ud83d\\u0041", ("bad_json", 1, 20)),
        (b"\\ud83d\\ud83d", ("bad_json", 1, 20)),
        (b"\\ud7ff", ("bad_ip", 1, 15)),
        (b"\\udc00", ("bad_json", 1, 14)),
        (b"\\udfff", ("bad_json", 1, 14)),
        (b"\\ue000", ("bad_ip", 1, 15)),
        (b"\\ud800\\udc00", ("bad_ip", 1, 21)),
        (b"\\udbff\\udfff", ("bad_ip", 1, 21)),
        (b"\\ud800\\ud7ff", ("bad_json", 1, 20)),
        (b"\\ud800\\udbff", ("bad_json", 1, 20)),
        (b"\\ud800\\ue000", ("bad_json", 1, 20)),
        (b"\xff", ("invalid_utf8", 1, 10)),
        (b"\xc0\xaf", ("invalid_utf8", 1, 11)),
        (b"\xed\xa0\x80", ("invalid_utf8", 1, 12)),
        (b"\xf4\x90\x80\x80", ("invalid_utf8", 1, 13)),
    ],
)
def test_a_string_that_is_read(text: bytes, verdict: Verdict) -> None:
    assert judge(b'{"dst":"' + text + b'","protocol":"icmp"}') == verdict


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        (b'{"dst":"\\', ("bad_json", 1, 9)),
        (b'{"dst":"\\u12', ("bad_json", 1, 12)),
        (b'{"dst":"\\ud83d', ("bad_json", 1, 14)),
        (b'{"dst":"\\ud83d\\', ("bad_json", 1, 15)),
        (b'{"dst":"\\ud83d\\u00', ("bad_json", 1, 18)),
    ],
)
def test_a_string_that_ends_early(payload: bytes, verdict: Verdict) -> None:
    assert judge(payload) == verdict


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        # Nobody reads the value of an unknown key, so that serde_json takes there what it refuses elsewhere:
        (b'{"a":"\xff"}', ("missing_field", 1, 9)),
        (b'{"a":"\\ud800"}', ("missing_field", 1, 14)),
        (b'{"a":1e999}', ("missing_field", 1, 11)),
        (b'{"a":{"b":{},"\xff":[]}}', ("missing_field", 1, 21)),
        (b'{"a":[null,true,false,-0.0e+0,"",{"":""}]}', ("missing_field", 1, 42)),
        # Its syntax must be right all the same:
        (b'{"a":"\\u12g4"}', ("bad_json", 1, 12)),
        (b'{"a":"\\u12', ("bad_json", 1, 10)),
        (b'{"a":"\\x"}', ("bad_json", 1, 8)),
        (b'{"a":"\\x  "}', ("bad_json", 1, 8)),
        (b'{"a":"\\', ("bad_json", 1, 7)),
        (b'{"a":"', ("bad_json", 1, 6)),
        # (a control character is not passed here, other than in a string that is read)
        (b'{"a":"\n"}', ("bad_json", 1, 6)),
        (b'{"a":"b\x00', ("bad_json", 1, 7)),
        (b'{"a":{"\n":1}}', ("bad_json", 1, 7)),
        (b'{"a":nul', ("bad_json", 1, 8)),
        (b'{"a":nuLl}', ("bad_json", 1, 8)),
        (b'{"a":+1}', ("bad_json", 1, 6)),
        (b'{"a":-}', ("bad_json", 1, 7)),
        (b'{"a":01}', ("bad_json", 1, 7)),
        (b'{"a":1.}', ("bad_json", 1, 8)),
        (b'{"a":1e+}', ("bad_json", 1, 9)),
        (b'{"a":[}', ("bad_json", 1, 7)),
        (b'{"a":[1,]}', ("bad_json", 1, 9)),
        (b'{"a":[1 2]}', ("bad_json", 1, 9)),
        (b'{"a":[[[]]}', ("bad_json", 1, 11)),
        (b'{"a":{"b"}}', ("bad_json", 1, 10)),
        (b'{"a":{"b":}}', ("bad_json", 1, 11)),
        (b'{"a":{"b":1,}}', ("bad_json", 1, 13)),
        (b'{"a":{1:1}}', ("bad_json", 1, 7)),
        (b'{"a":{"b":1 "c":2}}', ("bad_json", 1, 13)),
        (b'{"a":[', ("bad_json", 1, 6)),
        (b'{"a":{', ("bad_json", 1, 6)),
        (b'{"a":[1', ("bad_json", 1, 7)),
        (b'{"a":{"b"', ("bad_json", 1, 9)),
        (b'{"a":{"b":1', ("bad_json", 1, 11)),
        (b'{"a":[{}', ("bad_json", 1, 8)),
    ],
)
def test_a_value_that_nobody_reads(payload: bytes, verdict: Verdict) -> None:
    assert judge(payload) == verdict


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "the payload ends where a value is expected"),
        (b"x", "expected a value here"),
        (b"{}x", 'the field "dst" is missing'),
        (b'["::","icmp"]x', "something follows the JSON value"),
        (b'["::"', "the array does not end"),
        (b'["::",]', "a comma stands before the end of the array"),
        (b'["::" 1', 'expected "," or "]" here'),
        (b'["::","icmp",]', "a comma stands before the end of the array"),
        (b'["::","icmp"', "the array does not end"),
        (b'["::","icmp",1', "the array has too many elements"),
        (b"{", "the object does not end"),
        (b'{"a":1,}', "a comma stands before the end of the object"),
        (b'{"a":1 1', 'expected "," or "}" here'),
        (b'{"a":1,1', "a key must be a string"),
        (b'{"a"', 'expected ":" here'),
        (b'{"a":[1', "the array does not end"),
        (b'{"a":{"b":1', "the object does not end"),
        (b'{"a":[1 1', 'expected "," or "]" here'),
        (b'{"a":{"b":1 1', 'expected "," or "}" here'),
        (b'{"a":{1', "a key must be a string"),
        (b'{"a":?', "expected a value here"),
        (b'{"a":"\\', "the payload ends within a string"),
        (b'{"a":"\\x', "a string holds an invalid escape"),
        (b'{"a":nul', "the payload ends within a word"),
        (b'{"a":nulx', 'expected "null" here'),
        (b'{"a":"\n', "a string holds a raw control character"),
        (b'{"\n', "a string holds a raw control character"),
        (b'{"a', "the payload ends within a string"),
        (b'{"\\', "the payload ends within a string"),
        (b'{"\\x', "a string holds an invalid escape"),
        (b'{"\\u12', "the payload ends within a string"),
        (b'{"\\u12g4', "a string holds an invalid escape"),
        (b'{"\\ud800', "the payload ends within a string"),
        (b'{"\\ud800x', "a string holds a lone surrogate"),
        (b'{"\\ud800\\u0041', "a string holds a lone surrogate"),
        (b'{"\\udc00', "a string holds a lone surrogate"),
        (b'{"\xff"', "a string is not UTF-8"),
        (b'{"dst":"::","dst"', 'the field "dst" is given twice'),
        (b'["::",7', "expected a string or an object here"),
        (b'["::","tcp"]', '"tcp" needs its content: {"tcp": ...}'),
        (b'["::",{1', "expected a variant's name, found the number 1"),
        (b'["::",{"icmp":7', 'expected null as the content of "icmp", found the number 7'),
        (b'["::",{"icmp":null', "the object does not end"),
        (b'["::",{"icmp":null,', "expected one variant only"),
        (b'["::",{"tcp":7', 'expected the content of "tcp", found the number 7'),
        (b'["::",{"tcp":["1"', "expected a whole number up to 65535, found a string"),
        (b'["::",{"tcp":[65536', "expected a whole number up to 65535, found 65536"),
        (b'["::",{"tcp":[1.5', "expected a whole number up to 65535, found the floating point number 1.5"),
    ],
)
def test_a_refusal_says_what_is_wrong(payload: bytes, problem: str) -> None:
    assert str(refusal_of(payload)) == problem


def test_what_came_before_a_refusal_is_kept() -> None:
    found: dict[str, object] = {}
    with pytest.raises(Refusal, match='"protocol" is missing'):
        Reader(b'{"dst":"0::0"}').read_struct(STRUCT, "the fields", found)
    assert found == {"dst": "::"}
    with pytest.raises(Refusal, match="expected 2 elements, found 1"):
        Reader(b'["::1"]').read_struct(STRUCT, "the fields", found)
    assert found == {"dst": "::1"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"null", "null"),
        (b"true", "a boolean"),
        (b"7", "the number 7"),
        (b"-0", "the number -0.0"),
        (b'""', "a string"),
    ],
)
def test_a_refusal_names_what_it_found_in_place_of_what(value: bytes, found: str) -> None:
    with pytest.raises(Refusal, match=f"^expected a list, found {found}$"):
        Reader(value).read_struct(STRUCT, "a list", {})


@pytest.mark.parametrize(("value", "found"), [(b"[1]", "an array"), (b'{"a":1}', "an object")])
def test_a_container_in_place_of_a_text_is_not_entered(value: bytes, found: str) -> None:
    reader = Reader(value)
    with pytest.raises(Refusal, match=f"^expected a text, found {found}$"):
        reader.read_text(str, "a text")
    assert reader.index == 0


@pytest.mark.parametrize(
    ("payload", "items"),
    [(b"[]", []), (b"[ ]", []), (b"[1]", [1]), (b" [ 1 ,\n2\t,3]", [1, 2, 3])],
)
def test_an_array_of_equal_items(payload: bytes, items: list[int]) -> None:
    reader = Reader(payload)
    assert reader.read_array(lambda each: each.read_unsigned(9, "a digit")) == items
    assert reader.index == len(payload)


@pytest.mark.parametrize(
    "payload", [b"[1,]", b"[,1]", b"[1 2]", b"[1", b"[", b"[1,", b"[1}", b"{}", b"1", b""]
)
def test_an_array_that_is_none(payload: bytes) -> None:
    with pytest.raises(Refusal):
        Reader(payload).read_array(lambda each: each.read_unsigned(9, "a digit"))


@pytest.mark.parametrize(
    ("payload", "keys"),
    [
        (b'{"a":1,"b":[2],"c":{}}', {"a": b"1", "b": b"[2]", "c": b"{}"}),
        (b' { "\\u0061" : 1 }', {"a": b" 1"}),
        (b'{"a":1,"a":2}', {"a": b"1"}),
        (b'{"a":', {"a": b""}),
        (b'{"a":x,"b":1}', {"a": b"x"}),
        (b'{"a":1,\xff', {"a": b"1"}),
        (b'{"a":1,"\xff":1,"b":1}', {"a": b"1"}),
        (b'{"a":1}}', {"a": b"1"}),
        (b"{}", {}),
        (b'["a"]', {}),
        (b"", {}),
        (b'"a"', {}),
    ],
)
def test_the_keys_up_to_the_first_syntax_error(payload: bytes, keys: dict[str, bytes]) -> None:
    places = Reader(payload).top_level_keys()
    assert places.keys() == keys.keys()
    for name, start in places.items():
        assert payload.startswith(keys[name], start)


@pytest.mark.parametrize(
    ("offset", "place"), [(0, (1, 0)), (1, (1, 1)), (2, (2, 0)), (4, (2, 2)), (5, (3, 0)), (6, (3, 1))]
)
def test_a_place_counts_lines_from_one_and_columns_read(offset: int, place: tuple[int, int]) -> None:
    assert line_and_column(b"a\nbc\nd", offset) == place


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_any_json_is_sound_however_it_is_written(value: Any, ascii_only: bool, indent: Any) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert is_sound_json(text)
    assert is_sound_json(b" \r\n\t" + text + b"\n")
    assert not is_sound_json(text + b"]")
    assert not is_sound_json(text + b",")


@given(JSON.filter(lambda value: isinstance(value, list | dict | str)))
def test_no_beginning_of_json_is_sound(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    assert [cut for cut in range(len(text)) if is_sound_json(text[:cut])] == []


@given(st.text('{}[]":,0123eE+-.tfnualrsx\\ \n', max_size=40) | st.text(max_size=40))
def test_what_is_sound_is_what_the_standard_library_parses(text: str) -> None:
    def refuse(word: str) -> None:
        raise ValueError(word)

    payload = text.encode(errors="surrogatepass")
    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        expected = False
    else:
        expected = True
    assert is_sound_json(payload) == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_string_is_read_back(text: str) -> None:
    for written in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        reader = Reader(written.encode())
        assert reader.read_text(str, "a string") == text
        assert reader.index == len(reader.data)


@given(st.binary(max_size=60) | st.text('{}[]":,dstprocl01eE-\\ u', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_at_a_place_within(payload: bytes) -> None:
    refusal = refusal_of(payload)
    if refusal is not None:
        assert refusal.offset is not None
        assert 0 <= refusal.offset <= len(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"dst":"0:0::1","protocol":{"tcp":{"dst_port":443}}}',
        b'\n{ "x" : [ {"y":-1.5e+3} , null ] , "protocol" : "icmp" , "dst" : "1.2.3.4" }\n',
        b'["\\u003a:",{"udp":[65535]}]',
    ],
)
def test_a_payload_cut_anywhere_is_refused_and_one_with_a_tail_too(payload: bytes) -> None:
    assert judge(payload) == ("ok",)
    complete = len(payload.rstrip())
    for cut in range(complete):
        reason, line, column = judge(payload[:cut])  # type: ignore[misc]
        assert reason in ("bad_json", "bad_ip"), payload[:cut]
        assert (line, column) == line_and_column(payload[:cut], cut)
    for tail in (b"x", b"\0", b"}", b"]", b",", payload):
        assert judge(payload + tail)[0] == "trailing_data"
    for tail in (b" ", b"\n\t\r "):
        assert judge(payload + tail) == ("ok",)


HOSTILE = {
    "arrays": b"[" * MEGABYTE,
    "objects": b'{"a":' * (MEGABYTE // 5),
    "closed arrays": b"[" * (MEGABYTE // 2) + b"]" * (MEGABYTE // 2),
    "quotes": b'"' * MEGABYTE,
    "backslashes": b'"' + b"\\" * MEGABYTE,
    "escapes": b'"' + b"\\u0041" * (MEGABYTE // 6) + b'"',
    "digits": b"1" * MEGABYTE,
    "minus": b"-" * MEGABYTE,
    "spaces": b" " * MEGABYTE,
    "lines": b"\n" * MEGABYTE,
    "commas": b"[" + b"1," * (MEGABYTE // 2),
    "zeros": b"\0" * MEGABYTE,
    "high bytes": b'"' + b"\xff" * MEGABYTE + b'"',
    "address": b'"' + b"1:" * (MEGABYTE // 2) + b'"',
}


@pytest.mark.parametrize("garbage", HOSTILE.values(), ids=HOSTILE)
def test_a_megabyte_of_anything_is_refused_and_skipped(garbage: bytes) -> None:
    for payload in (b'{"dst":' + garbage, b'{"a":' + garbage + b',"b":1}'):
        assert judge(payload)[0] != "ok"
        assert len(Reader(payload).top_level_keys()) <= 2


def test_a_megabyte_of_members_is_read() -> None:
    members = b",".join(b'"%d":{"a":[%d]}' % (number, number) for number in range(20_000))
    payload = b"{" + members + b',"dst":"::","protocol":"icmp"}'
    assert read(payload) == {"dst": "::", "protocol": ("icmp", None)}
    assert len(Reader(payload).top_level_keys()) == 20_002
    assert (
        read(b'{"a":' + b"[" * (MEGABYTE // 2) + b"]" * (MEGABYTE // 2) + b"," + payload[1:])["dst"] == "::"
    )
