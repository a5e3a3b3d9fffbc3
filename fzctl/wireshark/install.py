"""Putting files into folders that are not ours, and taking back exactly those.

A manifest in Wireshark's configuration folder holds the hash of each file that was written and the
folders that were made. What has another hash than it names was changed by somebody else and stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from fzctl.errors import CaptureError

MANIFEST: Final = "fzctl-installed.json"
_SCHEMA: Final = 1


class Piece(NamedTuple):
    """One file to install: what people call it, where, its bytes, and whether it is a program."""

    title: str
    path: str
    data: bytes
    program: bool = False


class Step(NamedTuple):
    """What happens to one path: a verb of ours, the path, and a word about why.

    ``blocked`` tells that the user has to do something first.
    """

    action: str
    path: str
    why: str = ""
    blocked: bool = False


class Manifest:
    """What was installed: hashes by path, and the folders that were made for it."""

    def __init__(self, path: str) -> None:
        """Read the manifest, empty where there is none. Raises CaptureError where it is broken."""
        self.path = path
        self.files: dict[str, str] = {}
        self.folders: list[str] = []
        try:
            with open(path, encoding="utf-8") as file:
                held: Any = json.load(file)
            self.files = {str(name): str(digest) for name, digest in held["files"].items()}
            self.folders = [str(name) for name in held["folders"]]
        except FileNotFoundError:
            pass
        except OSError as error:
            raise CaptureError(path, f"cannot be read: {error.strerror}") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            problem = "is not as fzctl wrote it; move it away: what is installed is known by its content, too"
            raise CaptureError(path, problem) from None

    def save(self) -> None:
        """Write it, or take it away where it is empty."""
        if not self.files and not self.folders:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            return
        held = {"schema": _SCHEMA, "by": "fzctl wireshark install"}
        text = json.dumps({**held, "files": self.files, "folders": self.folders}, indent=2) + "\n"
        write_file(self.path, text.encode())


def install(pieces: Iterable[Piece], manifest: Manifest, *, dry_run: bool = False) -> list[Step]:
    """Write what is missing or ours and outdated; tell what happens to each file.

    Raises CaptureError where a folder or a file cannot be written.
    """
    wanted = {piece.path: piece for piece in pieces}
    steps: list[Step] = []
    with _naming_paths():
        try:
            stale = [path for path in manifest.files if path not in wanted]
            steps += [_remove(path, manifest, dry_run=dry_run) for path in stale]
            steps += [_place(piece, manifest, dry_run=dry_run) for piece in wanted.values()]
        finally:
            if not dry_run:
                _make_folders(os.path.dirname(manifest.path), manifest)
                manifest.save()
    return steps


def uninstall(manifest: Manifest, *, dry_run: bool = False) -> list[Step]:
    """Take away what is still as it was installed, and the folders made for it that are empty.

    Raises CaptureError where that fails.
    """
    with _naming_paths():
        try:
            steps = [_remove(path, manifest, dry_run=dry_run) for path in list(manifest.files)]
            if not dry_run:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(manifest.path)  # or its own folder would not be empty
                steps += _remove_folders(manifest)
        finally:
            if not dry_run and (manifest.files or manifest.folders):
                manifest.save()
    return steps


def _place(piece: Piece, manifest: Manifest, *, dry_run: bool) -> Step:
    path, digest = piece.path, _digest(piece.data)
    found = _digest_of(path)
    if found == digest:
        manifest.files[path] = digest  # not in it where an earlier run did not come to its end
        if piece.program and not os.access(path, os.X_OK) and not dry_run:
            os.chmod(path, 0o755)
        return Step("keep", path, f"{piece.title}, up to date")
    if found is None and os.path.lexists(path):
        return Step("leave", path, "it is no plain file and not ours; move it away and run this again", True)
    if found is not None and path not in manifest.files:
        return Step("leave", path, "it is not ours; move it away and run this again", True)
    if found is not None and found != manifest.files[path]:
        return Step("leave", path, "it was changed since; delete it to have it anew")
    if not dry_run:
        _make_folders(os.path.dirname(path), manifest)
        write_file(path, piece.data, program=piece.program)
        manifest.files[path] = digest
    return Step("write" if found is None else "update", path, piece.title)


def _remove(path: str, manifest: Manifest, *, dry_run: bool) -> Step:
    found = _digest_of(path)
    if found is None and not os.path.lexists(path):
        if not dry_run:
            del manifest.files[path]
        return Step("miss", path, "it is gone already")
    ours = found == manifest.files[path]
    if not dry_run:
        del manifest.files[path]
        if ours:
            os.unlink(path)
    return Step("remove", path) if ours else Step("leave", path, "it was changed since, so it is yours now")


def _remove_folders(manifest: Manifest) -> list[Step]:
    """The deepest first; one that holds something else stays, and is the user's from then on."""
    steps = []
    for folder in sorted(manifest.folders, key=len, reverse=True):
        if not os.path.isdir(folder):
            continue
        try:
            os.rmdir(folder)
            steps.append(Step("remove", folder, "empty"))
        except OSError:
            steps.append(Step("leave", folder, "it holds other files"))
    manifest.folders = []
    return steps


def _make_folders(folder: str, manifest: Manifest) -> None:
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        os.mkdir(each)
        manifest.folders.append(each)


def write_file(path: str, data: bytes, *, program: bool = False) -> None:
    """Write a file whole or not at all. Raises OSError."""
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "xb") as file:
            file.write(data)
        if program:
            os.chmod(part, 0o755)
        os.replace(part, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        if isinstance(error, OSError) and error.filename is None:  # a full disk
            error.filename = path
        raise


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _digest_of(path: str) -> str | None:
    """The hash of a plain file; ``None`` for everything else."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return _digest(file.read())
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _naming_paths() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CaptureError(str(error.filename), f"cannot be changed: {error.strerror}") from None
