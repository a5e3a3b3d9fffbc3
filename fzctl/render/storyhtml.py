"""``analyze --html``: one file that opens from disk, asks no network and runs nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape as quote
from typing import Final

from fzctl.analysis.findings import Finding
from fzctl.analysis.ladder import Analysis, Sent
from fzctl.render import laddersvg, timeline
from fzctl.render.clock import format_time
from fzctl.render.escape import escape, escape_bytes
from fzctl.render.glossary import GLOSSARY
from fzctl.render.hexdump import hexdump
from fzctl.render.ladder import ladder_rows
from fzctl.render.marks import file_marks
from fzctl.render.rows import MESSAGE, Row
from fzctl.render.storytables import Table, tables_of, without_empty_columns
from fzctl.render.storytext import finding_words
from fzctl.render.verdict import Verdict, verdict_on
from fzctl.render.words import error_of, origin_of, verdict_of

MOST_ROWS: Final = 500
MOST_DRAWN: Final = 100
MOST_MESSAGES: Final = 1000
MOST_FINDINGS: Final = 500
_TITLES: Final = {"good": "All is well", "ignored": "Worth a look", "bad": "Something is wrong"}

_STYLE: Final = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2328; background: #ffffff; max-width: 1040px;
margin: 0 auto; padding: 16px 20px 60px; overflow-wrap: anywhere; }
h1 { font-size: 24px; margin: 8px 0 4px; } h2 { font-size: 19px; margin: 32px 0 8px; }
h3 { font-size: 16px; margin: 24px 0 4px; }
p { margin: 6px 0; } .about, .small { color: #59636e; font-size: 14px; }
code, pre, td, .summary { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
font-size: 13px; }
.verdict { border-left: 6px solid #59636e; padding: 10px 16px; background: #f6f8fa; border-radius: 4px; }
.verdict.is-good { border-color: #1a7f37; } .verdict.is-bad { border-color: #cf222e; }
.verdict.is-ignored { border-color: #9a6700; }
.verdict .headline { font-size: 18px; font-weight: 600; }
.verdict .look { margin-top: 10px; }
svg { width: 100%; height: auto; }
table { border-collapse: collapse; } .wide { overflow-x: auto; }
th { text-align: left; font-size: 13px; color: #59636e; font-weight: 600; }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid #d1d9e0; vertical-align: top; }
.right { text-align: right; } td.right { white-space: nowrap; }
th, td + td { overflow-wrap: normal; }
.good { color: #116329; } .bad { color: #b3161f; } .ignored { color: #7d4e00; } .dim { color: #59636e; }
.finding { border-left: 4px solid #59636e; padding: 2px 0 2px 12px; margin: 12px 0; }
.finding.error { border-color: #cf222e; } .finding.warning { border-color: #9a6700; }
details { border-bottom: 1px solid #d1d9e0; } summary { cursor: pointer; padding: 4px 0; }
.inside { padding: 2px 0 12px 18px; scroll-margin-top: 60px; }
pre { overflow-x: auto; margin: 8px 0; } dt { font-weight: 600; margin-top: 8px; } dd { margin: 0 0 0 18px; }
@media (prefers-color-scheme: dark) {
body { color: #e6edf3; background: #0d1117; } .verdict { background: #161b22; }
.about, .small, th, .dim { color: #9198a1; }
th, td, details { border-color: #3d444d; }
.good { color: #56d364; } .bad { color: #ff7b72; } .ignored { color: #e3b341; }
a { color: #4493f8; }
}
@media print { body { max-width: none; } details { break-inside: avoid; } .finding { break-inside: avoid; } }
"""


def to_html(analyses: Sequence[Analysis]) -> str:
    """The report on all analyses."""
    style = _STYLE + laddersvg.STYLE + timeline.STYLE
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    titles = ", ".join(file for analysis in analyses for file in analysis.files)
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(titles)}: what happened</title>\n<style>{style}</style>\n</head>\n<body>\n"
        + "\n".join(part for number, each in enumerate(analyses) for part in _analysis(each, f"a{number}m"))
        + "\n"
        + "\n".join(_glossary())
        + '\n<p class="small">Made by fzctl analyze. This file asks no network and runs no program.</p>\n'
        "</body>\n</html>\n"
    )


def _analysis(analysis: Analysis, prefix: str) -> Iterator[str]:
    story = analysis.story
    marks = file_marks(analysis)
    names = ", ".join(f"{marks[each]} = {each}" if marks else each for each in analysis.files)
    yield f"<h1>{_text(names)}</h1>"
    if story.first is not None:
        yield f'<p class="about">{format_time(story.first)} to {format_time(story.last)}</p>'
    yield from _verdict(verdict_on(analysis))
    if not story.messages:
        return
    yield "<h2>What happened</h2>"
    yield (
        '<p class="about">A client asks its gateway about each domain that a program wants to reach '
        "(AssignedIps). The gateway looks it up and answers Active or Inactive (DomainStatus); packets pass "
        "only after Active. Time runs downward; solid arrows are these messages, dotted ones packets of "
        "people's programs. A message leads to its bytes below; the words are explained at the "
        '<a href="#words">end</a>.</p>'
    )
    yield f'<div class="wide">{laddersvg.inline_svg(analysis, MOST_DRAWN, prefix)}</div>'
    drawn = timeline.timeline_svg(analysis)
    if drawn:
        yield "<h2>Each domain over time</h2>"
        yield '<p class="about">A line is a question, a broken line an answer.</p>'
        yield f'<div class="wide">{drawn}</div>'
    yield from _findings(story.findings, marks)
    yield "<h2>In numbers</h2>"
    for table in tables_of(analysis, MOST_ROWS):
        yield from _table(without_empty_columns(table))
    yield from _messages(analysis, prefix)


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield f'<div class="verdict is-{verdict.mood}" >'
    yield f'<p class="{verdict.mood}">{_TITLES[verdict.mood]}</p>'
    yield f'<p class="headline">{quote(verdict.headline)}</p>'
    if verdict.sentences:
        yield f"<p>{quote(' '.join(verdict.sentences))}</p>"
    for advice in verdict.look:
        yield f'<p class="look"><b>Look at:</b> {quote(advice)}</p>'
    yield "</div>"


def _findings(findings: Sequence[Finding], marks: dict[str, str]) -> Iterator[str]:
    yield f"<h2>Findings ({len(findings):,})</h2>"
    if not findings:
        yield '<p class="good">None.</p>'
    for each in findings[:MOST_FINDINGS]:
        rule = each.rule
        yield f'<div class="finding {rule.severity}">'
        yield f"<p><b>{rule.severity} {rule.id}:</b> {quote(rule.title)}</p>"
        yield f"<p><code>{quote(finding_words(each, marks))}</code></p>"
        yield f'<p class="about">Why it matters: {quote(rule.why)}</p>'
        yield f'<p class="about">Look at: {quote(rule.look)}</p></div>'
    if len(findings) > MOST_FINDINGS:
        yield f'<p class="about">{len(findings) - MOST_FINDINGS:,} more are in fzctl analyze -T json.</p>'


def _table(table: Table) -> Iterator[str]:
    yield f"<h3>{quote(table.title)}</h3>"
    if table.about:
        yield f'<p class="about">{quote(table.about)}</p>'
    sides = [' class="right"' if heading in table.right else "" for heading in table.headings]
    heads = "".join(
        f"<th{side}>{quote(heading)}</th>" for heading, side in zip(table.headings, sides, strict=True)
    )
    yield f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>'
    for row in table.rows:
        cells = []
        for heading, cell in zip(table.headings, row, strict=True):
            classes = " ".join(filter(None, ("right" if heading in table.right else "", cell.mood)))
            cells.append(f'<td class="{classes}">{quote(cell.text)}</td>')
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"
    if table.left_out:
        yield f'<p class="about">{table.left_out:,} more are in fzctl analyze -T json.</p>'


def _messages(analysis: Analysis, prefix: str) -> Iterator[str]:
    rungs = analysis.rungs.things
    yield "<h2>Every message</h2>"
    if analysis.rungs.left_out:
        yield (
            f'<p class="about">The first and the last of them; {analysis.rungs.left_out:,} rows between them '
            "are left out (fzctl decode -T tree shows all).</p>"
        )
    for row in ladder_rows(analysis, MOST_MESSAGES):
        sent = None if row.rung is None else rungs[row.rung]
        if row.kind == MESSAGE and isinstance(sent, Sent):
            yield _message(row, sent, f"{prefix}{row.rung}")


def _message(row: Row, sent: Sent, name: str) -> str:
    arrow = {"right": "client &rarr; gateway", "left": "gateway &rarr; client"}.get(row.way, "")
    when = format_time(row.time)
    head = " &middot; ".join(
        filter(
            None,
            (
                quote(row.frame), "" if when is None else when[11:26], arrow,
                f"<b>{quote(row.label)}</b>", quote(row.about),
                f'<span class="{row.mood or "dim"}">{quote(row.note)}</span>' if row.note else "",
            ),
        )
    )  # fmt: skip
    facts = "".join(f"<tr><th>{quote(title)}</th><td>{quote(text)}</td></tr>" for title, text in _facts(sent))
    dump = quote(hexdump(sent.record.message.packet))
    if sent.left_out:
        dump += f"\n{sent.left_out:,} bytes more"
    return (
        f'<details><summary class="summary">{head}</summary><div class="inside" id="{name}">'
        f"<table>{facts}</table><pre>{dump}</pre></div></details>"
    )


def _facts(sent: Sent) -> Iterator[tuple[str, str]]:
    record, message = sent.record, sent.record.message
    if record.time is not None:
        yield "Time", format_time(record.time) or "-"
    yield "Frame", str(record.frame) + (f" of {escape(record.file)}" if record.file else "")
    if record.path:
        yield "Carried by", " > ".join(record.path)
    if record.outer is not None:
        outer = record.outer
        yield (
            "Tunnel",
            f"{escape(outer.src)} > {escape(outer.dst)}, session {outer.session}, counter {outer.counter}",
        )
    kind, fields = message.declaration, message.fields
    for field in kind.fields if kind is not None else ():
        if field.name in fields:
            texts = field.type.texts(field.type.from_json(field.name, fields))
            yield field.label, escape(", ".join(texts))
    if message.reserved is not None and any(message.reserved):
        yield "Reserved bytes", message.reserved.hex()
    if not message.accepted:
        yield "Verdict", f"{verdict_of(message)[0]}: {message.reason}, {escape(error_of(message))}"
        if message.payload:
            yield "Payload", escape_bytes(message.payload)
    for spot in sent.copies:
        yield "Also seen in", f"frame {spot.frame}" + (f" of {escape(spot.file)}" if spot.file else "")
    if record.copy_of is not None:
        yield "Copy of", origin_of(record)


def _glossary() -> Iterator[str]:
    yield '<h2 id="words">Words</h2>\n<dl>'
    for word, meaning in GLOSSARY:
        yield f"<dt>{quote(word)}</dt><dd>{quote(meaning)}</dd>"
    yield "</dl>"


def _text(text: str) -> str:
    return quote(escape(text))
