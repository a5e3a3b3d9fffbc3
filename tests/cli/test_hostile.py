"""Hostile text out of packets, logs, keys and names of files, in every form of every verb that reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fzctl.cli import wiresharkinstall
from fzctl.cli.main import VERBS
from fzctl.cli.parser import build_parser
from fzctl.pcap.capture import open_capture
from fzctl.wireshark.folders import Folders
from tests.cli.conftest import ROOT, Result, Run
from tests.cli.test_client import CONFIG
from tests.hostile import (
    ATTACKS,
    FIELDS,
    FORGED,
    FORMS,
    HUMAN,
    JSON,
    JSONL,
    NAME,
    SIGN,
    TABLE,
    accepted_domains,
    check,
    fields_wanted,
    log_lines,
    options_of,
    packets,
    texts_of,
    write_capture,
)
from tests.logs.read import zip_of
from tests.records import harmful
from tests.render.test_storyhtml import Page

SAMPLES = ROOT / "captures"

# Files in the folder, by what follows their hostile name.
OURS = "file:"
CAPTURE, COPY, KEYED, KEYS, LOG, ZIP, HEX, CONF, MISSING = (
    OURS + each
    for each in (".pcapng", "copy.pcapng", "2.pcap", ".keys", ".log", ".zip", ".hex", ".conf", ".nosuch")
)
WITH_KEYS = ("-k", KEYS, KEYED)
CASES: dict[str, tuple[str, ...]] = {
    **{f"decode {form}": ("decode", "-T", form, CAPTURE) for form in ("text", "tree", "json", "jsonl")},
    "decode hex": ("decode", "-T", "hex", CAPTURE),
    **{f"decode {form} several": ("decode", "-T", form, CAPTURE, COPY) for form in ("tree", "jsonl")},
    "decode text several": ("decode", "-v", "--hex", HEX, HEX, MISSING),
    "decode fields": ("decode", *fields_wanted(), CAPTURE),
    "decode text dump": ("decode", "-x", "-T", "text", "--color", "always", CAPTURE),
    "decode tree dump": ("decode", "-x", "-T", "tree", "--color", "always", CAPTURE),
    "decode seed": ("decode", "--dialect", "seed", CAPTURE),
    "decode redacted": ("decode", "--redact", "-v", "-T", "tree", CAPTURE, MISSING),
    "decode keys": ("decode", "-v", *WITH_KEYS),
    "decode written": ("decode", "-v", "-w", OURS + "out.pcapng", CAPTURE),
    "decode embedded": ("decode", "-w", OURS + "e.pcapng", "--keep-encrypted", "--embed-keys", *WITH_KEYS),
    "analyze text": ("analyze", "--ladder", "-T", "text", CAPTURE),
    "analyze text keys": ("analyze", "--color", "always", *WITH_KEYS, CAPTURE),
    "analyze json": ("analyze", "-T", "json", CAPTURE, KEYED),
    "analyze merge": ("analyze", "--merge", "--at", "#700", "-T", "text", CAPTURE, COPY),
    "analyze logs": ("analyze", "--logs", LOG, "-T", "text", CAPTURE),
    "analyze logs json": ("analyze", "--logs", LOG, "-T", "json", CAPTURE),
    **{f"check {form}": ("check", "-T", form, CAPTURE) for form in ("text", "json", "jsonl")},
    "check text several": ("check", "--color", "always", "-v", CAPTURE, COPY, MISSING),
    **{f"stats {form}": ("stats", "-T", form, CAPTURE) for form in ("text", "json")},
    "stats colour": ("stats", "--color", "always", CAPTURE, MISSING),
    **{f"logs {form}": ("logs", "-T", form, LOG) for form in ("text", "json", "jsonl")},
    "logs text whole": ("logs", "--all-fields", "--color", "always", LOG, ZIP, MISSING),
    "logs redacted": ("logs", "--redact", "-v", LOG, ZIP),
    **{f"logs with {form}": ("logs", "--with", CAPTURE, "-T", form, LOG) for form in ("text", "jsonl")},
    "logs with json": ("logs", "--with", CAPTURE, "-T", "json", LOG),
    "logs with whole": ("logs", "--with", CAPTURE, "--with", KEYED, "--all-fields", "--color", "always", LOG),
    **{f"doctor {form}": ("doctor", "-r", KEYED, "-k", KEYS, "-T", form) for form in ("text", "json")},
    "doctor nothing": ("doctor", "-r", CAPTURE),
    "replay text": ("replay", "-T", "text", "--dry-run", "--peer", CONF, CAPTURE),
    "replay json": ("replay", "-T", "json", "--dry-run", "--peer", CONF, CAPTURE),
    "wireshark open": ("wireshark", "open", "--print", CAPTURE),
    "wireshark profile": ("wireshark", "profile", "-w", OURS + "out.zip"),
    "wireshark install": ("wireshark", "install", "--dry-run"),
    "compare": ("compare", CAPTURE),
}  # fmt: skip
# The output of these does not tell what packets or logs say.
WITHOUT_SIGN = (
    *("decode hex", "decode redacted", "decode keys", "decode written", "decode embedded", "logs redacted"),
    *("doctor", "replay json", "wireshark"),
)
# What test_hostile_live.py looks at, and what shows nothing from outside.
PLAYING = {"watch", "craft", "inject", "respond", "client", "resilience", "demo"}
WITHOUT_TEXT = {"shell", "completion"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where files of hostile names and contents lie: the beginning that their paths have in common."""
    folder = tmp_path_factory.mktemp("inputs") / NAME
    folder.mkdir()
    start = f"{folder}/{NAME}"
    write_capture(f"{start}.pcapng")
    write_capture(f"{start}copy.pcapng")
    for ending, source in ((".keys", "direct.keys"), ("2.pcap", "direct.pcap")):
        Path(start + ending).write_bytes((SAMPLES / "encrypted" / source).read_bytes())
    with Path(f"{start}.keys").open("a", errors="surrogatepass") as keys:
        keys.writelines(f"{text}\nPRESHARED_KEY = {text}\n" for text in ATTACKS.values())
    log = log_lines().encode(errors="surrogatepass")
    Path(f"{start}.log").write_bytes(log)
    printable = [text for text in ATTACKS.values() if text.isprintable() and len(text) < 200]
    members = {f"{text}.log": log[number:9000:50] for number, text in enumerate(printable)}
    Path(f"{start}.zip").write_bytes(zip_of({"x\x1b[31m\u202e.log": log[:9000], **members}))
    lines = [packet.hex() for packet in packets()] + [*ATTACKS.values()]
    Path(f"{start}.hex").write_bytes("\n".join(lines).encode(errors="surrogatepass"))
    Path(f"{start}.conf").touch(0o600)
    Path(f"{start}.conf").write_text(CONFIG)
    return start


@pytest.fixture
def hostile(inputs: str, fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs words of which some are names of those files; Wireshark's folders and tshark are hostile, too."""
    folder = str(Path(inputs).parent)
    monkeypatch.setenv("HOME", folder)
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "WIRESHARK_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    folders = Folders(folder, (f"{folder}/lua",), f"{folder}/extcap")
    monkeypatch.setattr(wiresharkinstall, "ask_tshark", lambda: folders)
    monkeypatch.setattr("fzctl.cli.wiresharkopen.ask_or_guess", lambda: folders)
    shown = {name: list(ATTACKS.values()) for name in FIELDS if name.startswith("fzp2p")}
    monkeypatch.setattr("fzctl.wireshark.tshark.read_with_tshark", lambda *_, **__: iter([(1, shown)]))

    def run(*words: str) -> Result:
        return fzctl(*(inputs + word[len(OURS) :] if word.startswith(OURS) else word for word in words))

    return run


def form_of(words: tuple[str, ...]) -> str:
    return FORMS[words[words.index("-T") + 1]] if "-T" in words else HUMAN


@pytest.mark.parametrize("case", CASES)
def test_hostile_text_reaches_no_output_and_no_text_is_lost_to_scripts(
    case: str, hostile: Callable[..., Result]
) -> None:
    words = CASES[case]
    form = form_of(words)
    found = hostile(*words)
    assert found.code in (0, 1, 3)
    check(form, found.out)
    check(HUMAN, found.err)
    if case.startswith(WITHOUT_SIGN):
        return
    assert SIGN in found.out, "the input did not get here"
    if form in (JSON, JSONL, TABLE):
        assert texts_to_come_back(case) <= texts_of(form, found.out)


def texts_to_come_back(case: str) -> set[str]:
    """The texts that a script reads again as they were."""
    if case.startswith("check"):  # tells what is wrong with a message
        return {SIGN}
    if "logs" in case and not case.startswith("analyze"):
        # A colour is no part of what was logged.
        return {text for text in ATTACKS.values() if "\x1b[" not in text and "\ud800" not in text}
    return set(accepted_domains())


def test_every_verb_and_form_is_looked_at() -> None:
    assert {words[0] for words in CASES.values()} | PLAYING | WITHOUT_TEXT == {*VERBS}
    forms = [(words[0], words[words.index("-T") + 1]) for words in CASES.values() if "-T" in words]
    for verb in {*VERBS} - PLAYING:
        used = {form for each, form in forms if each == verb}
        for _, action in options_of(build_parser(verb)):
            if action.dest == "form":
                assert used == {*(action.choices or ())}, verb


def test_what_it_is_looked_for_is_found() -> None:
    for text in ATTACKS.values():
        if text.isprintable() and len(text) < 99:
            continue
        if "\n" not in text and len(text) < 99:
            assert harmful(text) or "\u0301" in text, text
    with pytest.raises(AssertionError):
        check(HUMAN, f"a\n{FORGED}\n")
    with pytest.raises(AssertionError):
        check(TABLE, "\t".join(["=1"] * len(FIELDS)) + "\n")


def test_a_written_capture_has_no_hostile_comment(hostile: Callable[..., Result], inputs: str) -> None:
    assert hostile(*CASES["decode written"]).code == 0
    with open_capture(f"{inputs}out.pcapng") as capture:
        assert sum(1 for _ in capture.frames()) == len(packets())
    data = Path(f"{inputs}out.pcapng").read_bytes()
    # Option 1, its length, and one of our comments, which ends in the verdict.
    comment = rb"\x01\x00..((?:AssignedIps|DomainStatus|kind 9)[^\n]*?\))\x00*\x00\x00\x00\x00"
    comments = re.findall(comment, data)
    assert len(comments) > 100
    for comment in comments:
        check(HUMAN, comment.decode())


@pytest.fixture(scope="module")
def written(inputs: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """A report on hostile captures, one on harmless ones, and a picture of the hostile ladder."""
    from fzctl.cli.main import main

    theirs, svg = f"{inputs}out.html", f"{inputs}out.svg"
    own = str(tmp_path_factory.mktemp("own") / "own.html")
    assert main(["-q", "analyze", "--svg", svg, "--html", theirs, f"{inputs}.pcapng", f"{inputs}2.pcap"]) == 0
    samples = [str(path) for path in sorted(SAMPLES.glob("*.pcapng"))]
    assert main(["-q", "analyze", "--html", own, *samples]) == 0
    return tuple(Path(path).read_text("utf-8") for path in (theirs, own, svg))  # type: ignore[return-value]


def test_a_report_has_no_element_and_no_attribute_but_its_own(written: tuple[str, str, str]) -> None:
    theirs, ours = map(Page, written[:2])
    known = {(tag, name) for tag, attributes in ours.tags for name in (None, *attributes)}
    for tag, attributes in theirs.tags:
        assert {(tag, name) for name in (None, *attributes)} <= known
        assert not re.search("alert|javascript|evil", " ".join(map(str, attributes.values())))
    assert theirs.text.count("alert(1)") > 20
    check(HUMAN, theirs.text)


def test_a_picture_is_sound_and_has_no_element_and_no_attribute_but_its_own(
    written: tuple[str, str, str],
) -> None:
    tree = ElementTree.fromstring(written[2])
    assert {each.tag.partition("}")[2] for each in tree.iter()} == {
        "svg", "style", "rect", "text", "g", "line", "polygon",
    }  # fmt: skip
    assert {name for each in tree.iter() for name in each.attrib} == {
        *("class", "viewBox", "width", "height", "role", "aria-label", "x", "y", "x1", "x2", "y1", "y2"),
        *("transform", "text-anchor", "points"),
    }
    text = "".join(tree.itertext())
    assert "alert(1)" in text
    check(HUMAN, text)


def test_a_terminal_gets_tables_and_bars_harmlessly(terminal: Run, inputs: str) -> None:
    verbs = ("decode", "decode -c 9", "decode -T tree", "analyze", "check", "stats")
    script = "".join(f"$FZCTL {verb} --color never '{inputs}.pcapng'\n" for verb in verbs)
    found = terminal(f"{script}$FZCTL logs --color never '{inputs}.log'", columns=160, rows=30)
    assert SIGN in found.out
    # On a slow machine the line of progress comes and goes.
    check(HUMAN, re.sub(r"\r\x1b\[K(reading: [^\r]*)?", "", found.out))
