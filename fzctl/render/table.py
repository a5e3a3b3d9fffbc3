"""``-T text`` for what fits a screen or two: a table through rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fzctl.records import Record
from fzctl.render.clock import day_of, format_moment, is_of_one_day
from fzctl.render.escape import escape
from fzctl.render.lines import ID_LENGTH
from fzctl.render.words import describe

_STYLES: Final = {"good": "green", "ignored": "yellow", "bad": "red"}
_WRAPPED: Final = ("Domain", "Content")
_TIME: Final = "Time (UTC)"
_CLOCK: Final = len("12:43:01.123456")
_DATED: Final = len("12:43:01.123")
_DIM: Final = (_TIME, "Resource")
_ROOMY: Final = 100


def to_table(records: Sequence[Record], width: int) -> Table:
    """The records as a table, without the columns that have nothing to say or find no room."""
    times = [record.time for record in records if record.time is not None]
    dated = not is_of_one_day(times)
    # A time may be of a year that has no four digits.
    day = "" if dated or not times else day_of(times[0])
    rows = [_cells(record, roomy=width >= _ROOMY, dated=dated) for record in records]
    names = [name for name in rows[0] if any(row[name].plain for row in rows)] if rows else []
    table = Table(box=None, pad_edge=False, header_style="bold dim", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(
            f"{day} UTC" if name == _TIME and day else name,
            justify="right" if name == "Frame" else "left",
            style="dim" if name in _DIM else "bold" if name == "Kind" else "",
            no_wrap=name not in _WRAPPED,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(row[name] for name in names))
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
        console.print(to_table(records, width))
    # Rich fills each line with blanks, which break in two where a terminal is made narrower.
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _cells(record: Record, *, roomy: bool, dated: bool) -> dict[str, Text]:
    """One row; where there is little room the domain is the content's first line.

    ``dated`` where not all are of one day. Text objects, because a string would be read for rich's markup.
    """
    words = describe(record)
    style = _STYLES[words.mood]
    said = [] if roomy else [words.domain]
    lines = [Text(text) for text in (*said, *words.content.split(", ")) if text]
    if words.remark:
        lines.append(Text(words.remark, style=style))
    return {
        _TIME: Text("" if record.time is None else _moment(record.time, dated=dated)),
        "File": Text(escape(record.file or "")),
        "Frame": Text(str(record.frame)),
        "Way": Text(escape(record.direction or "")),
        "Kind": Text(words.title),
        "Verdict": Text(words.verdict, style=style),
        "Resource": Text(words.resource[:ID_LENGTH] if roomy else ""),
        "Domain": Text(words.domain if roomy else ""),
        "Content": Text("\n").join(lines),
    }


def _moment(time: int, *, dated: bool) -> str:
    """Beside a date milliseconds have to do, or it takes the room of an address."""
    return format_moment(time, dated=dated, length=_DATED if dated else _CLOCK)
