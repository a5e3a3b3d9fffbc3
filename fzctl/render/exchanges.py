"""What a client's exchanges came to: a line as each goes on, a table in the end, objects for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fzctl.live.player import CONFIRMED, FAILED, PENDING, UNANSWERED, Exchange
from fzctl.render.clock import format_clock, format_span, format_time
from fzctl.render.escape import escape
from fzctl.render.lines import paint
from fzctl.render.words import count_of, shorten

_MOODS: Final = {CONFIRMED: "good", FAILED: "bad", UNANSWERED: "bad", PENDING: "ignored"}
_WIDTH: Final = len("Unanswered")
_NANOSECONDS: Final = 1_000_000_000


def to_exchange_line(
    exchange: Exchange, time_ns: int, *, width: int = 0, colour: bool = False, brief: bool = False
) -> str:
    """An exchange that went on, as one line without its end; domains are given ``width`` columns.

    ``brief`` is for a terminal: no date.
    """
    return "  ".join(
        (
            paint(format_clock(time_ns) if brief else format_time(time_ns) or "-", "dim", colour),
            _state(exchange.state, colour),
            f"{escape(exchange.domain):<{width}}",
            _story(exchange),
        )
    )


def to_exchange_table(exchanges: Sequence[Exchange], *, colour: bool = False) -> str:
    """All of them, each with how it stands; the domain last, which may be long."""
    head = f"{'State':<{_WIDTH}}  {'Answer':>8}  {'Sent':>4}  {'Round':>5}  Domain"
    lines = [
        f"{_state(each.state if each.round else 'not begun', colour)}  {_span(each):>8}  "
        f"{each.sent_count:>4}  {each.round:>5}  {escape(each.domain)}"
        for each in exchanges
    ]
    lines.insert(0, paint(head, "dim", colour))
    return "".join(f"{line}\n" for line in lines)


def exchange_object(exchange: Exchange, time_ns: int | None = None) -> dict[str, Any]:
    """One as an object for JSON, with the time at which it went on."""
    head = {} if time_ns is None else {"schema": 1, "time": format_time(time_ns)}
    return {
        **head,
        "domain": exchange.domain,
        "resource": exchange.resource,
        "proxy_ips": list(exchange.proxy_ips),
        "state": exchange.state,
        "round": exchange.round,
        "sent": exchange.sent_count,
        "seconds": None if exchange.seconds is None else round(exchange.seconds, 6),
    }


def _state(state: str, colour: bool) -> str:
    text = state.capitalize()
    return paint(text, _MOODS.get(state, "dim"), colour) + " " * (_WIDTH - len(text))


def _story(exchange: Exchange) -> str:
    if exchange.state == PENDING:
        again = "" if exchange.sent_count < 2 else f", the {_ordinal(exchange.sent_count)} time"
        fresh = f" (refresh {exchange.round - 1})" if exchange.round > 1 else ""
        return f"asked{again}{fresh}: {shorten(exchange.proxy_ips)}"
    times = count_of(exchange.sent_count, "time")
    if exchange.answered_at is None:
        return f"no answer, asked {times}" if exchange.sent_count else "not sent"
    return f"after {_span(exchange)}, asked {times}"


def _span(exchange: Exchange) -> str:
    seconds = exchange.seconds
    return "-" if seconds is None else format_span(round(seconds * _NANOSECONDS))


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"
