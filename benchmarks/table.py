"""The table that README shows, in Markdown, and what it makes of figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.groups import MOST_MEMORY, Row
from benchmarks.measure import Measured

HEAD: Final = (
    "| what | fzctl | beside it | ratio | asked | memory |",
    "| --- | --- | --- | --- | --- | --- |",
)


def table(measured: Iterable[tuple[Sequence[Row], Sequence[Measured]]]) -> list[str]:
    """The lines of the table, for groups' rows and what was measured of their programs."""
    lines = [*HEAD]
    for rows, programs in measured:
        by_name = {each.program.name: each for each in programs}
        lines += [
            line_of(row, by_name[row.ours], by_name[row.peer])
            for row in rows
            if row.ours in by_name and row.peer in by_name
        ]
    return lines


def line_of(row: Row, ours: Measured, peer: Measured) -> str:
    """One row: medians of both, the median of their ratios, and the peak memory of ours."""
    figures = f"{milliseconds(ours.median(row.measure))} | {peer.program.name}: "
    figures += milliseconds(peer.median(row.measure))
    ratio = f"{row.measure} {words_for(ours.ratio(peer, row.measure))}"
    asked = "" if row.most is None else words_for(row.most)
    return f"| {row.what} | {figures} | {ratio} | {asked} | {ours.median('memory'):.0f} MB |"


def missed(rows: Sequence[Row], programs: Sequence[Measured]) -> list[str]:
    """What was asked and is not so, a sentence each."""
    by_name = {each.program.name: each for each in programs}
    found = []
    for row in rows:
        ours, peer = by_name.get(row.ours), by_name.get(row.peer)
        if ours is None or peer is None or row.most is None:
            continue
        ratio = ours.ratio(peer, row.measure)
        if ratio > row.most:
            told = f"{words_for(ratio)} of {row.peer} where {words_for(row.most)} is asked"
            found.append(f"{row.what}: {row.ours} takes {told}")
        memory = ours.median("memory")
        if memory > MOST_MEMORY and "analyze" not in row.ours:
            found.append(f"{row.what}: {row.ours} takes {memory:.1f} MB where {MOST_MEMORY:.0f} are asked")
    return found


def milliseconds(value: float) -> str:
    """``1,127 ms``."""
    return f"{value:,.0f} ms"


def words_for(ratio: float) -> str:
    """``1.27 x``, and below a half ``1/9.6``."""
    return f"1/{1 / ratio:.1f}" if ratio < 0.5 else f"{ratio:.2f} x"
