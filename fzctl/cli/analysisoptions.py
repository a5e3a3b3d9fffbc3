"""The options of the verbs that look at all of a capture, and what their values say."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fzctl.cli.moments import parse_seconds
from fzctl.cli.selection import add_capture_arguments
from fzctl.errors import UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.nat.patterns import DomainPattern


def add_analysis_arguments(parser: ArgumentParser) -> None:
    """Declare the inputs, and how they are read, together and apart."""
    add_capture_arguments(parser)
    parser.add_argument(
        "--merge", action="store_true",
        help="the captures show the same tunnels (both ends of one, or one after another)",
    )  # fmt: skip
    parser.add_argument(
        "--offset", metavar="FILE=SECONDS", dest="offsets", action="append", default=[],
        help="add this to that capture's times, where clocks differ; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--pattern", metavar="[UUID=]PATTERN", dest="patterns", action="append", default=[],
        help="the address of a resource, or of all others, such as *.example.com; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--tun", action="store_true", help="the captures were taken on Firezone's own interface"
    )


def parse_patterns(texts: Iterable[str]) -> dict[str | None, DomainPattern]:
    """The values of ``--pattern``. Raises UsageError."""
    from fzctl.nat.names import resource_key
    from fzctl.nat.patterns import DomainPattern

    found: dict[str | None, DomainPattern] = {}
    for text in texts:
        resource, equals, pattern = text.rpartition("=")
        key = resource_key(resource) if equals else None
        if key is not None and not _is_uuid(key):
            raise UsageError(f"--pattern {escape(text)}: what stands before = must be a resource's UUID")
        if not pattern:
            raise UsageError(f"--pattern {escape(text)}: the pattern is missing")
        found[key] = DomainPattern(pattern)
    return found


def parse_offsets(texts: Iterable[str], sources: list[str]) -> dict[str, int]:
    """The values of ``--offset``, in nanoseconds. Raises UsageError."""
    found = {}
    for text in texts:
        source, equals, seconds = text.rpartition("=")
        if not equals or source not in sources:
            raise UsageError(f"--offset {escape(text)}: it takes FILE=SECONDS, with a FILE that is read")
        found[source] = parse_seconds(seconds, f"--offset {escape(text)}")
    return found


def _is_uuid(text: str) -> bool:
    from fzctl.protocol.reasons import Refusal
    from fzctl.protocol.values import parse_uuid

    try:
        return parse_uuid(text) == text
    except Refusal:
        return False
