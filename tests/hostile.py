"""What a hostile sender, or who names a file, would like to reach a terminal, a page or a script with."""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from fzctl.columns import all_columns
from fzctl.pcap.links import RAW
from fzctl.pcap.writer import open_writer
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import parse_domain
from tests.records import RESOURCE, TIME, assigned, harmful, raw, status

ATTACKS: Final = {
    "colour and clear": "\x1b[31;1mred\x1b[2J\x1b[1A",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil.invalid/\x1b\\here\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "8-bit controls": "\x9b31mred\x9d0;x\x9c\x84",
    "small controls": "a\x07\x08\x08\x7f\x0bb",
    "carriage return": "sound\rfzctl: no findings",
    "line": "sound\nfzctl: no findings",
    "other lines": "a\x85b\u2028c\u2029d\x0ce\x1cf",
    "tab": "a\tb",
    "zero": "a\0b",
    "overrides": "\u202egnp.exe\u202c\u202a\u202b\u202d",
    "isolates": "\u2066a\u2067b\u2068c\u2069\u200e\u200f\u061c",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg\u034fh",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "fillers": "\u115f\u3164\uffa0\ufe0f\u2800\U000e0100",
    "tower": "a" + "\u0301" * 40,
    "lone surrogates": "\ud800x\udc80",
    "no characters": "\ufffe\uffff\U0010ffff\ue000",
    "markup": "[red]x[/red][/][link=file:///etc/passwd]y[/link][bold",
    "emoji": ":warning:",
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror=alert(1)>' onload='alert(1)",
    "section": "]]><svg onload=alert(1)>",
    "comment": "--><script>alert(1)</script><!--",
    "style": "</style></title></svg><script>alert(1)</script>",
    "template": "<svg><animate/onbegin=alert(1)><a/href=javascript:alert(1)>",
    "entity": "&lt;b&gt;&#x1b;&amp;&#0;",
    "address": "javascript:alert(1)",
    "markdown": "`x`|y|![z](http://evil.invalid/z.png)[a](javascript:alert(1))",
    "formula": '=HYPERLINK("http://evil.invalid","x")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-1+1",
    "at": "@SUM(1+1)",
    "quotation": '"=1+1\t"',
    "second cell": "a,=1+1;@SUM(1)",
    "escape of an escape": "\\x1b[31m\\u202e",
    "command": "$(reboot)`reboot`;reboot&&reboot|reboot",
    "format": "{0.__class__}%s%n{",
    "long": "x" * 3000,
}

SIGN: Final = ATTACKS["script"]
"""By it an input is recognised: it is harmless in a text, and comes through everywhere."""

FORGED: Final = "fzctl: no findings"
"""What an attack would like to be a line of its own."""

NAME: Final = "a\x1b[31m\x9b1m\u202eb\u200b\u034f\x07\r\nfzctl: no findings [red]<b>`|=.pcapng"
"""For a file: no attack that a file's name cannot hold."""

HUMAN, JSON, JSONL, TABLE, DIGITS = "human", "json", "jsonl", "table", "digits"
FORMS: Final = {"text": HUMAN, "tree": HUMAN, "json": JSON, "jsonl": JSONL, "fields": TABLE, "hex": DIGITS}
FIELDS: Final = tuple(name for name in all_columns() if name != "fzp2p.response_in")
"""All but one that no verb knows that shows messages as they come."""

_STYLES: Final = re.compile(r"\x1b\[(?:0|1|2|31|32|33)m")
_CODE: Final = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
# -1 is a number, and what is one is no formula.
_FORMULA: Final = re.compile(r"[=+@\"]|-(?![0-9.]+$)")


def accepted_domains() -> list[str]:
    """The attacks that are domain names to a receiver, so that much is told of them."""
    found = []
    for text in ATTACKS.values():
        try:
            found.append(parse_domain(text))
        except (Refusal, UnicodeError):
            continue
    return found


def packets() -> list[bytes]:
    """Messages that carry each attack wherever text can stand, sound ones too."""
    return [packet for text in ATTACKS.values() for packet in _with(text)] + [
        packet
        for domain in accepted_domains()
        for packet in (assigned(domain), status(domain), status(domain, "Inactive"))
    ]


def _with(text: str) -> Iterator[bytes]:
    sound: dict[str, Any] = {
        "resource": RESOURCE, "domain": "example.com", "status": "Active", "proxy_ips": ["100.96.0.1"],
    }  # fmt: skip
    for kind, field in ((0, "domain"), (0, "resource"), (1, "status"), (1, "domain")):
        yield raw(kind, {**sound, field: text})
    plain = json.dumps({**sound, "domain": text}, ensure_ascii=False)
    yield raw(1, plain.encode(errors="surrogatepass"))
    yield raw(0, {**sound, "proxy_ips": [text]})
    yield raw(0, {**sound, "domain": [text]})
    yield raw(1, {**sound, text: 1, "status": {text: None}})
    yield raw(3, {"dst": "10.0.0.1", "protocol": {text: {"dst_port": 1}}})
    yield raw(3, {"dst": text, "protocol": text})
    yield raw(9, text.encode(errors="surrogatepass"))
    yield raw(0, text.encode(errors="surrogatepass"))


def write_capture(path: str) -> None:
    """All of these, a second apart, on an interface with a hostile name and under hostile comments."""
    text = "".join(each for each in ATTACKS.values() if each.isprintable() or len(each) < 100)
    words = text.encode("utf-8", "replace").decode()
    with open_writer(path, link_type=None) as writer:
        writer.add_interface(RAW, words)
        for number, packet in enumerate(packets()):
            writer.write(packet, TIME + number * 10**9, comment=words)


def log_lines() -> str:
    """Lines of the shapes that Firezone writes, with each attack wherever text can stand."""
    lines = []
    for number, text in enumerate(ATTACKS.values()):
        time = f"2026-08-22T00:{number % 60:02}:21.158Z"
        known = {"time": time, "severity": "DEBUG", "message": "Setting up DNS resource NAT"}
        lines += [
            json.dumps({**known, "domain": text, "rid": text, "target": "tunnel_proto::client"}),
            json.dumps({**known, "message": text, "target": text, text: text}),
            json.dumps({**known, "severity": text, "spans": [{"name": text, "domain": text}]}),
            json.dumps({**known, "domain": text}, ensure_ascii=False),
            json.dumps({**known, "domain": [text], "error": {text: [text]}}),
            f"{time} DEBUG tunnel_proto::client: Setting up DNS resource NAT gid={RESOURCE} domain={text}",
            f"{time}  WARN {text}: {text} {text}={text}",
            f"{time} {text} a::b: c",
            text,
            f"{{{text}",
        ]
    return "".join(f"{line}\n" for line in lines)


def fields_wanted() -> list[str]:
    """The options that ask for all of FIELDS."""
    return ["-T", "fields", *(word for name in FIELDS for word in ("-e", name))]


def check(form: str, out: str) -> None:
    """Output in one of the forms: sound, and harmless as it is."""
    plain = _STYLES.sub("", out)
    assert f"\n{FORGED}" not in plain
    if form == TABLE:
        rows = list(csv.reader(io.StringIO(plain), delimiter="\t"))
        assert {len(row) for row in rows} == {len(FIELDS)}
        assert len(rows) == len(plain.splitlines())
        assert not [cell for row in rows for cell in row if _FORMULA.match(cell)]
        plain = plain.replace("\t", "")
    elif form == JSONL:
        assert all(isinstance(json.loads(line), dict) for line in plain.split("\n")[:-1])
        assert plain.isascii()
    elif form == JSON:
        json.loads(plain)
        assert plain.isascii()
    elif form == DIGITS:
        assert re.fullmatch("([0-9a-f]*\n)*", plain)
    assert not harmful(plain)


def texts_of(form: str, out: str) -> set[str]:
    """The texts in a table, or in JSON, as they were."""
    if form == TABLE:
        return {restored(cell) for line in out.split("\n") for cell in line.split("\t")}
    documents = map(json.loads, out.split("\n")[:-1]) if form == JSONL else [json.loads(out)]
    return {text for document in documents for text in _strings(document)}


def restored(cell: str) -> str:
    """A cell of a table as README says that it comes back."""
    return _CODE.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16)), cell)


def options_of(
    parser: argparse.ArgumentParser, before: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.Action]]:
    """All options and arguments of a verb, and of what is below it, with the words that lead there."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from options_of(below, (*before, name))
        else:
            yield before, action


def _strings(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for name, value in document.items():
            yield name
            yield from _strings(value)
    elif isinstance(document, list):
        for value in document:
            yield from _strings(value)
