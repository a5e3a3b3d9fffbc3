"""What runs of a target came to: how many there were, and the inputs that broke it."""

from __future__ import annotations

import hashlib
import traceback
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.guard import bounds
from tests.fuzz.mutate import minimise
from tests.fuzz.target import HERE, Target

_OURS = (str(HERE.parents[1] / "fzctl"), str(HERE))
_MOST = 20
_SHOWN = 300


class Finding(NamedTuple):
    """An input that breaks the invariant: where it was written, and what happened."""

    path: str
    words: str


class Tally:
    """Runs inputs and counts them; what breaks is written to ``folder``, once for each place."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.executions = 0
        self.findings: list[Finding] = []
        self._target = target
        self._folder = folder
        self._seen: set[str] = set()

    def run(self, data: bytes) -> bool:
        """Does the input hold?"""
        self.executions += 1
        error = failure_of(self._target, data)
        if error is None:
            return True
        place = place_of(error)
        if place not in self._seen and len(self._seen) < _MOST:
            self._seen.add(place)
            self._keep(data, place)
        return False

    def _keep(self, data: bytes, place: str) -> None:
        def breaks(shorter: bytes) -> bool:
            error = failure_of(self._target, shorter)
            return error is not None and place_of(error) == place

        data = minimise(data, breaks)
        error = failure_of(self._target, data)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._target.name}-{name_of(data)}"
        path.write_bytes(data)
        words = "it does not break again" if error is None else f"{type(error).__name__}: {error}"
        self.findings.append(Finding(str(path), f"{' '.join(words.split())[:_SHOWN]} ({place})"))


def failure_of(target: Target, data: bytes) -> BaseException | None:
    """What one input ends in; None where the invariant holds."""
    try:
        with bounds():
            target.check(data)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return error
    return None


def place_of(error: BaseException) -> str:
    """Where an error comes from: its type, and the innermost line of ours."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.startswith(_OURS)]
    # A bound is broken wherever the program happens to be.
    inner = frames[-1] if frames and isinstance(error, Exception) else None
    if inner is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(inner.filename).name}:{inner.lineno}"


def name_of(data: bytes) -> str:
    """The name of an input's file."""
    return hashlib.sha256(data).hexdigest()[:16]
