"""What a question and its answer have in common."""

from __future__ import annotations

import pytest

from fzctl.protocol import kinds
from fzctl.protocol.exchange import exchange_key, is_answer
from fzctl.protocol.kinds import ASSIGNED_IPS, DOMAIN_STATUS, GOODBYE, KINDS

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"


def test_which_kind_answers_which() -> None:
    pairs = {
        (answer.name, request.name) for answer in KINDS for request in KINDS if is_answer(answer, request)
    }
    assert pairs == {("domain_status", "assigned_ips"), ("response", "request")}


def key(resource: str, domain: str) -> tuple[str, ...]:
    return exchange_key(ASSIGNED_IPS, {"resource": resource, "domain": domain})


@pytest.mark.parametrize(
    ("resource", "domain"),
    [
        (RESOURCE.upper(), "example.com"),
        (RESOURCE.replace("-", ""), "EXAMPLE.com."),
        (f"urn:uuid:{RESOURCE}", "ex\\097mple.com"),
    ],
)
def test_spelling_does_not_part_them(resource: str, domain: str) -> None:
    assert key(resource, domain) == key(RESOURCE, "example.com")
    assert key(resource, domain) == exchange_key(DOMAIN_STATUS, {"resource": resource, "domain": domain})


@pytest.mark.parametrize(
    ("resource", "domain"), [(RESOURCE, "example.org"), ("0" * 32, "example.com"), (RESOURCE, "..")]
)
def test_another_resource_or_domain_does(resource: str, domain: str) -> None:
    assert key(resource, domain) != key(RESOURCE, "example.com")


def test_values_that_no_receiver_takes_are_compared_as_text() -> None:
    assert key("X", "NOT..valid") == key("x", "not..valid") != key("y", "not..valid")


def test_a_kind_outside_of_exchanges_has_its_name_only() -> None:
    assert exchange_key(GOODBYE, {}) == ("goodbye",)


def test_a_kind_that_names_half_an_exchange_is_outside_of_exchanges() -> None:
    members = {"resource": RESOURCE, "domain": "a"}
    for field in (kinds.RESOURCE, kinds.DOMAIN):
        assert exchange_key(DOMAIN_STATUS._replace(fields=(field,)), members) == ("domain_status",)
