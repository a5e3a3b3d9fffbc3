"""``decode``: inputs, selection, counts and complaints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ENVIRONMENT, Run
from tests.protocol.test_vectors import VECTORS
from tests.records import assigned, goodbye, raw, status

HEX = "".join(
    packet.hex() + "\n"
    for packet in (assigned("gitlab.example.com"), status("gitlab.example.com", "Inactive"), goodbye())
)


def test_help_looks_like_this(fzctl: Run, golden: Callable[[str, str], None]) -> None:
    golden(fzctl("decode", "--help").out, "help-decode.txt")


def test_every_vector_in_hex_gives_a_line_with_its_verdict(fzctl: Run) -> None:
    some = [each for each in VECTORS if each["hex"] is not None and each["dialect"] == "current"]
    found = fzctl(
        "decode",
        "--hex",
        "--dialect",
        "current",
        "-T",
        "jsonl",
        "-",
        stdin="".join(f"{each['hex']}\n" for each in some),
    )
    records = [json.loads(line) for line in found.lines]
    assert [(each["control"], each["accepted"], each["reason"]) for each in records] == [
        (each["expect"]["control"], each["expect"]["accepted"], each["expect"]["reason"]) for each in some
    ]
    assert found.code == 0


def test_lines_that_are_no_hex_are_shown_counted_and_end_in_3(fzctl: Run) -> None:
    found = fzctl(
        "decode",
        "--hex",
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "fzp2p.reason",
        "-",
        stdin="zz\n" + HEX + "f\n",
    )
    assert found.lines == ["1\tip_empty", "2\tok", "3\tok", "4\tok", "5\tip_empty"]
    assert (found.code, found.err) == (
        3,
        "fzctl: standard input: line 1 is not hexadecimal, and it is not the only one\n",
    )


@pytest.mark.parametrize(
    ("arguments", "frames"),
    [
        ([], "1 2 3"),
        (["-Y", 'fzp2p.domain contains "gitlab"'], "1 2"),
        (["-Y", "fzp2p.kind == 2"], "3"),
        (["-Y", "fzp2p.kind > 2"], ""),
        (["-c", "2"], "1 2"),
        (["-c", "1", "-Y", 'fzp2p.status == "Inactive"'], "2"),
        (["-c", "9" * 25], "1 2 3"),
        (["-c", "9" * 5000], "1 2 3"),
        (["-Y", "fzp2p.response_in"], "1"),
        (["-Y", "fzp2p.response_to == 1"], "2"),
        (["-Y", "fzp2p.exchange == 1", "-c", "1"], "1"),
    ],
)
def test_a_selection_takes_what_it_names(arguments: list[str], frames: str, fzctl: Run) -> None:
    found = fzctl("decode", "--hex", "-T", "fields", "-e", "frame.number", *arguments, "-", stdin=HEX)
    assert (found.code, " ".join(found.lines)) == (0, frames)


@pytest.mark.parametrize("count", ["0", "-1", "1.5", "x", "", "٣", "1e3"])
def test_a_count_is_a_whole_number_above_0(count: str, fzctl: Run) -> None:
    found = fzctl("decode", "--hex", f"-c={count}", "-", stdin=HEX)
    assert (found.code, found.out) == (2, "")
    assert "is no whole number above 0" in found.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-T", "fields"], "-T fields needs at least one -e FIELD"),
        (
            ["-T", "fields", "-e", "fzp2p.domian"],
            '-e: "fzp2p.domian" is no field; did you mean "fzp2p.domain"?',
        ),
        (["-e", "fzp2p.domain"], "-e goes with -T fields"),
        (["-T", "jsonl", "-x"], "-x goes with -T text and -T tree"),
        (["-w", "-", "-T", "text"], "-w - takes stdout for the capture; leave -T away"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], sentence: str, fzctl: Run) -> None:
    assert fzctl("decode", "--hex", *arguments, "-", stdin=HEX) == (2, "", f"fzctl: {sentence}\n")


def test_a_filter_that_is_wrong_points_at_the_place(fzctl: Run) -> None:
    found = fzctl("decode", "--hex", "-Y", "fzp2p.kind == 1 and fzp2p.domian", "-", stdin=HEX)
    assert (found.code, found.out) == (2, "")
    *_, expression, carets = found.err.splitlines()
    assert expression[carets.index("^") : carets.rindex("^") + 1] == "fzp2p.domian"


def test_several_inputs_name_the_file_and_one_does_not(fzctl: Run, hex_file: Callable[..., str]) -> None:
    first, second = hex_file(goodbye(), name="a.hex"), hex_file(assigned(), name="b.hex")
    both = [json.loads(line) for line in fzctl("decode", "--hex", "-T", "jsonl", first, "-r", second).lines]
    assert sorted((each["file"], each["frame"]) for each in both) == [(first, 1), (second, 1)]
    assert "file" not in json.loads(fzctl("decode", "--hex", "-T", "jsonl", first).out)


def test_files_may_stand_between_options(fzctl: Run, hex_file: Callable[..., str]) -> None:
    first, second = hex_file(goodbye(), name="a.hex"), hex_file(assigned(), name="b.hex")
    ordered = fzctl("decode", "--hex", "-T", "hex", "-q", first, second)
    assert fzctl("decode", first, "--hex", second, "-T", "hex", "-q") == ordered
    assert fzctl(first, "-q", "--hex", "-T", "hex", second) == ordered
    assert ordered.lines == [goodbye().hex(), assigned().hex()]


def test_an_input_that_fails_does_not_keep_the_others_from_being_read(
    fzctl: Run, hex_file: Callable[..., str]
) -> None:
    found = fzctl("decode", "--hex", "-T", "hex", "nosuch\x1b", hex_file(goodbye()), "/")
    assert (found.code, found.lines) == (3, [goodbye().hex()])
    assert found.err == (
        "fzctl: nosuch\\x1b: cannot be read: No such file or directory\n"
        "fzctl: /: cannot be read: Is a directory\n"
    )


def test_counts_go_to_stderr_and_quiet_leaves_them_away(fzctl: Run) -> None:
    lines = HEX + raw(0, "{").hex() + "\n45\n"
    found = fzctl("decode", "--hex", "-", stdin=lines)
    assert found.err == (
        "fzctl: 4 control messages in 5 packets: 2 AssignedIps, 1 DomainStatus, 1 Goodbye; 1 not accepted; "
        "1 packet that no receiver takes for one\n"
    )
    assert fzctl("-q", "decode", "--hex", "-", stdin=lines) == found._replace(err="")
    assert fzctl("decode", "--hex", "-", stdin="") == (0, "", "fzctl: no control messages in no packets\n")
    assert (
        fzctl("decode", "--hex", "-c", "1", "-", stdin=lines).err
        == "fzctl: 1 control message in 1 packet: 1 AssignedIps\n"
    )


@pytest.mark.parametrize("form", ["json", "jsonl", "hex"])
def test_forms_for_programs_have_counts_only_where_asked(form: str, fzctl: Run) -> None:
    assert fzctl("decode", "--hex", "-T", form, "-", stdin=HEX).err == ""
    assert fzctl("decode", "-v", "--hex", "-T", form, "-", stdin=HEX).err.startswith(
        "fzctl: 3 control messages in 3"
    )


def test_the_dialect_judges(fzctl: Run) -> None:
    packet = raw(3, {"dst": "::1", "protocol": "icmp"}).hex()
    for dialect, reason in (
        ("auto", "ok"),
        ("next", "ok"),
        ("current", "unknown_event"),
        ("seed", "unknown_event"),
    ):
        found = fzctl("decode", "--hex", "--dialect", dialect, "-T", "jsonl", "-", stdin=packet)
        assert json.loads(found.out)["reason"] == reason


def test_a_capture_goes_through_pipes(shell: Run, hex_file: Callable[..., str]) -> None:
    found = shell(
        f"$FZCTL -q decode --hex -w - {hex_file()} | $FZCTL -q decode -w - - | $FZCTL decode -T hex -"
    )
    assert (found.code, found.err) == (0, "")
    assert found.lines == Path(hex_file()).read_text().split()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (": > x", "x: the file is empty"),
        ("mkdir x", "x: is a directory, not a capture file"),
        (
            "echo hello world > x",
            "x at byte 0: this is no capture file: it begins like neither pcap nor pcapng",
        ),
        ("ln -s x x", "x: cannot be opened: Too many levels of symbolic links"),
        ("true", "x: cannot be opened: No such file or directory"),
    ],
)
def test_what_is_no_capture_is_one_sentence(make: str, problem: str, shell: Run) -> None:
    for form in ("text", "jsonl"):
        assert shell(f"rm -rf x; {make}; $FZCTL decode -T {form} x") == (3, "", f"fzctl: {problem}\n")
    assert shell(f"rm -rf x; {make}; $FZCTL decode -T json x") == (3, "[]\n", f"fzctl: {problem}\n")


def test_a_file_without_permission_is_one_sentence(shell: Run) -> None:
    # Root may read everything, unless the right to do so is taken away.
    drop = "setpriv --bounding-set -dac_override,-dac_read_search " if os.geteuid() == 0 else ""
    found = shell(f"echo > x; chmod 0 x; {drop}$FZCTL decode x")
    if "setpriv" in found.err:
        pytest.skip("root may read everything here")
    assert found == (3, "", "fzctl: x: cannot be opened: Permission denied\n")


def test_messages_from_a_pipe_are_shown_at_once() -> None:
    command = [sys.executable, "-m", "fzctl", "decode", "--hex", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for packet in (goodbye(), assigned()):
            process.stdin.write(packet.hex().encode() + b"\n")
            process.stdin.flush()
            assert b" ok" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_ctrl_c_keeps_what_was_found(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fzctl", "decode", "--hex", "-T", "json", "-w", "a.pcapng", "-"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        cwd=tmp_path,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(goodbye().hex().encode() + b"\n")
        process.stdin.flush()
        begin = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, err = process.stdout.read(), process.stderr.read() if process.stderr else b""
        assert (process.wait(60), b"Traceback" in err) == (130, False)
    assert [each["name"] for each in json.loads(begin + rest)] == ["goodbye"]
    again = subprocess.run(
        [*command[:4], "-T", "hex", "a.pcapng"],
        capture_output=True,
        env=ENVIRONMENT,
        cwd=tmp_path,
        check=True,
    )
    assert again.stdout.decode().strip() == goodbye().hex()
