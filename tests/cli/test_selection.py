"""Options that mean the same in every verb."""

from __future__ import annotations

from argparse import Namespace

import pytest

from fzctl.cli.selection import Selection
from fzctl.errors import FzctlError, UsageError
from fzctl.protocol.codec import decode
from fzctl.records import Record
from tests.records import TIME, assigned, goodbye, status

RECORDS = [
    Record(number, TIME + number, decode(packet))
    for number, packet in enumerate((assigned("a.example"), status("a.example"), goodbye()), start=1)
]


def selected(*, live: bool = False, **options: object) -> list[Record]:
    args = Namespace(**{"filter": None, "fields": [], "redact": False, "redact_key": None, **options})
    return list(Selection(args, live=live).of(iter(RECORDS)))


def test_without_options_all_come_as_they_are() -> None:
    assert selected() == RECORDS


def test_a_filter_chooses() -> None:
    assert [each.frame for each in selected(filter="fzp2p.kind == 2")] == [3]


def test_exchanges_are_followed_where_some_option_names_them() -> None:
    assert [each.exchange is not None for each in selected(fields=["fzp2p.exchange"])] == [True, True, False]
    found = selected(filter="fzp2p.response_in == 2")
    assert [each.frame for each in found] == [1]


def test_who_is_live_cannot_look_ahead() -> None:
    with pytest.raises(UsageError, match=r"fzp2p\.response_in is known only later"):
        selected(live=True, fields=["fzp2p.response_in"])
    assert len(selected(live=True, filter="fzp2p.response_to")) == 1


def test_a_filter_means_what_stands_in_the_input_and_only_the_output_is_redacted() -> None:
    found = selected(filter='fzp2p.domain == "a.example"', redact=True)
    assert [each.frame for each in found] == [1, 2]
    assert all(each.message.fields["domain"] != "a.example" for each in found)


def test_a_wrong_filter_is_told_before_anything_is_read() -> None:
    with pytest.raises(FzctlError, match="there is no field"):
        Selection(Namespace(filter="fzp2p.no", fields=[], redact=False))
