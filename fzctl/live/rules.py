"""A gateway's rules out of a TOML file."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from fzctl.errors import UsageError
from fzctl.live.gateway import ANSWERS, Answer, Rules
from fzctl.live.wrong import WRONG
from fzctl.nat.gateway import Resource
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import parse_ip, parse_uuid

_NEWLINE: Final = b"\n"
# A dotted key takes tomllib time by the square of its parts.
_MOST_DOTS: Final = 2000
_MANNERS: Final = ("status", "delay", "loss", "lose", "wrong", "addresses")
_TOP: Final = ("seed", "deny", "allow", "answer", *_MANNERS)
_ALLOW: Final = ("resource", "domains")
_ANSWER: Final = ("domains", *_MANNERS)


def parse_rules(data: bytes, name: str) -> Rules:
    """Read the rules in ``data``; ``name`` is what messages call the file.

    Raises UsageError with the line where it is no TOML, with the key where a value is wrong.
    """
    for number, text in enumerate(data.split(_NEWLINE), start=1):
        if text.count(b".") > _MOST_DOTS:
            problem = f"it has more than {_MOST_DOTS} dots; spread what it lists over several lines"
            raise UsageError(f"{name}: line {number}: {problem}")
    try:
        found = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(_NEWLINE, 0, error.start) + 1
        raise UsageError(f"{name}: line {line}: it is not UTF-8, which TOML is") from None
    except tomllib.TOMLDecodeError as error:
        last = f"at line {data.count(_NEWLINE) + 1}, the last one"
        raise UsageError(f"{name}: it is no TOML: {str(error).replace('at end of document', last)}") from None
    except RecursionError:
        raise UsageError(f"{name}: it is nested too deeply; rules are a table in a list at most") from None
    return _Reader(name).rules(found)


class _Reader:
    def __init__(self, name: str) -> None:
        self._name: Final = name

    def rules(self, found: Mapping[str, Any]) -> Rules:
        self._only(found, _TOP, "")
        otherwise = self._manners(found, "", Answer())
        answers = tuple(
            self._manners(each, where, otherwise._replace(pattern=self._pattern(each, where)))
            for each, where in self._tables(found, "answer", _ANSWER)
        )
        resources = tuple(
            Resource(
                self._uuid(each.get("resource"), f"{where}.resource"),
                self._pattern({"domains": "**", **each}, where),
            )
            for each, where in self._tables(found, "allow", _ALLOW)
        )
        denied = frozenset(
            self._uuid(each, f"deny[{position}]")
            for position, each in enumerate(self._list(found.get("deny", []), "deny"), start=1)
        )
        seed = found.get("seed", 0)
        if type(seed) is not int:
            self._wrong("seed", "a whole number", seed)
        return Rules(resources if "allow" in found else None, denied, answers, otherwise, seed)

    def _manners(self, found: Mapping[str, Any], where: str, default: Answer) -> Answer:
        """``default`` with what the table says."""
        place = f"{where}." if where else ""
        status = found.get("status", default.status)
        if status not in ANSWERS:
            self._wrong(f"{place}status", _one_of(ANSWERS), status)
        delay = self._number(found, "delay", place, default.delay)
        loss = self._number(found, "loss", place, default.loss)
        if loss > 1:
            self._wrong(f"{place}loss", "a chance from 0 to 1", loss)
        lose = found.get("lose", default.lose)
        if type(lose) is not int or lose < 0:
            self._wrong(f"{place}lose", "a whole number", lose)
        wrong = found.get("wrong", default.wrong)
        if wrong is not None and (not isinstance(wrong, str) or wrong not in WRONG):
            self._wrong(f"{place}wrong", _one_of(WRONG), wrong)
        addresses = default.addresses
        if "addresses" in found:
            addresses = tuple(
                self._address(each, f"{place}addresses[{position}]")
                for position, each in enumerate(self._list(found["addresses"], f"{place}addresses"), start=1)
            )
        return Answer(default.pattern, status, delay, loss, lose, wrong, addresses)

    def _tables(
        self, found: Mapping[str, Any], key: str, known: tuple[str, ...]
    ) -> list[tuple[Mapping[str, Any], str]]:
        tables = self._list(found.get(key, []), key)
        named = [(each, f"{key}[{position}]") for position, each in enumerate(tables, start=1)]
        for each, where in named:
            if not isinstance(each, dict):
                self._wrong(where, f"a table: [[{key}]]", each)
            self._only(each, known, f"{where}.")
        return named

    def _pattern(self, found: Mapping[str, Any], where: str) -> DomainPattern:
        text = found.get("domains")
        if not isinstance(text, str):
            self._wrong(f"{where}.domains", 'a domain pattern such as "*.example.com"', text)
        try:
            return DomainPattern(text)
        except UsageError as error:
            raise UsageError(f"{self._name}: {where}.domains: {error}") from None

    def _uuid(self, value: object, where: str) -> str:
        try:
            return parse_uuid(value if isinstance(value, str) else "")
        except Refusal:
            self._wrong(where, "a resource's UUID", value)

    def _address(self, value: object, where: str) -> str:
        try:
            return parse_ip(value if isinstance(value, str) else "")
        except Refusal:
            self._wrong(where, "an IP address", value)

    def _number(self, found: Mapping[str, Any], key: str, place: str, default: float) -> float:
        value = found.get(key, default)
        if type(value) not in (int, float) or not (value >= 0 and math.isfinite(value)):
            self._wrong(f"{place}{key}", "a number from 0 on", value)
        return float(value)

    def _list(self, value: object, where: str) -> list[Any]:
        if not isinstance(value, list):
            self._wrong(where, "a list", value)
        return value

    def _only(self, found: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
        for key in found:
            if key not in known:
                raise UsageError(f"{self._name}: {place}{key!a} is no key here; there are {', '.join(known)}")

    def _wrong(self, where: str, wanted: str, value: object) -> NoReturn:
        got = "nothing" if value is None else f"{value!a:.60}"
        raise UsageError(f"{self._name}: {where} is to be {wanted}, and not {got}")


def _one_of(words: Any) -> str:
    return "one of " + ", ".join(f'"{word}"' for word in words)
