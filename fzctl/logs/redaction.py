"""``--redact`` for logs: the same replacements as in captures, wherever in an event they stand.

Fields that hold names lose all their words; running text loses what looks like a name, an address
or an identifier. A line that could not be read, of which nobody knows what is what, loses all.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from fzctl.logs.event import CONTINUATION, SEVERITIES, UNKNOWN, Event, Fields, Span
from fzctl.logs.jsonlines import is_deep
from fzctl.redact.redactor import Redactor

_NAMES: Final = frozenset(
    (
        *("domain", "name", "address", "host", "hostname", "fqdn", "query", "question", "record"),
        *("site", "sites", "label", "email", "actor", "actor_name", "account", "account_slug", "slug"),
        *("user", "user_name", "username", "device_name", "url", "api_url", "sni", "ssid", "upstream_dns"),
        *("token", "secret", "password", "key", "public_key", "preshared_key", "ip", "ips", "src", "dst"),
    )
)
"""Fields whose values name somebody or something, as a whole."""

_FILTERS: Final = frozenset(("directives", "log_filter", "filter"))
"""Fields that name Firezone's own modules, in quotes."""

_STRUCTURE: Final = frozenset(
    (
        *("time", "timestamp", "target", "severity", "level", "message", "fields", "span", "spans"),
        *("name", "file", "line", "domain", "logging", "googleapis", "com", "sourceLocation"),
        *(*SEVERITIES, "WARNING", "null", "true", "false"),
    )
)
_MOST_INSIDE: Final = 2
"""JSON in a text in JSON is read; what is further inside, or nested deeply, loses every word."""

_DEEP: Final = object()

_WORD: Final = re.compile(r"[A-Za-z]+")
_SOURCE: Final = re.compile(r"(?:[\w+-]+/)*[\w-]+\.rs:[0-9]+")


class LogRedactor:
    """Replaces names in events by what ``redactor`` puts for them everywhere."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def redact(self, event: Event) -> Event:
        """The event without anything that names anybody; time, level and structure stay."""
        prose = self._redactor.redact_prose
        fields = self._fields(event.fields)
        spans = tuple(
            [Span(span.name and prose(span.name), self._fields(span.fields)) for span in event.spans]
        )
        message = event.message
        if message is not None:
            whole = event.shape == CONTINUATION
            message = self._redactor.redact_text(message) if whole else self._text("message", message)
        return event._replace(
            target=event.target and prose(event.target),
            message=message,
            fields=fields,
            spans=spans,
            file=event.file and self._redactor.redact_path(event.file),
            raw=self._raw(event.raw) if event.problem is not None or event.shape == UNKNOWN else "",
            location=event.location and self._location(event.location),
        )

    def learn(self, event: Event) -> None:
        """Remember what the event's fields name, for running text that comes before."""
        for fields in (event.fields, *(span.fields for span in event.spans)):
            for name, value in fields:
                if isinstance(value, str) and name.lower() in _NAMES:
                    self._remember(value)

    def redact_path(self, path: str) -> str:
        """A file's name."""
        return self._redactor.redact_path(path)

    def redact_sentence(self, text: str) -> str:
        """A sentence of ours that may quote a name out of a file."""
        return self._redactor.redact_prose(text)

    def _fields(self, fields: Fields) -> Fields:
        return tuple(
            [(self._redactor.redact_prose(name), self._value(name, value)) for name, value in fields]
        )

    def _value(self, name: str, value: Any, inside: int = 0) -> Any:
        """``inside`` is in how many texts that are JSON the value stands."""
        if isinstance(value, str):
            return self._text(name, value, inside)
        if isinstance(value, list):
            return [self._value(name, each, inside) for each in value]
        if isinstance(value, dict):
            prose = self._redactor.redact_prose
            return {prose(key): self._value(key, each, inside) for key, each in value.items()}
        return value

    def _text(self, name: str, text: str, inside: int = 0) -> str:
        document = _read(text) if text[:1] in ("{", "[") else None
        if document is _DEEP or (document is not None and inside == _MOST_INSIDE):
            return self._redactor.redact_text(text)
        if document is not None:
            new = self._value(name, document, inside + 1)
            return json.dumps(new, ensure_ascii=False, separators=(",", ":"))
        if name.lower() in _NAMES:
            self._remember(text)
            return self._redactor.redact_text(text)
        if name in _FILTERS and len(text) > 1 and text[0] == text[-1] == '"':
            return f'"{self._redactor.redact_prose(text[1:-1])}"'
        return self._redactor.redact_prose(text)

    def _remember(self, text: str) -> None:
        """Names with a dot are found in running text without that, and what has spaces is no name."""
        if "." not in text and " " not in text:
            self._redactor.remember(text)

    def _location(self, location: str) -> str:
        return location if _SOURCE.fullmatch(location) else self._redactor.redact_text(location)

    def _raw(self, raw: str) -> str:
        """Every word but those that make the structure, so that what is broken can still be seen."""
        parts: list[str] = []
        position = 0
        for found in _WORD.finditer(raw):
            if found[0] in _STRUCTURE and not _is_inside_a_name(raw, found.start(), found.end()):
                parts += (self._redactor.redact_text(raw[position : found.start()]), found[0])
                position = found.end()
        return "".join((*parts, self._redactor.redact_text(raw[position:])))


def _read(text: str) -> Any:
    """The document that a text is, ``None`` where it is none, ``_DEEP`` where it is nested too deeply."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    except RecursionError:
        return _DEEP
    return _DEEP if is_deep([document]) else document


def _is_inside_a_name(text: str, start: int, end: int) -> bool:
    around = text[max(0, start - 1) : start] + text[end : end + 1]
    return any(each.isalnum() or each in "-_.\\" for each in around)
