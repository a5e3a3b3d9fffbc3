"""Several logs as one timeline, without holding them in memory.

Lines of one log never change places: its order is what happened, even where its clock was set
back. Events without time stay behind the one above them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from heapq import heappop, heappush, heapreplace
from typing import Final, NamedTuple

from fzctl.logs.event import Event

_MOST_TOGETHER: Final = 1000
"""Events without time that are kept together; a whole log may have none."""

_MOST_TEXT: Final = 1 << 20
"""Characters of such events."""

_BEFORE_ALL: Final = -(1 << 80)


class Lane(NamedTuple):
    """One log to be merged. ``again`` tells that ``open`` may be called more than once."""

    open: Callable[[], Generator[Event]]
    again: bool = True


_Head = tuple[int, int, list[Event], Iterator[tuple[int, list[Event]]]]


def merge(lanes: Sequence[Lane]) -> Generator[Event]:
    """The events of all logs by time; equal times in the order of ``lanes``.

    A log is opened when its first event is due, so that only those of the same time are open.
    """
    if len(lanes) == 1:
        yield from lanes[0].open()
        return
    waiting = sorted(((_first_time(lane), number) for number, lane in enumerate(lanes)), reverse=True)
    heads: list[_Head] = []
    while heads or waiting:
        if waiting and (not heads or waiting[-1] <= heads[0][:2]):
            _, number = waiting.pop()
            groups = _groups(lanes[number].open())
            head = next(groups, None)
            if head is not None:
                heappush(heads, (head[0], number, head[1], groups))
            continue
        _, number, events, groups = heads[0]
        yield from events
        following = next(groups, None)
        if following is None:
            heappop(heads)
        else:
            heapreplace(heads, (following[0], number, following[1], groups))


def _first_time(lane: Lane) -> int:
    if not lane.again:
        return _BEFORE_ALL
    events = lane.open()
    try:
        for _, event in zip(range(_MOST_TOGETHER), events, strict=False):
            if event.time is not None:
                return event.time
    finally:
        events.close()
    return _BEFORE_ALL


def _groups(events: Iterator[Event]) -> Iterator[tuple[int, list[Event]]]:
    """Each event that has a time with those behind it that have none; the first also with those before it."""
    time = _BEFORE_ALL
    group: list[Event] = []
    size = 0
    for event in events:
        starts = event.time is not None and time != _BEFORE_ALL
        if group and (starts or len(group) >= _MOST_TOGETHER or size > _MOST_TEXT):
            yield time, group
            group, size = [], 0
        size += len(event.raw)
        if event.time is not None:
            time = event.time
        group.append(event)
    if group:
        yield time, group
