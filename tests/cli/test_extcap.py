"""The program that Wireshark starts: answers at once, complaints for its window."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from fzctl.cli import extcap
from fzctl.cli.extcap import main
from fzctl.wireshark.extcap import dlts_answer, interfaces_answer
from tests.cli.conftest import ENVIRONMENT
from tests.records import harmful

LATE = "fzp2p.response_in is known only later: use it as Wireshark's display filter"
UNKNOWN = "fzctl: unknown option --extcap-magic; Wireshark starts this program\n"
VERIFY = ("--extcap-interface", "fzctl", "--extcap-capture-filter")


def test_the_three_questions_are_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--extcap-interfaces", "--extcap-version=4.0"]) == 0
    assert capsys.readouterr().out == interfaces_answer()
    assert main(["--extcap-dlts", "--extcap-interface", "fzctl"]) == 0
    assert capsys.readouterr().out == dlts_answer()
    assert main(["--extcap-config", "--extcap-interface", "fzctl"]) == 0
    assert "{value=lo}" in capsys.readouterr().out


def test_an_interface_whose_name_would_say_more_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["wg0", "x}{display=lo}", "\x1b[2J", "\udcff", "\u202ea"]
    monkeypatch.setattr("_socket.if_nameindex", lambda: list(enumerate(names)))
    assert main(["--extcap-config"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"^value .*?\{value=(.*?)\}", out, re.MULTILINE) == ["", "any", "wg0"]
    assert not harmful(out)


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("", ""),
        ("fzp2p.kind == 1", ""),
        ("fzp2p.response_to", ""),
        ("fzp2p.knd", "filter: there is no field fzp2p.knd; did you mean fzp2p.kind?\n"),
        (
            "fzp2p.response_in",
            f"{LATE}\n",
        ),
        ("\x1b", 'filter: "\ufffd" has no meaning here; text goes in "quotes"\n'),
    ],
)
def test_a_filter_is_judged_while_it_is_typed(
    expression: str, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*VERIFY, expression]) == 0
    assert capsys.readouterr().out == answer


def test_what_is_wrong_is_a_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--extcap-magic"]) == 2
    assert capsys.readouterr() == (
        "",
        "fzctl: unknown option --extcap-magic; Wireshark starts this program\n",
    )


def test_a_bug_of_ours_is_a_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> str:
        raise LookupError("x")

    monkeypatch.setattr(extcap, "dlts_answer", broken)
    monkeypatch.delenv("FZCTL_TRACEBACK", raising=False)
    assert main(["--extcap-dlts"]) == 70
    said = "fzctl: this is a bug in fzctl (LookupError: x)\n"
    assert capsys.readouterr().err == said
    monkeypatch.setenv("FZCTL_TRACEBACK", "1")
    assert main(["--extcap-dlts"]) == 70
    with_traceback = capsys.readouterr().err
    assert with_traceback.startswith("Traceback (most recent call last):\n")
    assert with_traceback.endswith(said)


def test_the_questions_at_wiresharks_start_load_next_to_nothing() -> None:
    """Wireshark asks each program at each start."""
    script = (
        "import sys; before = set(sys.modules); from fzctl.cli.extcap import main\n"
        "main(['--extcap-interfaces']); main(['--extcap-config'])\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    loaded = set(done.stderr.split())
    assert not loaded & {
        "argparse",
        "socket",
        "subprocess",
        "json",
        "struct",
        "scapy",
        "rich",
        "cryptography",
    }
    assert {name for name in loaded if name.startswith("fzctl.")} <= {
        "fzctl.cli", "fzctl.cli.extcap", "fzctl.errors", "fzctl.wireshark", "fzctl.wireshark.extcap",
    }  # fmt: skip
