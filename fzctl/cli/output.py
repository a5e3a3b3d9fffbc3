"""Where messages go: stdout in one of the forms, a capture file, or both."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from fzctl.errors import UsageError
from fzctl.protocol.kinds import kind_by_name
from fzctl.records import Record
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.cli.saving import Saver

FORMS: Final = ("text", "tree", "json", "jsonl", "fields", "hex")
# Lines that are printed at once, where nobody waits for each.
_BATCH: Final = 256
# Characters beyond which a record is handed on at once, or a batch of such would fill the memory.
_LARGE: Final = 65536
_WIDTH: Final = 100
_WIDEST: Final = 120


class Output:
    """Shows records one by one; ``finish`` once at the end.

    ``chosen`` stands behind their number (see ``chosen_by``).
    """

    def __init__(
        self,
        form: Form | None,
        saver: Saver | None,
        *,
        live: bool,
        counting: bool = False,
        chosen: str = "",
    ) -> None:
        self._form = form
        self._saver = saver
        self._live = live
        self._chosen = chosen
        self._pending: list[str] = []
        self._counts: Counter[tuple[str, bool, bool]] = Counter()
        self.wants_counts = counting or form is None or form.wants_counts

    def show(self, record: Record) -> None:
        """Print and write one record."""
        message = record.message
        if self.wants_counts:
            self._counts[message.name, message.control, message.accepted] += 1
        if self._saver is not None:
            # First, so that what was shown is also written, whatever ends the loop.
            self._saver.save(record)
        if self._form is not None:
            text = self._form.show(record)
            self._pending.append(text)
            if self._live or len(self._pending) >= _BATCH or len(text) > _LARGE:
                self._print_pending()

    def finish(self) -> None:
        """Print what the form holds back, and hand it all on; whatever fails, fails here."""
        if self._form is not None:
            self._pending.append(self._form.finish())
            self._print_pending()
            sys.stdout.flush()

    def _print_pending(self) -> None:
        text = "".join(self._pending)
        self._pending.clear()
        if text:
            sys.stdout.write(text)
            if self._live:
                sys.stdout.flush()

    def counts(self, packets: int) -> str:
        """A sentence for stderr: how many messages of which kind in how many packets."""
        from fzctl.render.words import count_of

        kinds, refused, others = Counter[str](), 0, 0
        for (name, control, accepted), count in self._counts.items():
            if control:
                kind = kind_by_name(name)
                kinds[name if kind is None else kind.title] += count
                refused += 0 if accepted else count
            else:
                others += count
        found = f"{count_of(kinds.total(), 'control message')}{self._chosen} in {count_of(packets, 'packet')}"
        if kinds:
            found += ": " + ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))
        if refused:
            found += f"; {refused} not accepted"
        return found + (f"; {count_of(others, 'packet')} that no receiver takes for one" if others else "")


class Form:
    """One form of output: the text for a record, and what is left at the end."""

    wants_counts = False

    def __init__(self, show: Callable[[Record], str]) -> None:
        self._show = show

    def show(self, record: Record) -> str:
        """Text to print now, with its line end; empty where it is held back."""
        return self._show(record) + "\n"

    def finish(self) -> str:
        """Text to print at the end."""
        return ""


class _JsonArray(Form):
    """``-T json``: one array, whole also where it is empty."""

    started = False

    def show(self, record: Record) -> str:
        before = ",\n" if self.started else "[\n"
        self.started = True
        return before + self._show(record)

    def finish(self) -> str:
        return "\n]\n" if self.started else "[]\n"


class _Text(Form):
    """``-T text`` into a file or pipe, and ``-T tree``."""

    wants_counts = True


class _Table(_Text):
    """``-T text`` on a terminal: a table for what fits two screens, lines beyond."""

    def __init__(self, show: Callable[[Record], str], *, colour: bool) -> None:
        super().__init__(show)
        width, height = os.get_terminal_size(sys.stdout.fileno())
        # A terminal that does not know its size says 0.
        self._width, self._limit = width or 80, (height or 24) * 2
        self._colour = colour
        self._held: list[Record] | None = []

    def show(self, record: Record) -> str:
        if self._held is None:
            return super().show(record)
        self._held.append(record)
        if len(self._held) <= self._limit:
            return ""
        held, self._held = self._held, None
        return "".join(map(super().show, held))

    def finish(self) -> str:
        if not self._held:
            return ""
        from fzctl.render.table import table_text

        return table_text(self._held, self._width, colour=self._colour)


def make_output(args: Namespace, saver: Saver | None, *, live: bool, counting: bool = False) -> Output:
    """The output that the options ask for; ``-w`` alone prints nothing. Raises UsageError."""
    form = None if saver is not None and args.form is None else make_form(args, live=live)
    return Output(form, saver, live=live, counting=counting or args.verbose, chosen=chosen_by(args))


def chosen_by(args: Namespace) -> str:
    """What stands behind a number of messages, so that nobody takes those of ``-Y`` for all."""
    return "" if getattr(args, "filter", None) is None else " that -Y takes"


def make_form(args: Namespace, *, live: bool) -> Form:
    """The form of ``-T`` with ``-e``, ``-x`` and ``--color``. Raises UsageError."""
    form = args.form or "text"
    if args.fields and form != "fields":
        raise UsageError("-e goes with -T fields")
    if args.hexdump and form not in ("text", "tree"):
        raise UsageError("-x goes with -T text and -T tree")
    if form == "jsonl":
        from fzctl.render.jsonform import to_jsonl

        return Form(to_jsonl)
    if form == "json":
        from fzctl.render.jsonform import to_json

        return _JsonArray(to_json)
    if form == "hex":
        return Form(lambda record: record.message.packet.hex())
    if form == "fields":
        return _fields_form(args.fields)
    return _text_form(args, form, live=live)


def colour_wanted(choice: str) -> bool:
    """Is stdout to be coloured? NO_COLOR is honoured where nothing else is asked for."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_wanted() -> int:
    """How wide running text may be: as the terminal, but not so wide that it is hard to read."""
    if not sys.stdout.isatty():
        return _WIDTH
    # A terminal that does not know its size says 0.
    return min(os.get_terminal_size(sys.stdout.fileno()).columns or 80, _WIDEST)


def _text_form(args: Namespace, form: str, *, live: bool) -> Form:
    from fzctl.render.clock import dated
    from fzctl.render.lines import to_line
    from fzctl.render.tree import to_tree

    colour = colour_wanted(args.color)
    terminal = sys.stdout.isatty()
    line: Callable[[Record], str] = partial(to_line, colour=colour, brief=terminal)
    if terminal:
        line = dated(line)

    def show(record: Record) -> str:
        if form == "tree":
            text = to_tree(record, colour=colour) + ("" if args.hexdump else "\n")
        else:
            text = line(record)
        return text + _dump(record) if args.hexdump else text

    if form == "text" and terminal and not live and not args.hexdump:
        return _Table(show, colour=colour)
    return _Text(show)


def _fields_form(names: list[str]) -> Form:
    from fzctl.columns import all_columns
    from fzctl.render.fieldform import to_fields

    known = all_columns()
    if not names:
        raise UsageError("-T fields needs at least one -e FIELD")
    for name in names:
        if name not in known:
            raise _unknown_field(name, list(known))
    pickers = [known[name].values for name in names]
    return Form(lambda record: to_fields([pick(record) for pick in pickers]))


def _unknown_field(name: str, known: list[str]) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; the fields are {', '.join(known)}"
    return UsageError(f'-e: "{escape(name)}" is no field{hint}')


def _dump(record: Record) -> str:
    from fzctl.render.hexdump import hexdump

    return "\n" + hexdump(record.message.packet, "    ") + "\n"
