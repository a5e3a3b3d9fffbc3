"""Mutations of sound inputs, and what is left of an input that breaks something."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_INTERESTING = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)
_MOST_CHANGES = 6
_MOST_PIECE = 64


class Mutator:
    """Makes new inputs of ``inputs``, no longer than ``longest``; ``tokens`` are put in here and there."""

    def __init__(self, inputs: Sequence[bytes], tokens: Sequence[bytes], longest: int) -> None:
        self.inputs = list(inputs) or [b""]
        self._tokens = tokens
        self._longest = longest
        self._kinds = (
            *(self._flip, self._set, self._number, self._insert),
            *(self._delete, self._cut, self._copy, self._splice),
            *((self._token, self._token) if tokens else ()),
        )

    def draw(self, rng: random.Random) -> bytes:
        """One input with a few changes."""
        data = bytearray(rng.choice(self.inputs))
        for _ in range(rng.randint(1, _MOST_CHANGES)):
            rng.choice(self._kinds)(data, rng)
        del data[self._longest :]
        return bytes(data)

    def _flip(self, data: bytearray, rng: random.Random) -> None:
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)

    def _set(self, data: bytearray, rng: random.Random) -> None:
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)

    def _number(self, data: bytearray, rng: random.Random) -> None:
        size = rng.choice((1, 2, 4))
        at = rng.randint(0, len(data))
        order = rng.choice(("big", "little"))
        number = rng.choice((*_INTERESTING, len(data), rng.randrange(256)))
        data[at : at + size] = (number & (1 << 8 * size) - 1).to_bytes(size, order)  # type: ignore[arg-type]

    def _insert(self, data: bytearray, rng: random.Random) -> None:
        at = rng.randint(0, len(data))
        piece = (
            rng.randbytes(rng.randint(1, 8))
            if rng.random() < 0.5
            else bytes((rng.randrange(256),)) * rng.randint(1, 40)
        )
        data[at:at] = piece

    def _delete(self, data: bytearray, rng: random.Random) -> None:
        at = rng.randint(0, len(data))
        del data[at : at + rng.randint(1, _MOST_PIECE)]

    def _cut(self, data: bytearray, rng: random.Random) -> None:
        if rng.random() < 0.3:
            del data[rng.randint(0, len(data)) :]

    def _copy(self, data: bytearray, rng: random.Random) -> None:
        start = rng.randint(0, len(data))
        piece = data[start : start + rng.randint(1, 2 * _MOST_PIECE)]
        at = rng.randint(0, len(data))
        data[at:at] = piece * rng.choice((1, 1, 2, 5))

    def _splice(self, data: bytearray, rng: random.Random) -> None:
        other = rng.choice(self.inputs)
        start = rng.randint(0, len(other))
        at = rng.randint(0, len(data))
        piece = other[start : start + rng.randint(1, 4 * _MOST_PIECE)]
        data[at : at + rng.choice((0, len(piece)))] = piece

    def _token(self, data: bytearray, rng: random.Random) -> None:
        token = rng.choice(self._tokens)
        at = rng.randint(0, len(data))
        data[at : at + rng.choice((0, len(token)))] = token


def minimise(data: bytes, breaks: Callable[[bytes], bool], tries: int = 2000) -> bytes:
    """A shorter and simpler input that breaks, too, in a bounded number of tries."""
    left = tries
    size = len(data) // 2
    while size and left > 0:
        at = 0
        while at < len(data) and left > 0:
            left -= 1
            shorter = data[:at] + data[at + size :]
            if breaks(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    for at in range(len(data)):
        if left <= 0:
            break
        if data[at : at + 1] != b"0":
            left -= 1
            simpler = data[:at] + b"0" + data[at + 1 :]
            if breaks(simpler):
                data = simpler
    return data
