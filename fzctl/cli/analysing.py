"""From inputs on the command line to what they tell: for the verbs that look at all of a capture."""

from __future__ import annotations

from argparse import Namespace
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from fzctl.cli.analysisoptions import parse_offsets, parse_patterns
from fzctl.cli.inputs import Inputs, title_of
from fzctl.cli.moments import Moment, parse_moment
from fzctl.cli.selection import make_filter, with_exchanges
from fzctl.cli.streams import say
from fzctl.errors import UsageError
from fzctl.protocol.packet import IPV6_HEADER
from fzctl.records import Record
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.analysis.analyzer import Analyzer
    from fzctl.analysis.ladder import Analysis, Ladder
    from fzctl.analysis.rules import Rule
    from fzctl.cli.encrypted import EncryptedCapture
    from fzctl.pcap.capture import Capture
    from fzctl.tunnel import Watcher
    from fzctl.wireguard.decryptor import Decryptor

MOST_WAITING: Final = 16384
"""Application packets that wait for the messages of other captures to catch up."""


class Analysing(Inputs):
    """Reads the inputs and tells what they mean; what fails is reported, and the others are still read.

    ``wanted`` chooses rules, ``at`` is a moment at which the state is wanted, ``most_rungs`` is how
    many messages are kept from each end (0: none are).
    """

    def __init__(
        self,
        args: Namespace,
        *,
        wanted: Callable[[Rule], bool] | None = None,
        at: str | None = None,
        most_rungs: int = 0,
    ) -> None:
        """Look at the options. Raises UsageError, FilterError."""
        sources = [*args.read, *args.files]
        if not sources:
            raise UsageError("there is no capture file to read; - stands for standard input (see --help)")
        super().__init__(args, sources)
        self.wants_hints = True
        self._wanted = wanted
        self._at = None if at is None else parse_moment(at)
        self._most_rungs = most_rungs
        self._patterns = parse_patterns(args.patterns)
        self._offsets = parse_offsets(args.offsets, sources)
        self._keep = make_filter(args.filter)
        self._files: list[_File] = []
        self._left: int | None = args.count

    def analyses(self) -> Iterator[Analysis]:
        """One analysis an input, or one of all where they are merged.

        A KeyboardInterrupt comes through after the analysis of what was read until then.
        """
        if self.args.merge and len(self.sources) > 1:
            yield from self._analyse(self.sources)
        else:
            for source in self.sources:
                yield from self._analyse([source])

    def report_problems(self) -> None:
        """Complaints, at the end, where they are seen."""
        for problem in self.problems:
            say(f"fzctl: {escape(problem)}")

    def plain_records(self, capture: Capture, name: str | None) -> Iterator[Record]:
        """The messages of a capture without keys; its other packets go to the analyzer."""
        from fzctl.cli.plain import plain_records

        file = self._file(name)
        return plain_records(capture, self.args, name, file.deliver, file.goes_on_until)

    def watcher_of(self, name: str | None) -> Watcher | None:
        """The analyzer, which wants to know all."""
        return self._file(name).watcher()

    def opened(self, encrypted: EncryptedCapture, name: str | None) -> None:
        """Let the analyzer know the capture's sessions."""
        file = self._file(name)
        file.encrypted = encrypted
        file.analysis.decryptors[name] = encrypted.decryptor

    def _file(self, name: str | None) -> _File:
        return next(each for each in self._files if each.name == name)

    def _analyse(self, sources: list[str]) -> Iterator[Analysis]:
        from fzctl.analysis.bounded import TooManyError

        run = _Run(self)
        offsets = [self._offsets.get(source, 0) for source in sources]
        names = [source if len(self.sources) > 1 else None for source in sources]
        self._files = [_File(run, name, offset) for name, offset in zip(names, offsets, strict=True)]
        run.files = self._files
        records: Iterator[Record]
        if len(sources) > 1:
            from fzctl.analysis.merge import merge

            records = merge([self.records_of(each) for each in sources], offsets=offsets)
        else:
            records = _shifted(self.records_of(sources[0]), offsets[0])
        interrupted: KeyboardInterrupt | None = None
        count, known = 0, len(self.problems)
        try:
            for record in islice(self._selected(records), self._left):
                run.record(record)
                count += 1
        except KeyboardInterrupt as error:
            interrupted = error
        except TooManyError as error:
            self.complain(str(error))
        if self._left is not None:
            self._left -= count
        analysis = run.finish(tuple(map(title_of, sources)))
        if self._keep is not None and not analysis.story.messages and not self.args.quiet:
            say("fzctl: only what -Y takes was looked at, and it took no message")
        yield analysis._replace(problems=tuple(self.problems[known:]))
        if interrupted is not None:
            raise interrupted

    def _selected(self, records: Iterator[Record]) -> Iterator[Record]:
        keep = self._keep
        if keep is None:
            return records
        return filter(keep, with_exchanges(records, {*keep.fields}))


class _Run:
    """One analysis while its inputs are read."""

    def __init__(self, inputs: Analysing) -> None:
        from fzctl.analysis.analyzer import Analyzer

        args = inputs.args
        self.files: list[_File] = []
        self.decryptors: dict[str | None, Decryptor] = {}
        self._most_rungs = inputs._most_rungs
        self._ladder: Ladder | None = None
        self._merged: bool = args.merge and len(inputs.sources) > 1
        self._moment: Moment | None = inputs._at
        self._kept = False
        self.has_begun = False
        self.analyzer: Analyzer = Analyzer(
            decryptors=self.decryptors,
            merged=self._merged,
            patterns=inputs._patterns,
            tun_device=args.tun,
            wanted=inputs._wanted,
            on_packet=self._on_packet if self._most_rungs else None,
        )

    def record(self, record: Record) -> None:
        """The next message in the order of times."""
        if not self.has_begun:
            self._begin()
        if self._moment is not None and not self._kept:
            first = record.time if self.analyzer.first is None else self.analyzer.first
            if self._moment.is_before(record, first):
                self._keep_moment()
        if self._merged:
            for file in self.files:
                file.catch_up(record.time)
        exchange = self.analyzer.record(record)
        if self._ladder is not None:
            self._ladder.message(record, exchange, self.analyzer.latest)

    def finish(self, files: tuple[str, ...]) -> Analysis:
        """The end of all inputs."""
        from fzctl.analysis.bounded import Kept
        from fzctl.analysis.ladder import Analysis, Rung

        for file in self.files:
            file.catch_up(None)
            self.analyzer.goes_on_until(file.end)
        if self._moment is not None and not self._kept:
            self._keep_moment()
        rungs = Kept[Rung]((), 0, 0) if self._ladder is None else self._ladder.kept()
        asked = None if self._moment is None else self._moment.text
        return Analysis(files, self.analyzer.finish(), rungs, asked)

    def _begin(self) -> None:
        from fzctl.analysis.ladder import Ladder

        self.has_begun = True
        if self._most_rungs:
            # Only now is it known whether keys are used, which alone or with other files show copies.
            with_copies = self._merged or bool(self.decryptors)
            self._ladder = Ladder(self._most_rungs, with_copies=with_copies)

    def waits(self) -> bool:
        """Do packets have to wait for the messages of other files?"""
        return self._merged

    def _keep_moment(self) -> None:
        self._kept = True
        self.analyzer.keep_moment()

    def _on_packet(self, domain: Any, spot: Any, size: int, towards: bool) -> None:
        if self._ladder is not None:
            self._ladder.packet(
                domain.subject, domain.state, spot, size, buffering=domain.buffering, towards=towards
            )


class _File:
    """One input of a run: its application packets, in the times of all."""

    def __init__(self, run: _Run, name: str | None, offset: int) -> None:
        self.analysis = run
        self.name = name
        self.encrypted: EncryptedCapture | None = None
        self._offset = offset
        self._last: int | None = None
        self._waiting: deque[tuple[int | None, bytes, dict[str, Any]]] = deque()

    def watcher(self) -> Watcher:
        """What the input's tunnel is to tell."""
        return self.analysis.analyzer.watcher(self.name, self._deliver, self._offset)

    @property
    def end(self) -> int | None:
        """The last time in it, whatever was there, as far as it was read."""
        last = self._last if self.encrypted is None else self.encrypted.last_time
        return None if last is None else last + self._offset

    def goes_on_until(self, time: int | None) -> None:
        """The last time of a capture in plain."""
        self._last = time

    def deliver(self, time: int | None, packet: bytes, frame: int) -> None:
        """An application packet in plain."""
        # Before the first message nothing is known that it could belong to.
        if self.analysis.has_begun:
            self._deliver(time, packet, frame=frame, file=self.name)

    def _deliver(self, time: int | None, packet: bytes, **more: Any) -> None:
        if time is not None:
            time += self._offset
        if not self.analysis.waits():
            self.analysis.analyzer.packet(time, packet, **more)
            return
        # Addresses and length are all that is looked at.
        self._waiting.append((time, packet[:IPV6_HEADER], more))
        if len(self._waiting) > MOST_WAITING:
            self._hand_on()

    def catch_up(self, time: int | None) -> None:
        """Hand on what came before ``time``, or all of it."""
        waiting = self._waiting
        while waiting and (time is None or (waiting[0][0] or 0) <= time):
            self._hand_on()

    def _hand_on(self) -> None:
        time, packet, more = self._waiting.popleft()
        self.analysis.analyzer.packet(time, packet, **more)


def _shifted(records: Iterator[Record], offset: int) -> Iterator[Record]:
    if not offset:
        return records
    return (
        record if record.time is None else record._replace(time=record.time + offset) for record in records
    )
