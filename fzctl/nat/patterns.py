"""Which domains a DNS resource covers: its address is a pattern.

Upstream: ``dns/pattern.rs`` on top of the glob crate 0.3. Dots become slashes, so that a star
stays within a label; everything else is that crate's language.
"""

from __future__ import annotations

import re
from typing import Final

from fzctl.errors import UsageError
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import parse_domain

_ASCII: Final = [chr(code) for code in range(128)]
_SUBDOMAINS: Final = "*/"


class DomainPattern:
    """The address of a DNS resource, such as ``*.example.com``. Raises UsageError for no pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._path = text.replace(".", "/")
        self._regex = re.compile(_translate(self._path, text), re.ASCII | re.IGNORECASE | re.DOTALL)

    def covers(self, domain: str) -> bool:
        """Does the resource cover the domain?

        Case does not count, except where ``*.example.com`` covers ``example.com`` itself.
        """
        try:
            path = parse_domain(domain).replace(".", "/")
        except Refusal:
            return False
        if self._path.startswith(_SUBDOMAINS) and self._path.removeprefix(_SUBDOMAINS) == path:
            return True
        return self._regex.fullmatch(path) is not None

    def __repr__(self) -> str:
        return f"DomainPattern({self.text!a})"


def _translate(path: str, text: str) -> str:
    """A regular expression for what the glob crate matches (``Pattern::new``, ``matches_from``)."""
    found: list[str] = []
    position = 0
    # Where in ``found`` the last * and the last ** stand, once there is one.
    star = stars = -1
    while position < len(path):
        character = path[position]
        if character == "?":
            found.append("[^/]")
        elif character == "*":
            count = len(path) - position - len(path[position:].lstrip("*"))
            end = position + count
            is_whole = (position == 0 or path[position - 1] == "/") and path[end : end + 1] in ("", "/")
            if count > 2 or (count == 2 and not is_whole):
                raise UsageError(f"{text!a} is no domain pattern: ** stands for whole labels only")
            _settle(found, star)
            if count == 1:
                star = len(found)
                found.append("[^/]*?")
            else:
                _settle(found, stars)
                star, stars = -1, len(found)
                found.append(".*" if end == len(path) else "(?:.*?/)??")
                end += 1
            position = end
            continue
        elif character == "[":
            group, position = _translate_group(path, position, text)
            found.append(group)
            continue
        else:
            found.append(re.escape(character))
        position += 1
    return "".join(found)


def _settle(found: list[str], star: int) -> None:
    """Let the star at that place, and what is behind it, match where it first can and nowhere else.

    Before another star of its kind or a wider one nothing is lost by that: what could follow a
    later place can follow the first one, too. Without it, time grows with a power of the stars.
    """
    if star >= 0:
        found[star] = f"(?>{found[star]}"
        found.append(")")


def _translate_group(path: str, start: int, text: str) -> tuple[str, int]:
    """``[abc]``, ``[a-z]`` or ``[!abc]`` at ``start``, and where the text behind it begins.

    The first character after the opening never closes it.
    """
    negated = path.startswith("!", start + 1)
    first = start + 2 if negated else start + 1
    end = path.find("]", first + 1)
    if end < 0:
        raise UsageError(f"{text!a} is no domain pattern: a [ without its ]")
    members = path[first:end]
    allowed = [each for each in _ASCII if each != "/" and _is_member(each, members) != negated]
    # The members are all named, so case must not widen them once more.
    return f"(?-i:[{''.join(map(re.escape, allowed))}])" if allowed else "(?!)", end + 1


def _is_member(character: str, members: str) -> bool:
    position = 0
    while position < len(members):
        low = high = members[position]
        if members[position + 1 : position + 2] == "-" and position + 2 < len(members):
            high = members[position + 2]
            position += 2
        position += 1
        if low <= character <= high:
            return True
        # Ranges disregard case only where both ends are letters, and all of that holds for ASCII only.
        if (
            (low + high).isascii()
            and (low + high).isalpha()
            and low.lower() <= character.lower() <= high.lower()
        ):
            return True
    return False
