"""``decode`` with what must not get through: names to be redacted, hostile text; and ``-w``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_decode import HEX
from tests.records import HOSTILE, RESOURCE, goodbye, harmful, hostile_packets

FORMS = ("text", "tree", "json", "jsonl", "hex", "fields -e fzp2p.domain -e fzp2p.reason -e fzp2p.payload")


@pytest.mark.parametrize("form", FORMS)
def test_redaction_leaves_no_name_in_any_form(form: str, fzctl: Run) -> None:
    extra = ["-x"] if form in ("text", "tree") else []
    found = fzctl("decode", "--hex", "--redact", "-T", *form.split(), *extra, "-", stdin=HEX)
    assert found.code == 0
    for name in (
        "gitlab",
        "example",
        RESOURCE,
        "100.96.0",
        b"gitlab".hex(),
        b"gitlab".hex(" "),
        b"100.96".hex(),
    ):
        assert name not in found.out + found.err


def test_a_filter_means_what_was_there_before_redaction(fzctl: Run) -> None:
    found = fzctl(
        "decode", "--hex", "--redact", "-Y", 'fzp2p.domain contains "gitlab"', "-T", "jsonl", "-", stdin=HEX
    )
    domains = {json.loads(line)["fields"]["domain"] for line in found.lines}
    assert len(found.lines) == 2
    assert len(domains) == 1
    assert "gitlab.example.com" not in domains


HOSTILE_CASES = [
    *((form, extra) for form in FORMS for extra in ("", "--color always")),
    *((form, "-x") for form in ("text", "tree")),
]


@pytest.mark.parametrize(("form", "extra"), HOSTILE_CASES)
def test_hostile_text_reaches_no_form(
    form: str, extra: str, fzctl: Run, hex_file: Callable[..., str]
) -> None:
    names = [
        hex_file(*hostile_packets(), name=name.replace("/", "|").replace("\0", "")) for name in HOSTILE[:6]
    ]
    found = fzctl("decode", "--hex", "-T", *form.split(), *extra.split(), *names)
    assert found.code == 0
    out = found.out.replace("\t", " ") if form.startswith("fields") else found.out
    for style in ("0", "1", "2", "31", "32", "33"):
        out = out.replace(f"\x1b[{style}m", "") if "always" in extra else out
    assert not harmful(out)
    assert not harmful(found.err)


def test_hostile_text_reaches_no_terminal(terminal: Run, hex_file: Callable[..., str]) -> None:
    for rows in (1000, 5):  # a table, then lines
        found = terminal(
            f"$FZCTL decode --hex --color never {hex_file(*hostile_packets())}", rows=rows, columns=300
        )
        assert found.code == 0
        assert not harmful(found.out)
        assert "[red]alert[/red]" in found.out


def write_and_read(fzctl: Run, target: str, *arguments: str) -> list[str]:
    assert fzctl("-q", "decode", "--hex", "-w", target, *arguments, "-", stdin=HEX) == (0, "", "")
    return fzctl("decode", "-T", "hex", target).lines


@pytest.mark.parametrize("name", ["a.pcapng", "a.pcap", "a.pcapng.gz", "a.pcap.zst", "strange name"])
def test_what_is_written_is_read_again(name: str, fzctl: Run, tmp_path: Path) -> None:
    assert write_and_read(fzctl, str(tmp_path / name)) == HEX.split()
    assert write_and_read(fzctl, str(tmp_path / name), "-Y", "fzp2p.kind == 2") == [goodbye().hex()]


def test_a_written_capture_says_the_same_as_its_input(fzctl: Run, tmp_path: Path) -> None:
    written = str(tmp_path / "b.pcapng")
    captures = Path(__file__).parents[2] / "captures"
    for name in ("kinds.pcapng", "refused.pcapng"):
        assert fzctl("-q", "decode", "-w", written, str(captures / name)).code == 0
        before, after = (
            [json.loads(line) for line in fzctl("decode", "-T", "jsonl", each).lines]
            for each in (str(captures / name), written)
        )
        for each in (*before, *after):
            del each["frame"], each["path"]
        assert before == after


def test_redacted_bytes_are_written(fzctl: Run, tmp_path: Path) -> None:
    target = tmp_path / "a.pcapng"
    assert len(write_and_read(fzctl, str(target), "--redact")) == 3
    assert b"gitlab" not in target.read_bytes()
    assert RESOURCE.encode() not in target.read_bytes()


def test_with_a_form_both_are_made(fzctl: Run, tmp_path: Path) -> None:
    found = fzctl("decode", "--hex", "-T", "hex", "-w", str(tmp_path / "a.pcapng"), "-", stdin=HEX)
    assert found.lines == HEX.split()
    assert fzctl("decode", "-T", "hex", str(tmp_path / "a.pcapng")).lines == HEX.split()


def test_an_input_is_never_overwritten(fzctl: Run, tmp_path: Path) -> None:
    target = tmp_path / "a.pcapng"
    write_and_read(fzctl, str(target))
    before = target.read_bytes()
    (tmp_path / "link").symlink_to(target)
    for name in (target, tmp_path / "link", tmp_path / "." / "a.pcapng"):
        found = fzctl("decode", "-w", str(name), str(target))
        assert (found.code, found.out) == (2, "")
        assert "would overwrite an input" in found.err
    assert target.read_bytes() == before
