"""``compare``: two readings, and an exit code that tells whether they differ."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

from fzctl.analysis.exchanges import follow_whole
from fzctl.cli import compare
from fzctl.cli.parser import add_common_arguments
from fzctl.errors import CaptureError, UsageError
from fzctl.pcap.capture import open_capture
from fzctl.records import read_records
from fzctl.wireshark.compare import our_values
from tests.cli.conftest import Run
from tests.cli.test_full import room_for
from tests.pcap import build
from tests.records import assigned, goodbye

ROOT = Path(__file__).parents[2]
SAMPLE = str(ROOT / "captures" / "setup.pcapng")
# Wireshark takes link type 147 for IP only where its preferences say so, and cannot use transport keys.
NOT_FOR_WIRESHARK = ("user0", "late")
SAMPLES = sorted(path for path in (ROOT / "captures").rglob("*.pcap*") if path.stem not in NOT_FOR_WIRESHARK)


def run(*arguments: str) -> int:
    parser = ArgumentParser()
    add_common_arguments(parser)
    compare.add_arguments(parser)
    return compare.run(parser.parse_args(arguments))


@pytest.fixture
def as_we_read_it(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, dict[str, list[str]]]]:
    """tshark's reading replaced by our own, which a test may then falsify."""
    with open_capture(SAMPLE) as capture:
        found = [
            (record.frame, {name: list(values) for name, values in our_values(record).items()})
            for record in follow_whole(read_records(capture.candidates()))
        ]

    def read(*_: object, **__: object) -> Iterator[tuple[int, dict[str, list[str]]]]:
        yield from found

    monkeypatch.setattr("fzctl.wireshark.tshark.read_with_tshark", read)
    monkeypatch.setattr("fzctl.cli.wiresharkinstall.dissector_text", lambda: "-- stands for the Lua\n")
    return found


@pytest.mark.usefixtures("as_we_read_it")
def test_equal_readings_end_in_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(SAMPLE) == 0
    assert capsys.readouterr().out == (
        f"{SAMPLE}: 3 messages in fzctl, 3 messages in tshark, no differences\n"
    )


def test_a_difference_is_named_and_ends_in_1(
    as_we_read_it: list[tuple[int, dict[str, list[str]]]], capsys: pytest.CaptureFixture[str]
) -> None:
    as_we_read_it[1][1]["fzp2p.status"] = []
    assert run(SAMPLE) == 1
    assert capsys.readouterr().out.splitlines()[0] == ("frame 3: fzp2p.status: fzctl Active, tshark has none")


def test_a_message_that_tshark_does_not_see_is_a_difference(
    as_we_read_it: list[tuple[int, dict[str, list[str]]]], capsys: pytest.CaptureFixture[str]
) -> None:
    del as_we_read_it[2]
    assert run(SAMPLE) == 1
    assert "frame 8: fzp2p: fzctl ok, tshark has no message" in capsys.readouterr().out


@pytest.mark.usefixtures("as_we_read_it")
def test_where_there_is_no_room_for_the_dissector_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with room_for(10), pytest.raises(CaptureError, match=r"^temporary files: cannot be written: .* TMPDIR"):
        run(SAMPLE)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(CaptureError, match=r"^temporary files: cannot be written: .* TMPDIR"):
        run(SAMPLE)


@pytest.mark.peer("tshark")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_on_a_sample_both_say_the_same(sample: Path) -> None:
    keys = sample.with_suffix(".keys")
    given = ["-k", str(keys)] if keys.exists() else []
    # In a process of its own: pyshark starts an event loop, which nobody closes.
    done = subprocess.run(
        [sys.executable, "-m", "fzctl", "compare", "-q", *given, str(sample)],
        capture_output=True, text=True, timeout=60, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.stdout.endswith("no differences\n"), done.stdout
    assert not done.stdout.startswith(f"{sample}: no messages")
    assert done.returncode == 0


@pytest.mark.parametrize("arguments", [(), ("-",), ("-k", "a", "-k", "b", SAMPLE)])
def test_what_cannot_be_compared_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(*arguments)


@pytest.mark.usefixtures("as_we_read_it")
def test_a_file_that_is_not_there_is_named_and_the_others_are_compared(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = str(tmp_path / "none.pcap")
    assert run(missing, SAMPLE) == 3
    said = capsys.readouterr()
    assert said.out == f"{SAMPLE}: 3 messages in fzctl, 3 messages in tshark, no differences\n"
    assert said.err == f"fzctl: {missing}: cannot be opened: No such file or directory\n"


def test_a_tshark_that_does_not_start_is_exit_code_5(shell: Run, tmp_path: Path) -> None:
    for number, (text, said) in enumerate((("exit 3", "exit status 3"), ("kill -ABRT $$", "SIGABRT"))):
        (tmp_path / f"{number}").mkdir()
        program = tmp_path / f"{number}" / "tshark"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        found = shell(f'PATH="{program.parent}:$PATH" $FZCTL compare {SAMPLE}')
        assert (found.code, found.out) == (5, "")
        assert found.err.startswith("fzctl: tshark cannot be started: ")
        assert said in found.err
        assert found.err.count("\n") == 1


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("exit 0", ""),
        ("echo no more paper >&2; exit 2", "tshark gave up: no more paper"),
        ("kill -SEGV $$", "tshark gave up: SIGSEGV ended it"),
    ],
)
def test_how_tshark_ends_after_its_output_is_waited_for_and_told(
    end: str, said: str, shell: Run, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "tshark"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
        [ "$1" != -v ] || exec echo 'TShark (Wireshark) 4.0.17'
        echo careful >&2
        echo '<pdml></pdml>'
        exec >&-
        sleep 0.2
        {end}
        """
    )
    program.chmod(0o755)
    (tmp_path / "a.pcap").write_bytes(build.pcap([]))
    found = shell(f'PATH="{program.parent}:$PATH" $FZCTL compare a.pcap')
    assert found.out == "a.pcap: no messages in fzctl, no messages in tshark, no differences\n"
    assert found.err == (said and f"fzctl: a.pcap: {said}\n")
    assert found.code == (3 if said else 0)


@pytest.mark.peer("tshark")
def test_what_both_read_before_the_damage_is_compared(shell: Run, tmp_path: Path) -> None:
    damaged = build.pcap([assigned(), goodbye()]) + struct.pack("<IIII", 1, 1, 0xFFFFFFFF, 0xFFFFFFFF)
    (tmp_path / "a.pcap").write_bytes(damaged)
    found = shell("$FZCTL compare a.pcap")
    assert found.code == 3
    assert found.out == "a.pcap: 2 messages in fzctl, 2 messages in tshark, no differences\n"
    first, second = found.err.splitlines()
    assert "a record claims 4294967295 bytes" in first
    assert second.startswith("fzctl: a.pcap: tshark gave up: (")
