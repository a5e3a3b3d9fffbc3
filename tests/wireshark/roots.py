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
_APT: Final = ("apt-get", "-qq", "-y", "-o", "Acquire::Retries=2")
# Besides tshark what fzctl needs, so that no other index than the mirror is asked.
_PACKAGES: Final = ("tshark", "python3-venv", "python3-cryptography")
_VENV: Final = "/opt/fzctl"


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
        _equip(root)
        yield root


@contextlib.contextmanager
def tshark_in(root: Path) -> Iterator[Tshark]:
    """That root's tshark, as nobody: for root Wireshark 4.4 and later load no Lua, and do not say so."""
    folder = root / _WORK.lstrip("/")
    _remove(folder)
    folder.mkdir()
    nobody = (f"--userspec={_NOBODY}:{_NOBODY}", "--groups=")
    try:
        yield Tshark(("chroot", *nobody, str(root), *_clean(_WORK)), folder, _WORK)
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


def as_root(root: Path, tshark: Tshark) -> Tshark:
    """The tshark of that root, started by root."""
    return tshark._replace(command=("chroot", str(root), *_clean(_WORK)))


def for_fzctl(tshark: Tshark, program: str) -> Tshark:
    """This machine's tshark, as nobody where nobody can start our program, too; else as we are.

    This tree, or its Python, may be root's alone.
    """
    if tshark.call(program, "--version").returncode == 0:
        return tshark
    return tshark._replace(command=_clean(tshark.inside))


def fzctl_in(root: Path) -> str:
    """Install fzctl in that root as users do, a wheel in an environment of its own; the program's path there.

    It is built from a copy of the tree, so that nothing is left in it. Raises RootError.
    """
    _remove(root / _VENV.lstrip("/"))
    _run("chroot", str(root), "python3", "-m", "venv", "--system-site-packages", _VENV)
    with tempfile.TemporaryDirectory(prefix="wheel-", dir=root / _WORK.lstrip("/")) as name:
        source = Path(name) / "source"
        shutil.copytree(dev.ROOT / "fzctl", source / "fzctl", ignore=shutil.ignore_patterns("__pycache__"))
        for each in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(dev.ROOT / each, source / each)
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir")
        _run(*map(str, dev.pip()), "wheel", *options, name, str(source))
        (wheel,) = Path(name).glob("*.whl")
        inside = f"{_WORK}/{wheel.relative_to(root / _WORK.lstrip('/'))}"
        pip = (f"{_VENV}/bin/pip", "--isolated", "install", "--quiet", "--no-index", "--no-deps")
        _run("chroot", str(root), *pip, inside)
    return f"{_VENV}/bin/fzctl"


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
    _equip(root)
    return root


def _equip(root: Path) -> None:
    """Install what a root that was made earlier lacks."""
    chroot = ("chroot", str(root))
    asked = (*chroot, "dpkg-query", "--show", "--showformat", "${db:Status-Status} ", *_PACKAGES)
    if dev.output_of(asked).split() == ["installed"] * len(_PACKAGES):
        return
    install = (*chroot, *_APT, "install", "--no-install-recommends", *_PACKAGES)
    try:
        _run(*install)
    except RootError:  # its lists are older than what the mirror holds by now
        # A mirror may stand still for longer than a testing release is valid.
        _run(*chroot, *_APT, "-o", "Acquire::Check-Valid-Until=false", "update")
        _run(*install)
    _run(*chroot, "apt-get", "clean")


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
