"""The generated Lua: up to date, following the declarations, and sound for both Luas."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from fzctl.errors import ToolError
from fzctl.protocol import kinds
from fzctl.protocol.fields import U16, Column, Field, FieldType, Option
from fzctl.protocol.kinds import Kind, columns
from fzctl.protocol.reasons import REASONS
from fzctl.wireshark.generate import PARTS, dissector
from tests.wireshark.tsharks import DISSECTOR, Reader, Tshark

LUA: Final = Path(__file__).parents[2] / "fzctl" / "wireshark" / "lua"
# A Lua newer or older than the other one would not know these.
NOT_IN_ALL: Final = ("bit32", "utf8.", "loadstring", "unpack", "goto ", "setfenv", "<const>", "string.pack")


class Odd(FieldType):
    """A type that nobody has written in Lua."""

    def read(self, reader: Any) -> Any:
        return None

    def encode(self, value: Any) -> str:
        return ""

    def encode_anything(self, value: Any) -> str:
        return ""

    def columns(self, name: str, label: str) -> tuple[Column, ...]:
        return ()

    def options(self, name: str, label: str) -> tuple[Option, ...]:
        return ()


def test_the_committed_dissector_is_up_to_date() -> None:
    assert DISSECTOR.read_text(encoding="utf-8") == dissector(), (
        "fzctl wireshark dissector > dissectors/fzctl.lua"
    )


def test_every_part_is_used() -> None:
    assert {path.stem for path in LUA.glob("*.lua")} == {*PARTS, "main"}


def test_everything_declared_is_in_it() -> None:
    text = dissector()
    for name in [*columns(), *REASONS, *(kind.title for kind in kinds.KINDS)]:
        assert f'"{name}"' in text


def test_a_new_kind_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "KINDS", [*kinds.KINDS, MADE_UP])
    text = dissector()
    assert 'title = "MadeUp"' in text
    assert 'name = "made_up_level"' in text


def test_a_type_without_lua_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = MADE_UP._replace(fields=(Field("odd", Odd(), "Odd"),))
    monkeypatch.setattr(kinds, "KINDS", [odd])
    with pytest.raises(ToolError, match="the field type Odd"):
        dissector()


def test_only_what_every_lua_knows() -> None:
    text = dissector()
    assert [word for word in NOT_IN_ALL if word in text] == []
    assert text.isascii()


@pytest.mark.peer("tshark")
def test_a_new_kind_is_dissected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from fzctl.pcap.writer import open_writer
    from fzctl.protocol.packet import build_packet

    monkeypatch.setattr(kinds, "KINDS", [*kinds.KINDS, MADE_UP])
    script, capture = tmp_path / "made_up.lua", tmp_path / "made_up.pcap"
    script.write_text(dissector())
    with open_writer(capture) as writer:
        writer.write(build_packet(200, b'{"made_up_level":7}'), 0)
        writer.write(build_packet(200, b'{"made_up_level":65536}'), 0)
    reader = Reader(Tshark(("tshark",), tmp_path, str(tmp_path)), script)
    found, complaints = reader.messages(capture, "-o", "fzp2p.dialect:next")
    assert complaints == []
    (_, good), (_, bad) = found
    assert (good["fzp2p.made_up_level"], good["fzp2p.reason"]) == (["7"], ["ok"])
    assert bad["fzp2p.reason"] == ["bad_value"]


@pytest.mark.peer("tshark")
def test_the_fields_exist() -> None:
    """tshark exits 0 where a script fails to load."""
    listed = subprocess.run(
        ["tshark", "-G", "fields", "-X", f"lua_script:{DISSECTOR}"],
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout.decode()  # fmt: skip
    for name in [*columns(), "accepted", "reason", "response_in", "nat.domain", "resource_text", "session"]:
        assert f"\tfzp2p.{name}\t" in listed


MADE_UP: Final = Kind(
    number=200,
    name="made_up",
    title="MadeUp",
    dialects=("next",),
    fields=(Field("made_up_level", U16(), "Level"),),
    sentence="Nobody sends it.",
)
