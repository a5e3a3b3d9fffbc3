"""Small Debian roots with a tshark in them, made by debootstrap; thrown away or kept for the next time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import dev
from tests.wireshark.tsharks import Tshark

_MINUTES: Final = 15
_SCRIPTS: Final = Path("/usr/share/debootstrap/scripts")
_NOBODY: Final = "65534"
_WORK: Final = "/srv/fzctl"
_INSTALL: Final = ("apt-get", "-qq", "-y", "-o", "Acquire::Retries=2", "install", "--no-install-recommends")


class RootError(Exception):
    """A root cannot be made: a sentence for people."""


@contextlib.contextmanager
def root_of(suite: str, cache: Path | None, *, fresh: bool = False) -> Iterator[Path]:
    """A root of that suite with tshark: out of the cache, or made now and kept there.

    Without a cache it is thrown away at the end. Raises RootError.
    """
    if not suite.isalnum():
        raise RootError(f"{suite!r} is no name of a Debian release")
    if cache is None:
        with tempfile.TemporaryDirectory(prefix="fzctl-roots-") as folder:
            yield _make(suite, Path(folder) / suite)
        return
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f"{suite}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs do not make the same root
        root = cache / suite
        if fresh:
            _remove(root)
        if not root.exists():
            with tempfile.TemporaryDirectory(prefix=f"{suite}-", dir=cache) as folder:
                _make(suite, Path(folder) / suite).rename(root)
        yield root


@contextlib.contextmanager
def tshark_in(root: Path) -> Iterator[Tshark]:
    """That root's tshark, as nobody: for root Wireshark 4.4 and later load no Lua, and do not say so."""
    folder = root / _WORK.lstrip("/")
    _remove(folder)
    folder.mkdir()
    command = ("chroot", f"--userspec={_NOBODY}:{_NOBODY}", "--groups=", str(root), *_clean(_WORK))
    try:
        yield Tshark(command, folder, _WORK)
    finally:
        _remove(folder)


@contextlib.contextmanager
def tshark_here() -> Iterator[Tshark]:
    """This machine's tshark, as nobody where we are root, without our settings. Raises RootError."""
    tshark = dev.find_program("tshark")
    if tshark is None:
        raise RootError(f"tshark is not installed: apt install {dev.PEERS['tshark']}")
    drop: tuple[str, ...] = ()
    if os.geteuid() == 0:
        drop = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
    with tempfile.TemporaryDirectory(prefix="fzctl-tshark-") as name:
        Path(name).chmod(0o755)
        yield Tshark((*drop, *_clean(name)), Path(name), name)


def _clean(home: str) -> tuple[str, ...]:
    path = "PATH=/usr/local/bin:/usr/bin:/bin"
    return ("env", "-i", f"HOME={home}", path, "LC_ALL=C.UTF-8", "tshark")


def _make(suite: str, root: Path) -> Path:
    if os.geteuid() != 0:
        raise RootError("only root can make a Debian root")
    if not (dev.find_program("debootstrap") or dev.install_debian(["debootstrap"])):
        raise RootError("debootstrap is not installed: apt install debootstrap")
    # One that is newer than debootstrap is made as unstable is.
    script = [] if (_SCRIPTS / suite).exists() else [str(_SCRIPTS / "sid")]
    mirror = _mirror()
    dev.say(f"making a root of {suite}, which takes a minute or two")
    # What debootstrap mounts goes away with it, whatever happens.
    _run("unshare", "--mount", "debootstrap", "--variant=minbase", suite, str(root), mirror, *script)
    _run("chroot", str(root), *_INSTALL, "tshark")
    _run("chroot", str(root), "apt-get", "clean")
    return root


def _mirror() -> str:
    """Where this machine gets Debian from."""
    form = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    for line in dev.output_of(["apt-get", "indextargets", "--format", form]).splitlines():
        origin, label, address = line.split(" ", 2)
        if origin == label == "Debian":
            return address
    raise RootError("this machine's apt knows no Debian mirror")


def _run(*command: str) -> None:
    """Run to the end, or for a while; nothing of it is left running."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        try:
            code = process.wait(_MINUTES * 60)
            problem = f"failed with code {code}" if code else ""
        except subprocess.TimeoutExpired:
            problem = f"was not ready after {_MINUTES} minutes"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if problem:
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().splitlines()[-5:]
            raise RootError("\n".join([f"{command[0]} {problem}:", *last]))


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
