"""What this machine has: Python, libraries, programs, permissions."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final, NamedTuple

from fzctl import __version__
from fzctl.render.escape import escape


class Finding(NamedTuple):
    """One thing looked at: ``state`` is ``ok``, ``missing`` (something optional) or ``broken``."""

    name: str
    state: str
    detail: str
    remedy: str = ""


_MINIMUM_PYTHON: Final = (3, 11)
_PACKAGES: Final = {
    "scapy": "layers, shell, building messages",
    "rich": "tables on the terminal",
    "pyshark": "compare with tshark",
    "cryptography": "encrypted captures",
    "shtab": "shell completion",
}
_PROGRAMS: Final = {
    "tshark": ("tshark", "a second opinion from Wireshark's engine"),
    "wireshark": ("wireshark", "looking at captures in windows"),
    "tcpdump": ("tcpdump", "taking captures"),
}


def examine() -> list[Finding]:
    """Look at everything that some verb needs."""
    return [_python(), *_packages(), _zstd(), _loops(), *_programs(), _raw_sockets()]


def _python() -> Finding:
    detail = f"fzctl {__version__} on Python {sys.version.split()[0]}, {sys.platform}"
    if sys.version_info < _MINIMUM_PYTHON:
        return Finding("python", "broken", detail, "fzctl needs Python 3.11 or later")
    return Finding("python", "ok", detail)


def _packages() -> Iterator[Finding]:
    for name, purpose in _PACKAGES.items():
        try:
            yield Finding(name, "ok", f"{version(name)} ({purpose})")
        except PackageNotFoundError:
            yield Finding(name, "broken", f"not installed ({purpose})", f"pip install {name}")


def _zstd() -> Finding:
    from importlib.util import find_spec

    module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        present = find_spec(module) is not None
    except ModuleNotFoundError:
        present = False
    if present:
        return Finding("zstd", "ok", f"{module} (captures compressed with zstd)")
    return Finding(
        "zstd", "missing", "captures compressed with zstd cannot be read", "pip install backports.zstd"
    )


def _loops() -> Finding:
    from fzctl.pcap.engine import is_compiled

    if is_compiled():
        return Finding("kernel", "ok", "fzctl-kernel (the scan's innermost loops, compiled)")
    slow = "the scan runs in Python, at half the speed of fzctl-kernel"
    return Finding("kernel", "ok", f"not used: {slow}; python3 dev.py kernel builds it")


def _programs() -> Iterator[Finding]:
    for program, (package, purpose) in _PROGRAMS.items():
        path = shutil.which(program)
        if path is None:
            yield Finding(program, "missing", f"not found ({purpose})", f"apt install {package}")
            continue
        try:
            yield Finding(program, "ok", f"{_version_of(path)} ({purpose})")
        except (OSError, subprocess.SubprocessError) as error:
            detail = f"{path} does not run: {error} ({purpose})"
            yield Finding(program, "missing", detail, f"apt install --reinstall {package}")


def _version_of(path: str) -> str:
    """What the program calls itself. Raises OSError, SubprocessError where it does not run."""
    done = subprocess.run(
        [path, "--version"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        errors="replace",
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    lines = (done.stdout or done.stderr).splitlines()
    return escape(lines[0].strip()) if lines else path


def _raw_sockets() -> Finding:
    name, purpose = "raw sockets", "live interfaces"
    if not hasattr(socket, "AF_PACKET"):
        return Finding(
            name, "missing", f"this system has no AF_PACKET ({purpose})", "use Linux, or a capture file"
        )
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).close()
    except PermissionError:
        remedy = "run as root, or: setcap cap_net_raw+ep on a copy of the Python interpreter"
        return Finding(name, "missing", f"no permission (CAP_NET_RAW) ({purpose})", remedy)
    except OSError as error:
        return Finding(name, "missing", f"{error.strerror} ({purpose})")
    return Finding(name, "ok", f"permitted ({purpose})")
