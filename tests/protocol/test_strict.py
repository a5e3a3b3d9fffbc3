"""Strict reading: values, the refusal, and what can still be said of a refused payload."""

from __future__ import annotations

import pytest

from fzctl.protocol.kinds import Kind, kind_by_name
from fzctl.protocol.strict import dialect_by_fields, explain, read_fields, salvage

UUID = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"


def kind(name: str) -> Kind:
    found = kind_by_name(name)
    assert found is not None
    return found


def test_an_accepted_payload_gives_its_values_and_no_refusal() -> None:
    payload = f'{{"status":"Active","domain":"a.b.","resource":"{UUID}"}}'.encode()
    assert read_fields(kind("domain_status"), payload) == (
        {"resource": UUID, "domain": "a.b", "status": "Active"},
        None,
    )


def test_a_refusal_comes_with_the_values_before_it() -> None:
    payload = f'{{"resource":"{UUID}","domain":"a..b","status":"Active"}}'.encode()
    values, refusal = read_fields(kind("domain_status"), payload)
    assert values == {"resource": UUID}
    assert refusal is not None
    assert refusal.reason == "bad_domain"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"resource":"x","domain":"a.b","status":"Active"}', {"domain": "a.b", "status": "Active"}),
        ('{"domain":"a.b","resource":"x","status":', {"domain": "a.b"}),
        ('{"domain":"a.b","domain":"c.d"}', {"domain": "a.b"}),
        (f'["{UUID}","a..b"]', {}),
        ("", {}),
    ],
)
def test_what_could_be_read_of_a_refused_payload_is_found(payload: str, expected: dict[str, str]) -> None:
    assert salvage(kind("domain_status"), payload.encode()) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"code":200}', "seed"),
        ('{"code":"broken","domain":1}', "seed"),
        ('{"code":200,"status":7}', None),
        ('{"status":7}', None),
        ('["x","y",200]', None),
    ],
)
def test_a_code_in_place_of_the_status_is_the_seed_dialect(payload: str, expected: str | None) -> None:
    assert dialect_by_fields(kind("domain_status"), payload.encode()) == expected


def test_a_refusal_is_explained_with_line_and_column() -> None:
    payload = b'{\n "status": null}'
    _, refusal = read_fields(kind("domain_status"), payload)
    assert refusal is not None
    assert explain(refusal, payload) == (
        "wrong_type",
        "expected a string or an object here (line 2, column 12)",
    )


def test_a_payload_that_is_no_struct_is_told_what_fields_it_lacks() -> None:
    _, refusal = read_fields(kind("domain_status"), b"7")
    assert str(refusal) == "expected DomainStatus's fields, found the number 7"


def test_where_the_payload_as_a_whole_is_broken_the_same_refusal_is_syntax() -> None:
    payload = b'{"status": null'
    _, refusal = read_fields(kind("domain_status"), payload)
    assert refusal is not None
    assert explain(refusal, payload)[0] == "bad_json"
