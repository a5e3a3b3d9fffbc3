"""The standard streams in every state that a shell can leave them in."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest

from fzctl.cli import streams
from fzctl.errors import CaptureError
from tests.cli.conftest import Result, Run
from tests.records import hostile_packets, raw

FORMS = ("text", "tree", "json", "jsonl", "hex", "fields -e fzp2p.domain")

each_form = pytest.mark.parametrize("form", FORMS)


def failed(found: Result) -> str:
    """What went to stderr, of which no line may be Python's."""
    assert "Traceback" not in found.err
    assert "Exception ignored" not in found.err
    return found.err


@each_form
def test_a_reader_that_goes_away_ends_it_quietly(form: str, shell: Run, hex_file: Callable[..., str]) -> None:
    name = hex_file()
    # Far more than a pipe holds, so that the writer must notice.
    shell(f"for i in $(seq 500); do cat {name}; done > many.hex")
    found = shell(f"$FZCTL decode --hex -T {form} many.hex | head -1; exit ${{PIPESTATUS[0]}}")
    assert (found.code, failed(found), len(found.lines)) == (141, "", 1)


def test_a_reader_that_never_reads_is_noticed_at_the_end(shell: Run, hex_file: Callable[..., str]) -> None:
    found = shell(f"(sleep 0.3; $FZCTL -q decode --hex {hex_file()}) | true; exit ${{PIPESTATUS[0]}}")
    assert (found.code, failed(found)) == (141, "")


def test_both_outputs_into_a_closed_pipe(shell: Run, hex_file: Callable[..., str]) -> None:
    found = shell(f"(sleep 0.3; $FZCTL decode --hex {hex_file()} 2>&1) | true; exit ${{PIPESTATUS[0]}}")
    assert (found.code, failed(found)) == (141, "")


def test_a_capture_into_a_closed_pipe(shell: Run, hex_file: Callable[..., str]) -> None:
    found = shell(f"(sleep 0.3; $FZCTL decode --hex -w - {hex_file()}) | true; exit ${{PIPESTATUS[0]}}")
    assert (found.code, failed(found)) == (141, "")


@each_form
def test_a_full_disk_is_one_sentence(form: str, shell: Run, hex_file: Callable[..., str]) -> None:
    found = shell(f"$FZCTL decode --hex -T {form} {hex_file()} > /dev/full")
    assert (found.code, failed(found)) == (3, "fzctl: standard output: No space left on device\n")


@each_form
def test_a_closed_stdout_is_one_sentence(form: str, shell: Run, hex_file: Callable[..., str]) -> None:
    found = shell(f"$FZCTL decode --hex -T {form} {hex_file()} >&-")
    assert (found.code, failed(found)) == (3, "fzctl: standard output: is closed\n")


@pytest.mark.parametrize("arguments", ["--help", "--version", "decode --help", "doctor", "craft goodbye"])
@pytest.mark.parametrize("target", ["> /dev/full", ">&-"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_whatever_prints_copes_with_no_stdout(
    arguments: str, target: str, unbuffered: str, shell: Run
) -> None:
    found = shell(f"$FZCTL {arguments} {target}", PYTHONUNBUFFERED=unbuffered)
    assert found.code == 3
    assert failed(found).startswith("fzctl: standard output: ")


def test_a_full_disk_behind_w_is_one_sentence(shell: Run, hex_file: Callable[..., str]) -> None:
    found = shell(f"$FZCTL decode --hex -w /dev/full {hex_file()}")
    assert (found.code, failed(found)) == (
        3,
        "fzctl: /dev/full: cannot be written: No space left on device\n",
    )


def test_a_closed_stdout_stops_nobody_who_needs_none(shell: Run, hex_file: Callable[..., str]) -> None:
    found = shell(f"$FZCTL decode --hex -w a.pcapng {hex_file()} >&- && $FZCTL -q decode -T hex a.pcapng")
    assert (found.code, len(found.lines)) == (0, 5)


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_a_stderr_that_takes_nothing_changes_nothing(
    closed: str, shell: Run, hex_file: Callable[..., str]
) -> None:
    name = hex_file()
    found = shell(f"$FZCTL decode --hex {name} {closed}")
    assert found == shell(f"$FZCTL decode --hex {name} 2>/dev/null")
    assert shell(f"$FZCTL decode nosuch.pcap {closed}").code == 3


@pytest.mark.parametrize("arguments", ["decode -", "decode --hex -"])
def test_a_closed_stdin_is_one_sentence(arguments: str, shell: Run) -> None:
    found = shell(f"$FZCTL {arguments} <&-")
    assert (found.code, failed(found)) == (3, "fzctl: standard input: is closed\n")


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"PYTHONUTF8": "1"},
        {"LC_ALL": "nonsense"},
    ],
    ids=str,
)
@each_form
def test_no_encoding_is_too_poor_for_any_text(
    environment: dict[str, str], form: str, shell: Run, hex_file: Callable[..., str]
) -> None:
    # A name that is no UTF-8, and letters that most encodings lack, where they are shown as they are.
    name = hex_file(raw(0, "{例: ü}"), *hostile_packets(), name="例ü.hex")
    found = shell(
        f"cp {name} $'a\\xff.hex'; $FZCTL decode --hex -T {form} $'a\\xff.hex' 例ü.hex", **environment
    )
    assert (found.code, len(found.lines) > 100) == (0, True)
    failed(found)


@pytest.mark.parametrize("form", ["text", "tree"])
def test_a_poor_terminal_gets_its_table_too(form: str, terminal: Run, hex_file: Callable[..., str]) -> None:
    found = terminal(f"$FZCTL decode -T {form} --hex {hex_file()}", PYTHONIOENCODING="ascii")
    assert found.code == 0
    assert found.out.isascii()


def test_a_closed_stdout_takes_nothing_and_says_so() -> None:
    closed = streams._Closed()
    assert closed.write("") == 0
    with pytest.raises(CaptureError, match="standard output: is closed"):
        closed.write("x")


def test_what_stderr_refuses_is_lost_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "full")

    monkeypatch.setattr(sys, "stderr", Full())
    streams.say("lost")


def test_who_reads_nothing_is_waited_for_no_longer_and_who_reads_gets_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        out.write("read")
        assert not streams.let_go()
        out.flush()
        os.set_blocking(writer, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        os.set_blocking(writer, True)
        assert streams.let_go()
        assert not streams.let_go()
        out.write("x" * 1_000_000)
        out.flush()
    with open(reader, "rb") as found:
        assert found.read().rstrip(bytes(1)) == b"read"


def test_concealed_names_are_replaced_as_wholes_until_the_next_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    streams.conceal({"acme.pcap": "xxxx.pcap", "logs/acme.pcap": "logs/yyyy.pcap"})
    streams.say("logs/acme.pcap: cut; acme.pcap: gone; not-acme.pcaps; (acme.pcap)")
    streams.prepare()
    streams.say("acme.pcap")
    assert capsys.readouterr().err == (
        "logs/yyyy.pcap: cut; xxxx.pcap: gone; not-acme.pcaps; (xxxx.pcap)\nacme.pcap\n"
    )
