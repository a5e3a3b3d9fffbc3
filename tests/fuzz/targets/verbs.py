"""Any file given to any verb ends in a promised exit code, and its output is harmless.

The first byte chooses the verb and its form; the rest is the file.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from typing import Any

from fzctl.cli.main import main
from fzctl.errors import EXIT_DONE, EXIT_INPUT, EXIT_NEGATIVE
from tests.fuzz.target import HERE
from tests.fuzz.targets import pcap, pcapng
from tests.fuzz.walks import samples
from tests.logs.read import DATA
from tests.records import harmful

_ROOT = HERE.parents[1]
_KEYS = "{keys}"
_REDACTED = ("--redact", "--redact-key", "{redaction}")
VERBS: tuple[tuple[str, ...], ...] = (
    ("decode",),
    ("decode", "-T", "jsonl"),
    ("decode", "-T", "jsonl", "-k", _KEYS),
    ("decode", "-T", "tree", "-x", "-k", _KEYS),
    ("decode", "-T", "fields", "-e", "fzp2p.domain", "-e", "fzp2p.response_in", "-e", "fzp2p.reason"),
    ("decode", "-T", "json", "-k", _KEYS, *_REDACTED),
    ("decode", "-T", "jsonl", "-Y", 'fzp2p.domain contains "a" or fzp2p.accepted == 0', "--dialect", "next"),
    ("decode", "-T", "hex", "-k", _KEYS),
    ("decode", "--hex", "-T", "tree"),
    ("decode", "-k", _KEYS, "-w", "{out}.pcapng"),
    ("analyze", "-k", _KEYS),
    ("analyze",),
    ("analyze", "-T", "json", "-k", _KEYS),
    ("analyze", "-T", "json", *_REDACTED),
    ("analyze", "-k", _KEYS, "--html", "{out}.html", "--svg", "{out}.svg"),
    ("analyze", "-k", _KEYS, "--logs", "{log}"),
    ("check", "-k", _KEYS),
    ("check", "-T", "jsonl"),
    ("stats", "-T", "json", "-k", _KEYS),
    ("stats",),
    ("logs",),
    ("logs", "-T", "jsonl"),
    ("logs", "--all-fields", *_REDACTED),
    ("logs", "{log}", "--with"),
    ("decode", "-T", "jsonl", "{sample}", "-k"),
)
CAPTURES = tuple(
    number
    for number, verb in enumerate(VERBS)
    if verb[0] != "logs" and "--hex" not in verb and verb[-1] != "-k"
)
TOKENS = (*pcap.TOKENS, *pcapng.TOKENS)
LONGEST = 8192


def check(data: bytes) -> None:
    verb = VERBS[data[0] % len(VERBS)] if data else VERBS[0]
    with tempfile.TemporaryDirectory(
        prefix="fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    ) as folder:
        places = {
            "keys": f"{folder}/keys",
            "redaction": f"{folder}/redaction",
            "out": f"{folder}/out",
            "log": str(DATA / "client.log"),
            "sample": str(_ROOT / "captures/encrypted/direct.pcap"),
        }
        for name, content in (
            ("keys", _KEY_LINES),
            ("redaction", b"a key of some length for redaction"),
            ("input", data[1:]),
        ):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(content)
        arguments = [each.format(**places) if "{" in each else each for each in verb]
        code, out, err = run([*arguments, f"{folder}/input"])
        assert code in (EXIT_DONE, EXIT_NEGATIVE, EXIT_INPUT), err
        assert not harmful(err), err
        assert (code == EXIT_INPUT) <= bool(err)
        _check_output(verb, out)
        for name in os.listdir(folder):
            if name.startswith("out") and name.endswith((".html", ".svg")):
                with open(f"{folder}/{name}", encoding="utf-8") as file:
                    _Page().feed(file.read())


def run(arguments: list[str]) -> tuple[int, str, str]:
    """As a user runs it, but for an exception that nothing caught, which comes through."""
    os.environ["FZCTL_TRACEBACK"] = "1"
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


def _check_output(verb: tuple[str, ...], out: str) -> None:
    form = verb[verb.index("-T") + 1] if "-T" in verb else "text"
    if form == "jsonl":
        for line in out.splitlines():
            assert isinstance(json.loads(line), dict)
        assert out.isascii()
    elif form == "json":
        assert json.loads(out or "{}") is not None
    elif form == "fields":
        assert all(line.count("\t") == 2 for line in out.split("\n")[:-1])
        assert not harmful(out.replace("\t", ""))
    else:
        assert not harmful(out)


class _Page(HTMLParser):
    """A report or a picture: nothing in it happens at a click or comes from elsewhere."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("iframe", "object", "embed", "link", "base", "form", "img")
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in ("src", "href", "action") or (value or "").startswith("#")


_KEY_LINES = b"".join(path.read_bytes() for path in sorted((_ROOT / "captures/encrypted").glob("*.keys")))


def seeds() -> list[bytes]:
    files = [each for ending in ("pcap", "pcapng") for each in samples(ending) if len(each) < LONGEST]
    made = [each for each in pcap.seeds()[:3] + pcapng.seeds()[:4] if len(each) < 4096]
    chosen = [
        bytes((CAPTURES[number % len(CAPTURES)],)) + data for number, data in enumerate((files + made) * 2)
    ]
    logs = [(DATA / name).read_bytes()[:3000] for name in ("client.log", "gateway.jsonl", "relay.jsonl")]
    others = [number for number, verb in enumerate(VERBS) if verb[0] == "logs" and verb[-1] != "--with"]
    chosen += [bytes((number,)) + log for number, log in zip(others, logs, strict=False)]
    return [
        *chosen,
        bytes((VERBS.index(("logs", "{log}", "--with")),)) + files[0],
        bytes((len(VERBS) - 1,)) + _KEY_LINES,
        b"\x08600000",
    ]


def inputs() -> Any:
    from hypothesis import strategies as st

    captures = st.one_of(pcap.inputs(), pcapng.inputs())
    return st.builds(lambda number, data: bytes((number,)) + data, st.sampled_from(CAPTURES), captures)
