"""Forms on stdout, on a terminal and elsewhere."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.cli.output import Output, chosen_by, colour_wanted, make_form
from fzctl.errors import UsageError
from tests.cli.conftest import Run
from tests.records import assigned, goodbye, raw, record, status

SGR = re.compile(r"\x1b\[[0-9;]*m")


def options(**changes: object) -> Namespace:
    return Namespace(
        **{"form": None, "fields": [], "hexdump": False, "write": None, "color": "auto", **changes}
    )


def test_a_form_shows_each_record_with_its_line_end() -> None:
    shown = {
        form: make_form(options(form=form), live=False).show(record(goodbye()))
        for form in ("jsonl", "hex", "text", "tree")
    }
    assert shown["hex"] == goodbye().hex() + "\n"
    assert json.loads(shown["jsonl"])["name"] == "goodbye"
    assert shown["text"].endswith("ok\n")
    assert shown["tree"].endswith("[Verdict: ok]\n\n")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array_however_many_there_are(count: int) -> None:
    form = make_form(options(form="json"), live=False)
    text = "".join(form.show(record(goodbye(), frame)) for frame in range(count)) + form.finish()
    assert [each["frame"] for each in json.loads(text)] == list(range(count))


def test_a_hex_dump_follows_its_message() -> None:
    text = make_form(options(form="text", hexdump=True), live=False).show(record(goodbye()))
    line, *dump, last = text.splitlines()
    assert line.endswith("ok")
    assert [each[:10] for each in dump] == ["    0000  ", "    0010  ", "    0020  "]
    assert last == ""


def test_fields_are_those_that_were_named() -> None:
    form = make_form(
        options(form="fields", fields=["fzp2p.kind", "fzp2p.proxy_ipv4", "fzp2p.status"]), live=False
    )
    assert (
        form.show(record(assigned("a", "10.0.0.1", "10.0.0.2", "fd00::", "fd00::1")))
        == "0\t10.0.0.1,10.0.0.2\t\n"
    )


@pytest.mark.parametrize(
    "changes", [{"form": "fields"}, {"fields": ["fzp2p.kind"]}, {"form": "hex", "hexdump": True}]
)
def test_forms_refuse_what_does_not_go_with_them(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        make_form(options(**changes), live=False)


def test_an_unknown_field_far_from_all_lists_them() -> None:
    with pytest.raises(UsageError, match=r'"\\x1bzzz" is no field; the fields are fzp2p\.kind, '):
        make_form(options(form="fields", fields=["\x1bzzz"]), live=False)


def test_counts_tell_that_a_filter_chose() -> None:
    output = Output(None, None, live=False, chosen=chosen_by(Namespace(filter="fzp2p")))
    assert output.counts(7) == "no control messages that -Y takes in 7 packets"
    output.show(record(goodbye()))
    assert output.counts(7) == "1 control message that -Y takes in 7 packets: 1 Goodbye"


@pytest.mark.parametrize("verb", ["decode", "stats", "check", "analyze"])
def test_who_filters_everything_away_is_told_so(verb: str, fzctl: Run) -> None:
    sample = str(Path(__file__).parents[2] / "captures" / "setup.pcapng")
    assert "-Y" in fzctl(verb, "-Y", "fzp2p.kind == 7", sample).err
    assert "-Y" not in fzctl(verb, sample).err


def test_counts_name_what_was_shown(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(None, None, live=False)
    assert output.counts(7) == "no control messages in 7 packets"
    for packet in (goodbye(), raw(9), raw(9), raw(0), b"\x45", status()):
        output.show(record(packet))
    assert output.counts(1) == (
        "5 control messages in 1 packet: 1 AssignedIps, 1 DomainStatus, 1 Goodbye, 2 unknown; "
        "3 not accepted; 1 packet that no receiver takes for one"
    )
    output.finish()
    assert capsys.readouterr().out == ""


def test_comments_in_a_capture_say_what_the_messages_say(fzctl: Run, tmp_path: Path) -> None:
    target = tmp_path / "a.pcapng"
    lines = "".join(f"{packet.hex()}\n" for packet in (assigned(), raw(9), goodbye()))
    assert fzctl("decode", "--hex", "-w", str(target), "-", stdin=lines).code == 0
    for comment in (
        b"AssignedIps example.com 100.96.0.1..4 (ok)",
        b"kind 9 (unknown_event: ",
        b"Goodbye (ok)",
    ):
        assert comment in target.read_bytes()


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_colours_are_for_terminals_and_for_whoever_asks(
    choice: str, environment: dict[str, str], terminal: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TERM": "xterm", "NO_COLOR": "", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert colour_wanted(choice) is wanted


def test_a_terminal_gets_a_table_with_colours(terminal: Run, hex_file: Callable[..., str]) -> None:
    found = terminal(f"$FZCTL decode --hex {hex_file()}")
    assert SGR.search(found.out)
    head, *rows, counts = SGR.sub("", found.out).splitlines()
    assert head.split() == ["Frame", "Kind", "Verdict", "Resource", "Domain", "Content"]
    assert rows[0].split() == ["1", "AssignedIps", "ok", "6b7188f5", "gitlab.example.com", "100.96.0.1..4"]
    assert counts.startswith("fzctl: 5 control messages in 5 packets: ")


def test_a_terminal_gets_lines_for_what_fits_no_two_screens(
    terminal: Run, hex_file: Callable[..., str]
) -> None:
    name = hex_file(*[goodbye()] * 11)
    assert "Verdict" in terminal(f"$FZCTL decode --hex {name}", rows=6).out
    found = terminal(f"$FZCTL decode --hex {name}", rows=5)
    lines = SGR.sub("", found.out).splitlines()
    assert lines[:2] == ["-     #1  Goodbye          ok", "-     #2  Goodbye          ok"]
    assert len(lines) == 12
    assert SGR.search(found.out)


def test_a_pipe_on_a_terminal_is_not_held_back_for_a_table(
    terminal: Run, hex_file: Callable[..., str]
) -> None:
    found = terminal(f"cat {hex_file()} | $FZCTL decode --hex -")
    assert "Verdict" not in found.out
    assert "Verdict" in terminal(f"$FZCTL decode --hex - < {hex_file()}").out


@pytest.mark.parametrize(
    ("option", "environment"), [("--color never", {}), ("", {"NO_COLOR": "1"}), ("", {"TERM": "dumb"})]
)
def test_no_colours_means_no_escape_at_all(
    option: str, environment: dict[str, str], terminal: Run, hex_file: Callable[..., str]
) -> None:
    for form in ("text", "tree", "text -x"):
        found = terminal(f"$FZCTL {option} decode -T {form} --hex {hex_file()}", **environment)
        assert found.code == 0
        assert "\x1b" not in found.out


def test_colours_go_into_a_pipe_where_asked_for(shell: Run, hex_file: Callable[..., str]) -> None:
    assert not SGR.search(shell(f"$FZCTL decode --hex {hex_file()}").out)
    assert SGR.search(shell(f"$FZCTL --color always decode --hex {hex_file()}", NO_COLOR="1").out)
    assert SGR.search(shell(f"$FZCTL decode --color=always -T tree --hex {hex_file()}").out)


def test_a_terminal_of_unknown_size_gets_a_table_too(terminal: Run, hex_file: Callable[..., str]) -> None:
    found = terminal(f"$FZCTL decode --hex {hex_file()}", rows=0, columns=0)
    assert (found.code, "Verdict" in found.out) == (0, True)


def test_binary_goes_to_no_terminal(terminal: Run, hex_file: Callable[..., str]) -> None:
    found = terminal(f"$FZCTL decode --hex -w - {hex_file()}")
    assert (found.code, found.out) == (
        2,
        "fzctl: a capture is binary and does not go to a terminal; give -w a file, or a pipe to stdout\n",
    )


def test_a_long_record_does_not_wait_for_others(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Output(make_form(options(form="hex"), live=False), None, live=False)
    shown.show(record(raw(0, b"x" * 1000)))
    assert capsys.readouterr().out == ""
    shown.show(record(raw(0, b"x" * 60_000)))
    assert len(capsys.readouterr().out) > 120_000


def test_lines_on_a_terminal_name_the_day_once(terminal: Run) -> None:
    sample = Path(__file__).parents[2] / "captures" / "setup.pcapng"
    shown = terminal(f"$FZCTL decode --color never {sample}", rows=1).lines
    assert shown[0] == "-- 2026-11-22 UTC --"
    assert [line[:8] for line in shown[1:4]] == ["12:43:01", "12:43:01", "12:44:02"]
