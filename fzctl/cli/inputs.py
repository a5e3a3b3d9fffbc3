"""Inputs on the command line: capture files, pipes and hex, one after another, with their keys."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from itertools import islice
from typing import TYPE_CHECKING

from fzctl.cli.output import Output
from fzctl.cli.streams import say
from fzctl.errors import EXIT_DONE, CaptureError
from fzctl.records import Record, read_hex, read_records
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.cli.encrypted import EncryptedCapture
    from fzctl.cli.progress import Progress
    from fzctl.cli.saving import Saver
    from fzctl.pcap.capture import Capture
    from fzctl.tunnel import Watcher
    from fzctl.wireguard.keylog import KeyLog


class Inputs:
    """The inputs one after another; what fails is reported, and the others are still read."""

    def __init__(self, args: Namespace, sources: list[str]) -> None:
        self.args = args
        self.sources = sources
        self.progress: Progress | None = None
        self.exit_code = EXIT_DONE
        self.frames = 0
        self.wants_hints = False
        self.problems: list[str] = []
        self.saver: Saver | None = None
        self._logs: list[KeyLog] | None = None

    def records(self) -> Generator[Record]:
        """The records of all inputs."""
        for source in self.sources:
            yield from self.records_of(source)

    def records_of(self, source: str) -> Iterator[Record]:
        """The records of one input."""
        name = source if len(self.sources) > 1 else None
        records = self._hex_records(source, name) if self.args.hex else self._capture_records(source, name)
        try:
            yield from records
        except CaptureError as error:
            self.complain(str(error))

    def plain_records(self, capture: Capture, name: str | None) -> Iterator[Record]:
        """The records of a capture that is read without keys."""
        if not self.args.count:
            _share(capture)
        return read_records(capture.candidates(), self.args.dialect, name)

    def watcher_of(self, name: str | None) -> Watcher | None:
        """Who else wants to know what comes out of that input's tunnel."""
        return None if self.saver is None else self.saver.watcher

    def opened(self, encrypted: EncryptedCapture, name: str | None) -> None:
        """Called with a capture that is read with keys, before the first packet."""

    def show_aside(self, output: Output, record: Record) -> None:
        """Show the record, beside the progress line where both are on one terminal."""
        if self.progress is None:
            output.show(record)
        else:
            self.progress.aside(output.show, record)

    def report(self, output: Output) -> None:
        """Complaints last, where they are seen; counts where nothing went wrong."""
        for problem in self.problems:
            say(f"fzctl: {escape(problem)}")
        if output.wants_counts and not self.args.quiet and not self.problems:
            say(f"fzctl: {output.counts(self.frames)}")

    def _capture_records(
        self, source: str, name: str | None, secrets: Sequence[tuple[int, bytes]] = ()
    ) -> Iterator[Record]:
        from fzctl.pcap.capture import open_capture

        with open_capture(source, user0_is_ip=self.args.user0_is_ip) as capture, ExitStack() as stack:
            encrypted = self._with_keys(capture, name, secrets)
            # Before the progress, which is a thread, for this may be a fork.
            records = self.plain_records(capture, name) if encrypted is None else encrypted.records()
            self.progress = stack.enter_context(_progress(self.args, capture))
            found = False
            try:
                for record in islice(records, 1):
                    found = True
                    yield record
                yield from records
            finally:
                self.frames += capture.frame_count
                for problem in () if encrypted is None else encrypted.problems:
                    self.complain(problem)
            if encrypted is not None and not self.args.quiet:
                encrypted.report()
            self._check_link_types(source, capture)
        if encrypted is not None:
            return
        if not capture.secrets:
            if not found:
                self._hint_at_tunnel(source)
        elif not found and os.path.isfile(source):
            # Keys that stand behind the first packets were passed too late to be used.
            self.frames -= capture.frame_count
            yield from self._capture_records(source, name, capture.secrets)
        elif not self.args.quiet:
            say(f"fzctl: {escape(title_of(source))}: its keys stand behind its first packets: not used")

    def _with_keys(
        self, capture: Capture, name: str | None, secrets: Sequence[tuple[int, bytes]]
    ) -> EncryptedCapture | None:
        """The capture with the keys given and its own; ``None`` where there are none.

        ``secrets`` are those of its own that are known from an earlier pass.
        """
        logs = self.keylogs()
        if not logs and not secrets and not capture.has_secrets():
            return None
        from fzctl.cli.encrypted import EncryptedCapture

        embed = self.saver.embed_secrets if self.saver is not None and self.args.embed_keys else None
        encrypted = EncryptedCapture(capture, logs, self.args.dialect, name, self.watcher_of(name), embed)
        encrypted.take_secrets(secrets)
        self.opened(encrypted, name)
        return encrypted

    def keylogs(self) -> list[KeyLog]:
        """The key logs of ``-k``, read once."""
        if self._logs is None:
            self._logs = self._load_keylogs()
        return self._logs

    def _load_keylogs(self) -> list[KeyLog]:
        if not self.args.keys:
            return []
        from fzctl.cli.keys import load_keylogs

        logs, problems = load_keylogs(self.args.keys, quiet=self.args.quiet)
        for problem in problems:
            self.complain(problem)
        return logs

    def _hint_at_tunnel(self, source: str) -> None:
        """Tell somebody who sees nothing that there may be something to see."""
        if self.args.quiet or not self.wants_hints or not os.path.isfile(source):
            return
        from fzctl.cli.encrypted import hint_at_tunnel

        hint = hint_at_tunnel(source, user0_is_ip=self.args.user0_is_ip)
        if hint is not None:
            say(f"fzctl: {escape(source)}: {hint}")

    def _hex_records(self, source: str, name: str | None) -> Iterator[Record]:
        from fzctl.cli.hexinput import open_lines

        wrong: list[str] = []
        with open_lines(source) as lines:
            for record in read_hex(lines, self.args.dialect, name):
                self.frames += 1
                if record.line_error is not None and len(wrong) < 2:
                    wrong.append(record.line_error)
                yield record
        if wrong:
            more = ", and it is not the only one" if len(wrong) > 1 else ""
            self.complain(f"{title_of(source)}: {wrong[0]}{more}")

    def _check_link_types(self, source: str, capture: Capture) -> None:
        skipped = capture.skipped_link_types
        if not skipped:
            return
        kinds = ", ".join(f"{number} ({count} frames)" for number, count in sorted(skipped.items()))
        sentence = f"{title_of(source)}: no way to read link type {kinds}"
        if sum(skipped.values()) == capture.frame_count:
            self.complain(f"{sentence}; 147 is read with --user0-is-ip" if 147 in skipped else sentence)
        elif not self.args.quiet:
            say(f"fzctl: {escape(sentence)}")

    def complain(self, problem: str) -> None:
        """Keep a sentence until the end, which is then that of an input that could not be read."""
        self.problems.append(problem)
        self.exit_code = CaptureError.exit_code


def title_of(source: str) -> str:
    """What messages call an input."""
    return "standard input" if source == "-" else source


def _share(capture: Capture) -> None:
    """Give a second processor half of the work, where there is one and the work is worth it."""
    wanted = os.environ.get("FZCTL_PROCESSES")
    if wanted == "2":
        capture.share(0)
    elif wanted != "1" and _processors() > 1:
        capture.share()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _progress(args: Namespace, capture: Capture) -> AbstractContextManager[Progress | None]:
    if args.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return nullcontext()
    from fzctl.cli.progress import Progress

    return Progress(capture)
