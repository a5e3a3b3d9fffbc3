"""``-T text`` for what fits a screen or two: a table through rich."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fzctl.records import Record
from fzctl.render.clock import format_clock
from fzctl.render.lines import place_of
from fzctl.render.words import describe

_STYLES = {"good": "green", "ignored": "yellow", "bad": "red"}


def to_table(records: Sequence[Record]) -> Table:
    """The records as a table: time, frame, kind, domain, resource, content, verdict."""
    table = Table(box=None, pad_edge=False, header_style="bold dim", padding=(0, 2, 0, 0))
    table.add_column("Time (UTC)", no_wrap=True, style="dim")
    table.add_column("Frame", justify="right", no_wrap=True)
    table.add_column("Kind", no_wrap=True, style="bold")
    table.add_column("Domain", overflow="fold", max_width=40)
    table.add_column("Resource", no_wrap=True, style="dim")
    table.add_column("Content", overflow="fold", max_width=38)
    table.add_column("Verdict", overflow="fold")
    for record in records:
        words = describe(record)
        resource = words.resource if len(words.resource) < 10 else words.resource[:8] + "…"
        cells = (
            format_clock(record.time),
            place_of(record).removeprefix("#"),
            words.title,
            words.domain,
            resource,
            words.content.replace(", ", "\n") if ".." in words.content else words.content,
        )
        # Text objects, because a string would be read for rich's markup.
        table.add_row(*map(Text, cells), Text(words.verdict, style=_STYLES[words.mood]))
    return table


def table_text(records: Sequence[Record], width: int, *, colour: bool) -> str:
    """The table as text for a terminal ``width`` columns wide."""
    console = Console(
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(to_table(records))
    return capture.get()
