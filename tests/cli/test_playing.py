"""What the verbs that play share: messages and notes told, counts, the types of options."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace

import pytest

from fzctl.carriers.memory import VirtualClock
from fzctl.cli.output import Output
from fzctl.cli.playing import Transcript, above_zero, uuid_option
from fzctl.live.player import CLOSED, FOREIGN, IGNORED, LOST, NOTE, RECEIVED, SENT, UNSENT, Happening
from fzctl.records import Record
from tests.cli.stage import NAME, Several
from tests.records import RESOURCE, assigned, goodbye, raw, status


class Shown(Output):
    def __init__(self) -> None:
        super().__init__(None, None, live=True)
        self.records: list[Record] = []

    def show(self, record: Record) -> None:
        self.records.append(record)


def transcript(
    form: str | None = None, *, crowded: bool = False, quiet: bool = False, verbose: bool = False
) -> tuple[Transcript, Shown]:
    shown = Shown()
    args = Namespace(form=form, interface=None, quiet=quiet, verbose=verbose)
    return Transcript(args, shown, Several(NAME, VirtualClock(), 0), crowded=crowded), shown


def test_messages_are_shown_and_numbered_in_both_directions() -> None:
    told, shown = transcript()
    told.take(Happening(RECEIVED, 1.0, "x", assigned(), "192.0.2.1:1"))
    told.take(Happening(SENT, 2.0, "x", status()))
    assert [(each.frame, each.direction) for each in shown.records] == [(1, "in"), (2, "out")]
    assert shown.records[0].outer == ("192.0.2.1:1", "192.0.2.2:51820", None, None)
    assert shown.records[1].outer is None
    assert (shown.records[1].time or 0) - (shown.records[0].time or 0) == 10**9


def test_where_there_are_several_lines_say_whom_but_json_keeps_its_words() -> None:
    for form, expected in ((None, "in 192.0.2.1:1"), ("jsonl", "in")):
        told, shown = transcript(form, crowded=True)
        told.take(Happening(RECEIVED, 1.0, "x", assigned(), "192.0.2.1:1"))
        assert shown.records[0].direction == expected


def test_notes_go_to_stderr_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    told, _ = transcript(crowded=True)
    told.take(Happening(NOTE, 1.0, "wiki\x1b[31m is odd", peer="192.0.2.1:1"))
    told.take(Happening(FOREIGN, 1.0, "nothing of ours"))
    assert capsys.readouterr().err == "fzctl: peer 192.0.2.1:1: wiki\\x1b[31m is odd\n"


def test_quiet_keeps_notes_to_itself(capsys: pytest.CaptureFixture[str]) -> None:
    told, _ = transcript(quiet=True)
    told.take(Happening(NOTE, 1.0, "x"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", [IGNORED, CLOSED])
@pytest.mark.parametrize(("verbose", "lines"), [(False, 22), (True, 31)])
def test_a_flood_of_notes_is_counted_and_not_told(
    name: str, verbose: bool, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    told, _ = transcript(verbose=verbose)
    for _ in range(30):
        told.take(Happening(name, 1.0, "it again"))
    told.take(Happening(LOST, 1.0, "another thing"))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == lines
    assert said[-1] == "fzctl: another thing"
    assert ("30 of those received ignored" in told.counts()) == (name == IGNORED)


def test_counts_name_kinds_and_what_did_not_count() -> None:
    told, _ = transcript(quiet=True)
    for packet in (assigned(), assigned(), goodbye(), raw(9)):
        told.take(Happening(RECEIVED, 1.0, "x", packet))
    told.take(Happening(SENT, 1.0, "x", status()))
    for name in (LOST, UNSENT, IGNORED, FOREIGN, FOREIGN):
        told.take(Happening(name, 1.0, "x"))
    assert told.received == 4
    assert told.counts() == (
        "4 messages received (2 AssignedIps, 1 Goodbye, 1 kind 9), 1 message sent (1 DomainStatus), "
        "1 lost on purpose, 1 did not leave, 1 of those received ignored, "
        "2 packets that came no control messages"
    )


def test_messages_of_every_kind_do_not_fill_the_line_of_counts() -> None:
    told, _ = transcript(quiet=True)
    for kind in range(3, 256):
        told.take(Happening(RECEIVED, 1.0, "", raw(kind)))
    told.take(Happening(RECEIVED, 1.0, "", goodbye()))
    told.take(Happening(RECEIVED, 1.0, "", goodbye()))
    counted = told.counts()
    assert counted.startswith("255 messages received (2 Goodbye, ")
    assert "246 of other kinds)" in counted
    assert len(counted) < 200


def test_numbers_above_zero_and_uuids() -> None:
    assert above_zero("1.5") == 1.5
    for text in ("0", "-1", "inf", "nan", "x", "1e-300", "1e7"):
        with pytest.raises(ArgumentTypeError, match=r"no number from 0\.001"):
            above_zero(text)
    assert uuid_option(RESOURCE.upper()) == RESOURCE
    with pytest.raises(ArgumentTypeError, match="no UUID"):
        uuid_option("x")
