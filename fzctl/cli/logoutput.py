"""Where events of logs go, or all that stands on a timeline: stdout, in one of the forms."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from fzctl.cli.output import colour_wanted

if TYPE_CHECKING:
    from fzctl.logs.event import Event

FORMS: Final = ("text", "json", "jsonl")
_BATCH: Final = 256
# Characters beyond which a thing is handed on at once, or a batch of such would fill the memory.
_LARGE: Final = 65536

Thing = TypeVar("Thing")


class LogOutput(Generic[Thing]):
    """Things on stdout in one of the forms; ``line`` makes one of them a line of text or of JSON."""

    def __init__(self, args: Namespace, line: Callable[[Thing], str], *, live: bool) -> None:
        self._form = args.form
        self._line = line
        self._live = live
        self._pending: list[str] = []
        self._started = False

    def show(self, thing: Thing) -> None:
        """Print one, at once where somebody waits for it."""
        text = self._line(thing)
        if self._form == "json":
            text = f",\n{text}" if self._started else f"[\n{text}"
            self._started = True
        else:
            text += "\n"
        self._pending.append(text)
        if len(self._pending) >= _BATCH or len(text) > _LARGE or (self._live and self._form != "json"):
            self.flush()

    def flush(self) -> None:
        """Hand on what is ready."""
        text = "".join(self._pending)
        self._pending.clear()
        if text:
            sys.stdout.write(text)
            if self._live:
                sys.stdout.flush()

    def finish(self) -> None:
        """The form's end; whatever fails, fails here."""
        if self._form == "json":
            self._pending.append("\n]\n" if self._started else "[]\n")
        self.flush()
        sys.stdout.flush()


def event_line(args: Namespace, *, many: bool) -> Callable[[Event], str]:
    """Makes an event a line; ``many``: there are several files."""
    if args.form != "text":
        from fzctl.render.logjson import to_log_json

        return to_log_json
    from fzctl.render.logline import to_log_line

    line = partial(
        to_log_line, colour=colour_wanted(args.color), brief=sys.stdout.isatty(), whole=args.all_fields,
        place=many,
    )  # fmt: skip
    if not sys.stdout.isatty():
        return line
    from fzctl.render.clock import dated

    return dated(line)
