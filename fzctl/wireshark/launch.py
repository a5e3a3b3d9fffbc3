"""The command line that opens a capture in Wireshark, and the configuration it runs with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from fzctl.wireshark.folders import DISSECTOR, PROFILE, Folders, other_dissectors
from fzctl.wireshark.install import write_file

_CACHE: Final = os.path.join("fzctl", "wireshark")


class Launch(NamedTuple):
    """A command, and what its environment has beyond ours."""

    command: tuple[str, ...]
    environment: dict[str, str]


def plan(
    program: str,
    capture: str,
    keys: str | None = None,
    script: str | None = None,
    configuration: str | None = None,
) -> Launch:
    """How to open ``capture``.

    ``script`` is the dissector where Wireshark does not load it by itself, ``configuration`` a
    folder to use in place of the user's own.
    """
    command = [program]
    if script is not None:
        command += ["-X", f"lua_script:{script}"]
    command += ["-C", PROFILE]
    if keys is not None:
        command += ["-o", f"wg.keylog_file:{os.path.abspath(keys)}"]
    command += ["-r", capture if not capture.startswith("-") else os.path.join(".", capture)]
    return Launch(tuple(command), {} if configuration is None else {"WIRESHARK_CONFIG_DIR": configuration})


def loads_dissector(folders: Folders) -> bool:
    """Does Wireshark load our dissector without being told, wherever it lies?"""
    return os.path.isfile(folders.dissector) or any(other_dissectors(folders.lua, but=folders.dissector))


def has_profile(folders: Folders) -> bool:
    """Is our profile, or what the user made of it, there?"""
    return os.path.isfile(os.path.join(folders.profile, "preferences"))


def cache_folder(environment: Mapping[str, str]) -> str:
    """The folder for what ``open`` needs where nothing is installed."""
    home = environment.get("HOME") or os.path.expanduser("~")
    return os.path.join(environment.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), _CACHE)


def write_own(folder: str, files: Mapping[str, bytes], dissector: bytes | None) -> str:
    """Write a configuration with our profile to ``folder``; returns the path of the dissector in it.

    What was there is overwritten: it is ours. Raises OSError.
    """
    profile = os.path.join(folder, "profiles", PROFILE)
    os.makedirs(profile, exist_ok=True)
    for name, data in files.items():
        write_file(os.path.join(profile, name), data)
    script = os.path.join(folder, DISSECTOR)
    if dissector is not None:
        write_file(script, dissector)
    return script
