"""Where Wireshark looks for what users add to it: the folders that ``tshark -G folders`` names."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from fzctl.errors import ToolError

PROFILE: Final = "Firezone"
DISSECTOR: Final = "fzctl.lua"

# From this version on nothing written in Lua is loaded for root, and nobody is told.
NO_LUA_FOR_ROOT: Final = (4, 4)

_SECONDS: Final = 30
_VERSION: Final = re.compile(r"\b(\d+)\.(\d+)\.\d+")
# Folders of compiled plugins end in the version that they are for.
_VERSION_OF_PLUGINS: Final = re.compile(r"plugins[/\\](\d+)[.-](\d+)$")
# How Lua declares a protocol; what declares ours would do so a second time.
_DECLARES: Final = re.compile(rb"\bProto\s*(?:\.new\s*)?\(\s*[\"']fzp2p[\"']", re.IGNORECASE)
_MOST_SCRIPT: Final = 4 * 1024 * 1024


class Folders(NamedTuple):
    """One user's folders, and the version whose folders these are (``None`` where it is not known).

    ``lua`` are all folders whose scripts are loaded, the user's own first.
    """

    configuration: str
    lua: tuple[str, ...]
    extcap: str
    version: tuple[int, int] | None = None

    @property
    def dissector(self) -> str:
        """The path of our Lua."""
        return os.path.join(self.lua[0], DISSECTOR)

    @property
    def profile(self) -> str:
        """The folder of our profile."""
        return os.path.join(self.configuration, "profiles", PROFILE)


def parse_folders(text: str) -> Folders:
    """Read what ``tshark -G folders`` prints. Raises ToolError where it lacks a folder."""
    named: dict[str, str] = {}
    for line in text.splitlines():
        label, colon, path = line.partition(":")
        if colon:
            named.setdefault(label.strip().lower(), path.strip())
    configuration = named.get("personal configuration")
    own = named.get("personal lua plugins")
    if not configuration or not own:
        raise ToolError("this tshark names no folder for Lua plugins: it was built without Lua")
    others = (named.get(name) for name in ("global lua plugins", "personal plugins", "global plugins"))
    lua = tuple(dict.fromkeys(path for path in (own, *others) if path))
    # Wireshark 4.0 does not name it. It is where 4.0 looks; 4.2 and later have it elsewhere, and say where.
    extcap = named.get("personal extcap path") or os.path.join(configuration, "extcap")
    found = _VERSION_OF_PLUGINS.search(named.get("personal plugins", ""))
    return Folders(configuration, lua, extcap, None if found is None else (int(found[1]), int(found[2])))


def parse_version(text: str) -> tuple[int, int] | None:
    """The first two numbers of what ``--version`` prints."""
    found = _VERSION.search(text)
    return None if found is None else (int(found[1]), int(found[2]))


def default_folders(environment: Mapping[str, str]) -> Folders:
    """Where the folders are on Unix where nobody can be asked."""
    home = environment.get("HOME") or os.path.expanduser("~")
    parent = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    configuration = environment.get("WIRESHARK_CONFIG_DIR") or os.path.join(parent, "wireshark")
    library = os.path.join(home, ".local", "lib", "wireshark")
    return Folders(configuration, (os.path.join(library, "plugins"),), os.path.join(library, "extcap"))


def ask_tshark() -> Folders:
    """Ask tshark for the folders. Raises ToolError where it is missing or fails."""
    tshark = shutil.which("tshark")
    if tshark is None:
        raise ToolError("tshark is not installed, and only it knows Wireshark's folders: apt install tshark")
    folders = parse_folders(_output_of(tshark, "-G", "folders"))
    if folders.version is None:
        folders = folders._replace(version=parse_version(_output_of(tshark, "--version")))
    return folders


def ask_or_guess() -> Folders:
    """The same, and where there is no tshark the folders that are usual."""
    if shutil.which("tshark") is None:
        return default_folders(os.environ)
    return ask_tshark()


def other_dissectors(folders: Iterable[str], but: str) -> Iterator[str]:
    """Scripts other than ``but`` that Wireshark would load and that declare our protocol, too."""
    seen = {os.path.realpath(but)}
    for folder in folders:
        # Wireshark follows links to folders, too; those may lead in circles.
        for where, below, names in os.walk(folder, followlinks=True):
            place = os.path.realpath(where)
            if place in seen:
                below.clear()
                continue
            seen.add(place)
            for name in sorted(names):
                path = os.path.join(where, name)
                real = os.path.realpath(path)
                if name.endswith(".lua") and real not in seen:
                    seen.add(real)
                    if _declares_ours(path):
                        yield path


def mentions_dissector(path: str) -> bool:
    """Does the Lua script at ``path`` (``init.lua``) load our dissector?"""
    return DISSECTOR.encode() in _read(path)


def _declares_ours(path: str) -> bool:
    return _DECLARES.search(_read(path)) is not None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_SCRIPT)
    except OSError:
        return b""


def _output_of(*command: str) -> str:
    import subprocess

    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolError(f"{command[0]} does not run: {error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ToolError(f"{' '.join(command)} failed: {said[-1] if said else done.returncode}")
    return os.fsdecode(done.stdout)
