"""JSON, read as serde_json's ``Deserializer`` reads it from a slice into Rust structs.

The source of every rule is serde_json 1.0.150, ``src/de.rs`` and ``src/read.rs``; the method that
a function mirrors stands in its docstring. What serde_json tolerates is tolerated, and where it
stops, the reader stops: the first error in document order, at the same line and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, TypeVar

from fzctl.protocol.numbers import scan_number, skip_number
from fzctl.protocol.reasons import Refusal

Value = TypeVar("Value")

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_PLAIN: Final = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX4: Final = re.compile(rb"[0-9a-fA-F]{4}")
_ESCAPES: Final = dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True))

_QUOTE, _BACKSLASH, _COMMA, _COLON, _MINUS = b'"\\,:-'
_OPEN_ARRAY, _CLOSE_ARRAY, _OPEN_OBJECT, _CLOSE_OBJECT = b"[]{}"
_DIGITS: Final = frozenset(b"0123456789")
_IDENTS: Final = {
    ord("n"): (b"null", "null"),
    ord("t"): (b"true", "a boolean"),
    ord("f"): (b"false", "a boolean"),
}


class Reader:
    """A position in a JSON payload; each ``read_`` method takes one value of a known type.

    ``index`` counts bytes. Every method raises :class:`Refusal`.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.index = 0

    def read_document(self, read: Callable[[Reader], Value]) -> Value:
        """One value and nothing but white space after it (``from_slice``)."""
        value = read(self)
        if self._peek() is not None:
            raise self._refuse_at_peek("trailing_data", "something follows the JSON value")
        return value

    def read_struct(
        self, members: Mapping[str, Callable[[Reader], object]], expected: str, into: dict[str, object]
    ) -> None:
        """A struct, as an object or as a positional array (``deserialize_struct``).

        Values go to ``into`` as they are read, so that it holds what preceded a refusal.
        """
        opening = self._peek_value()
        if opening == _OPEN_OBJECT:
            visit, close = self._visit_object, self._end_object
        elif opening == _OPEN_ARRAY:
            visit, close = self._visit_positions, self._end_array
        else:
            raise self._place(self._wrong_type(expected))
        self.index += 1
        try:
            visit(members, into)
        except Refusal as refusal:
            # serde_json closes the container before it looks at the visitor's result,
            # and the position of an unplaced error is where that attempt ended.
            with suppress(Refusal):
                close()
            raise self._place(refusal) from None
        close()

    def read_array(self, item: Callable[[Reader], Value]) -> list[Value]:
        """A sequence of equal items (``deserialize_seq``)."""
        if self._peek_value() != _OPEN_ARRAY:
            raise self._place(self._wrong_type("an array"))
        self.index += 1
        items: list[Value] = []
        while self._next_element(first=not items):
            items.append(item(self))
        self._end_array()
        return items

    def read_text(self, parse: Callable[[str], Value], expected: str) -> Value:
        """A string that ``parse`` turns into a value (``deserialize_str``)."""
        if self._peek_value() != _QUOTE:
            raise self._place(self._wrong_type(expected))
        self.index += 1
        text = self._string()
        try:
            return parse(text)
        except Refusal as refusal:
            raise self._place(refusal) from None

    def read_unsigned(self, limit: int, expected: str) -> int:
        """A whole number from 0 to ``limit`` (``deserialize_number``)."""
        if self._peek_value() not in _DIGITS | {_MINUS}:
            raise self._place(self._wrong_type(expected))
        number, self.index = scan_number(self.data, self.index)
        if not isinstance(number, int):
            raise Refusal(
                "wrong_type", f"expected {expected}, found the floating point number {number}", self.index
            )
        if not 0 <= number <= limit:
            raise Refusal("bad_value", f"expected {expected}, found {number}", self.index)
        return number

    def read_enum(
        self, identify: Callable[[str], str], variants: Mapping[str, Mapping[str, Callable[[Reader], object]]]
    ) -> tuple[str, dict[str, object]]:
        """An externally tagged enum (``deserialize_enum``): the variant's name and its content.

        ``variants`` maps each name to the members of its struct, empty for a unit variant;
        ``identify`` turns the text into such a name or refuses it.
        """
        opening = self._peek_value()
        if opening == _QUOTE:
            name = self.read_text(identify, "a variant's name")
            if variants[name]:
                raise Refusal("wrong_type", f'"{name}" needs its content: {{"{name}": ...}}')
            return name, {}
        if opening != _OPEN_OBJECT:
            raise self._refuse_at_peek(
                "bad_json", "expected a string or an object here", if_sound="wrong_type"
            )
        self.index += 1
        name = self.read_text(identify, "a variant's name")
        self._colon()
        content: dict[str, object] = {}
        if variants[name]:
            self.read_struct(variants[name], f'the content of "{name}"', content)
        else:
            self._null(name)
        closing = self._peek()
        if closing is None:
            raise Refusal("bad_json", "the object does not end", self.index)
        if closing != _CLOSE_OBJECT:
            raise Refusal("bad_json", "expected one variant only", self.index, if_sound="wrong_type")
        self.index += 1
        return name, content

    def skip_value(self) -> None:
        """Pass over a value that nobody reads, of any depth (``ignore_value``).

        Its strings need not be UTF-8 nor its surrogates paired, its numbers fit no type.
        """
        enclosing: list[int] = []
        while True:
            opening = self._peek_value()
            entered = opening in (_OPEN_ARRAY, _OPEN_OBJECT)
            if entered:
                self.index += 1
                enclosing.append(opening)
            else:
                self._skip_scalar(opening)
            if not self._leave_containers(enclosing, after_value=not entered):
                return
            if enclosing[-1] == _OPEN_OBJECT:
                self._skip_key()

    def top_level_keys(self) -> dict[str, int]:
        """The object's keys up to the first syntax error, and where the value of each begins.

        Empty where the payload is no object; of a key given twice the first counts.
        """
        keys: dict[str, int] = {}
        with suppress(Refusal):
            if self._peek_value() == _OPEN_OBJECT:
                self.index += 1
                first = True
                while self._next_key(first=first):
                    first = False
                    key = self._string()
                    self._colon()
                    keys.setdefault(key, self.index)
                    self.skip_value()
        return keys

    def _visit_object(
        self, members: Mapping[str, Callable[[Reader], object]], into: dict[str, object]
    ) -> None:
        seen: set[str] = set()
        first = True
        while self._next_key(first=first):
            first = False
            key = self._string()
            read = members.get(key)
            if read is None:
                self._colon()
                self.skip_value()
                continue
            if key in seen:
                raise Refusal("duplicate_field", f'the field "{key}" is given twice')
            seen.add(key)
            self._colon()
            into[key] = read(self)
        for name in members:
            if name not in seen:
                raise Refusal("missing_field", f'the field "{name}" is missing')

    def _visit_positions(
        self, members: Mapping[str, Callable[[Reader], object]], into: dict[str, object]
    ) -> None:
        for position, (name, read) in enumerate(members.items()):
            if not self._next_element(first=position == 0):
                raise Refusal("wrong_length", f"expected {len(members)} elements, found {position}")
            into[name] = read(self)

    def _next_element(self, *, first: bool) -> bool:
        """Mirrors ``SeqAccess::next_element_seed``."""
        byte = self._peek()
        if byte is None:
            raise self._refuse_at_peek("bad_json", "the array does not end")
        if byte == _CLOSE_ARRAY:
            return False
        if first:
            return True
        if byte != _COMMA:
            raise self._refuse_at_peek("bad_json", 'expected "," or "]" here')
        self.index += 1
        if self._peek_value() == _CLOSE_ARRAY:
            raise self._refuse_at_peek("bad_json", "a comma stands before the end of the array")
        return True

    def _next_key(self, *, first: bool) -> bool:
        """Mirrors ``MapAccess::next_key_seed``, up to and with the key's opening quote."""
        byte = self._peek()
        if byte is None:
            raise self._refuse_at_peek("bad_json", "the object does not end")
        if byte == _CLOSE_OBJECT:
            return False
        if not first:
            if byte != _COMMA:
                raise self._refuse_at_peek("bad_json", 'expected "," or "}" here')
            self.index += 1
            byte = self._peek_value()
            if byte == _CLOSE_OBJECT:
                raise self._refuse_at_peek("bad_json", "a comma stands before the end of the object")
        if byte != _QUOTE:
            raise self._refuse_at_peek("bad_json", "a key must be a string")
        self.index += 1
        return True

    def _end_array(self) -> None:
        byte = self._peek()
        if byte == _CLOSE_ARRAY:
            self.index += 1
        elif byte is None:
            raise self._refuse_at_peek("bad_json", "the array does not end")
        else:
            if byte == _COMMA:
                self.index += 1
                if self._peek() == _CLOSE_ARRAY:
                    raise self._refuse_at_peek("bad_json", "a comma stands before the end of the array")
            raise self._refuse_at_peek(
                "trailing_data", "the array has too many elements", if_sound="wrong_length"
            )

    def _end_object(self) -> None:
        # Where it does not end here, a refusal is on its way.
        if self._peek() == _CLOSE_OBJECT:
            self.index += 1

    def _colon(self) -> None:
        if self._peek() != _COLON:
            raise self._refuse_at_peek("bad_json", 'expected ":" here')
        self.index += 1

    def _null(self, name: str) -> None:
        if self._peek_value() != ord("n"):
            raise self._place(self._wrong_type(f'null as the content of "{name}"'))
        self._ident(b"null")

    def _ident(self, word: bytes) -> None:
        """Mirrors ``parse_ident``: fails at the first byte that differs."""
        for expected in word:
            if self.index >= len(self.data):
                raise Refusal("bad_json", "the payload ends within a word", self.index)
            self.index += 1
            if self.data[self.index - 1] != expected:
                raise Refusal("bad_json", f'expected "{word.decode()}" here', self.index)

    def _string(self) -> str:
        """The rest of a string after its opening quote (``parse_str``)."""
        raw = bytearray()
        while True:
            start = self.index
            stop = self._stop_in_string()
            raw += self.data[start : self.index]
            self.index += 1
            if stop == _QUOTE:
                break
            if stop != _BACKSLASH:
                raise Refusal("bad_json", "a string holds a raw control character", self.index)
            escape = self._next("a string")
            if escape == ord("u"):
                raw += self._unicode_escape().encode()
            elif escape in _ESCAPES:
                raw.append(_ESCAPES[escape])
            else:
                raise Refusal("bad_json", "a string holds an invalid escape", self.index)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise Refusal("invalid_utf8", "a string is not UTF-8", self.index) from None

    def _unicode_escape(self) -> str:
        """Mirrors ``parse_unicode_escape`` with validation: surrogates must come in pairs."""
        unit = self._hex4()
        if 0xDC00 <= unit <= 0xDFFF:
            raise Refusal("bad_json", "a string holds a lone surrogate", self.index)
        if not 0xD800 <= unit <= 0xDBFF:
            return chr(unit)
        for expected in b"\\u":
            if self._next("a string") != expected:
                raise Refusal("bad_json", "a string holds a lone surrogate", self.index)
        trail = self._hex4()
        if not 0xDC00 <= trail <= 0xDFFF:
            raise Refusal("bad_json", "a string holds a lone surrogate", self.index)
        return chr(0x10000 + ((unit - 0xD800) << 10) + (trail - 0xDC00))

    def _hex4(self) -> int:
        if self.index + 4 > len(self.data):
            self.index = len(self.data)
            raise Refusal("bad_json", "the payload ends within a string", self.index)
        self.index += 4
        digits = self.data[self.index - 4 : self.index]
        if _HEX4.fullmatch(digits) is None:
            raise Refusal("bad_json", "a string holds an invalid escape", self.index)
        return int(digits, 16)

    def _skip_string(self) -> None:
        """Mirrors ``ignore_str``: the escapes must be of the right form, nothing else.

        Other than ``parse_str_bytes`` it reports a raw control character without passing it.
        """
        while True:
            stop = self._stop_in_string()
            if stop not in (_QUOTE, _BACKSLASH):
                raise Refusal("bad_json", "a string holds a raw control character", self.index)
            self.index += 1
            if stop == _QUOTE:
                return
            escape = self._next("a string")
            if escape == ord("u"):
                self._hex4()
            elif escape not in _ESCAPES:
                raise Refusal("bad_json", "a string holds an invalid escape", self.index)

    def _stop_in_string(self) -> int:
        """Go to the next quote, backslash or control character and tell which."""
        found = _PLAIN.match(self.data, self.index)
        assert found is not None
        self.index = found.end()
        if self.index == len(self.data):
            raise Refusal("bad_json", "the payload ends within a string", self.index)
        return self.data[self.index]

    def _skip_scalar(self, opening: int) -> None:
        if opening == _QUOTE:
            self.index += 1
            self._skip_string()
        elif opening in _DIGITS or opening == _MINUS:
            self.index = skip_number(self.data, self.index)
        elif opening in _IDENTS:
            self._ident(_IDENTS[opening][0])
        else:
            raise self._refuse_at_peek("bad_json", "expected a value here")

    def _leave_containers(self, enclosing: list[int], *, after_value: bool) -> bool:
        """Close what closes here; tell whether another value must follow."""
        while enclosing:
            inside_object = enclosing[-1] == _OPEN_OBJECT
            byte = self._peek()
            if byte is None:
                raise self._refuse_at_peek(
                    "bad_json", f"the {'object' if inside_object else 'array'} does not end"
                )
            if byte == (_CLOSE_OBJECT if inside_object else _CLOSE_ARRAY):
                self.index += 1
                enclosing.pop()
                after_value = True
                continue
            if after_value:
                if byte != _COMMA:
                    raise self._refuse_at_peek(
                        "bad_json", f'expected "," or "{"}" if inside_object else "]"}" here'
                    )
                self.index += 1
            return True
        return False

    def _skip_key(self) -> None:
        if self._peek() != _QUOTE:
            raise self._refuse_at_peek("bad_json", "a key must be a string")
        self.index += 1
        self._skip_string()
        self._colon()

    def _wrong_type(self, expected: str) -> Refusal:
        """Mirrors ``peek_invalid_type``: a scalar is read first, and may itself be broken."""
        byte = self.data[self.index]
        if byte in _IDENTS:
            word, found = _IDENTS[byte]
            self._ident(word)
        elif byte in _DIGITS or byte == _MINUS:
            number, self.index = scan_number(self.data, self.index)
            found = f"the number {number}"
        elif byte == _QUOTE:
            self.index += 1
            self._string()
            found = "a string"
        elif byte in (_OPEN_ARRAY, _OPEN_OBJECT):
            found = "an array" if byte == _OPEN_ARRAY else "an object"
        else:
            return self._refuse_at_peek("bad_json", "expected a value here", if_sound="wrong_type")
        return Refusal("wrong_type", f"expected {expected}, found {found}")

    def _peek(self) -> int | None:
        """The next byte that is not white space, not consumed (``parse_whitespace``)."""
        found = _SPACE.match(self.data, self.index)
        assert found is not None
        self.index = found.end()
        return self.data[self.index] if self.index < len(self.data) else None

    def _peek_value(self) -> int:
        byte = self._peek()
        if byte is None:
            raise self._refuse_at_peek("bad_json", "the payload ends where a value is expected")
        return byte

    def _next(self, inside: str) -> int:
        if self.index >= len(self.data):
            raise Refusal("bad_json", f"the payload ends within {inside}", self.index)
        self.index += 1
        return self.data[self.index - 1]

    def _place(self, refusal: Refusal) -> Refusal:
        """Mirrors ``fix_position``: an error without a place gets the current one."""
        if refusal.offset is None:
            refusal.offset = self.index
        return refusal

    def _refuse_at_peek(self, reason: str, problem: str, if_sound: str | None = None) -> Refusal:
        """Mirrors ``peek_error``, which points behind the byte that it looks at."""
        return Refusal(reason, problem, min(self.index + 1, len(self.data)), if_sound)


def is_sound_json(data: bytes) -> bool:
    """Is the payload one syntactically valid JSON value?"""
    try:
        Reader(data).read_document(Reader.skip_value)
    except Refusal:
        return False
    return True


def line_and_column(data: bytes, offset: int) -> tuple[int, int]:
    """Where ``offset`` bytes have been read, as serde_json counts (``position_of_index``)."""
    before = data[:offset]
    return before.count(b"\n") + 1, offset - (before.rfind(b"\n") + 1)
