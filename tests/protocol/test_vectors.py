"""The arbiter: 357 packets with the verdict of Firezone's own decoder and encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fzctl.errors import EncodeError
from fzctl.protocol import codec, kinds, packet, values

VECTORS = json.loads((Path(__file__).parent / "vectors" / "packets.json").read_bytes())["vectors"]
NAMES = {
    "authorization_required": "no_authorization",
    "seed_request": "request",
    "seed_response": "response",
}
PACKETS = [each for each in VECTORS if each["hex"] is not None]
CONTROL = [each for each in PACKETS if each["expect"]["control"]]


def each_of(vectors: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=[each["name"] for each in vectors])


def decode(vector: dict[str, Any]) -> codec.Message:
    return codec.decode(bytes.fromhex(vector["hex"]), vector["dialect"])


def encode(vector: dict[str, Any]) -> bytes:
    given = dict(vector["input"])
    name = given.pop("type")
    if name == "raw":
        return packet.build_packet(given["event_type"], b" " * given["payload_len"])
    kind = kinds.kind_by_name(NAMES.get(name) or name)
    assert kind is not None
    return codec.encode(kind, given)


def test_all_vectors_are_here() -> None:
    assert len(VECTORS) == 357
    assert len({vector["name"] for vector in VECTORS}) == 357


@each_of(PACKETS)
def test_the_verdict_is_the_receivers(vector: dict[str, Any]) -> None:
    expect, message = vector["expect"], decode(vector)
    verdict = (message.control, message.accepted, message.reason)
    assert verdict == (expect["control"], expect["accepted"], expect["reason"]), message.error
    assert message.kind == expect["event_type"]
    assert (message.error is None) == expect["accepted"]


@each_of(CONTROL)
def test_the_header_lies_where_the_receiver_finds_it(vector: dict[str, Any]) -> None:
    expect, message = vector["expect"], decode(vector)
    assert message.offset == expect["l4_offset"]
    assert message.header.offset == expect["l4_offset"]
    if expect["event_type"] is None:
        assert message.reserved is None
    else:
        assert message.reserved is not None
        assert message.reserved.hex() == expect["reserved"]
        assert len(message.payload) == expect["payload_len"]


@each_of([each for each in CONTROL if each["expect"].get("fields")])
def test_the_fields_are_what_the_receiver_holds(vector: dict[str, Any]) -> None:
    message = decode(vector)
    expected = dict(vector["expect"]["fields"])
    expected["type"] = NAMES.get(expected["type"], expected["type"])
    kind = message.declaration
    assert kind is not None
    derived = {"type": message.name, **message.fields}
    if kind.fields:
        derived["canonical"] = codec.encode_payload(kind, message.fields, force=True).decode()
    if "domain" in message.fields:
        derived["domain_wire"] = values.domain_to_wire(message.fields["domain"]).hex()
    assert derived == expected


@each_of([each for each in PACKETS if "at" in each["expect"]])
def test_an_error_points_at_the_receivers_place(vector: dict[str, Any]) -> None:
    line, column = vector["expect"]["at"]
    error = decode(vector).error
    assert error is not None
    assert error.endswith(f"(line {line}, column {column})")


@each_of([each for each in VECTORS if each["op"] == "encode"])
def test_the_bytes_are_the_senders(vector: dict[str, Any]) -> None:
    if vector["hex"] is None:
        with pytest.raises(EncodeError):
            encode(vector)
    else:
        assert encode(vector).hex() == vector["hex"]
