"""Equal names are equal in whatever way they are written."""

from __future__ import annotations

import pytest

from fzctl.nat.names import name_key, resource_key


@pytest.mark.parametrize(
    "text", ["wiki.example.com", "Wiki.EXAMPLE.com.", r"wik\105.example.com", r"\wiki.example.com"]
)
def test_case_final_dot_and_escapes_do_not_count(text: str) -> None:
    assert name_key(text) == "wiki.example.com"


def test_an_escaped_dot_is_no_separator() -> None:
    assert name_key(r"a\.b") != name_key("a.b")
    assert name_key(r"a\046b") == name_key(r"a\.b")


def test_what_is_no_name_stands_for_itself() -> None:
    assert name_key("A..b") == "a..b"
    assert resource_key("Printer") == "Printer"


def test_resources_are_the_same_in_each_form_of_a_uuid() -> None:
    plain = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
    assert {
        resource_key(form) for form in (plain, plain.upper(), plain.replace("-", ""), f"{{{plain}}}")
    } == {plain}
