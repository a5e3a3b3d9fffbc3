"""Where events of logs go: stdout, in one of the forms."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fzctl.cli.output import colour_wanted

if TYPE_CHECKING:
    from fzctl.logs.event import Event

FORMS: Final = ("text", "json", "jsonl")
_BATCH: Final = 256


class LogOutput:
    """Events on stdout in one of the forms."""

    def __init__(self, args: Namespace, *, many: bool, live: bool) -> None:
        self._form = args.form
        self._line = _line_maker(args, many=many)
        self._live = live
        self._pending: list[str] = []
        self._started = False

    def show(self, event: Event) -> None:
        """Print one event, at once where somebody waits for it."""
        text = self._line(event)
        if self._form == "json":
            text = f",\n{text}" if self._started else f"[\n{text}"
            self._started = True
        else:
            text += "\n"
        self._pending.append(text)
        if len(self._pending) >= _BATCH or (self._live and self._form != "json"):
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


def _line_maker(args: Namespace, *, many: bool) -> Callable[[Event], str]:
    if args.form != "text":
        from fzctl.render.logjson import to_log_json

        return to_log_json
    from fzctl.render.logline import to_log_line

    colour, brief, whole = colour_wanted(args.color), sys.stdout.isatty(), args.all_fields
    return lambda event: to_log_line(event, colour=colour, brief=brief, whole=whole, place=many)
