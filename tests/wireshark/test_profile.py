"""The profile, in Wireshark's own file formats."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.columns import all_columns
from fzctl.wireshark.profile import BUTTONS, COLUMNS, RULES, profile_files, profile_zip

CAPTURE = Path(__file__).parents[2] / "captures" / "setup.pcapng"


def test_every_field_that_the_profile_names_is_one_of_the_contract() -> None:
    text = b"".join(profile_files().values()).decode()
    named = set(re.findall(r"fzp2p\.[a-z_0-9.]+", text))
    assert named <= {*all_columns(), "fzp2p.nat.domain"}
    assert {"fzp2p.kind", "fzp2p.domain", "fzp2p.status", "fzp2p.accepted"} <= named


def test_a_refused_message_is_red_before_it_is_anything_else() -> None:
    assert [rule.filter for rule in RULES] == [
        "fzp2p.accepted == 0",
        'fzp2p.status == "Inactive"',
        'fzp2p.status == "Active"',
        "fzp2p.kind == 2",
        "fzp2p",
    ]


def test_colours_have_sixteen_bits_a_part() -> None:
    lines = profile_files()["colorfilters"].decode().splitlines()
    assert (
        lines[1]
        == "@Firezone: refused by the receiver@fzp2p.accepted == 0@[63479,34695,34695][4626,10023,11822]"
    )


def test_buttons_are_lines_of_a_table_with_quotes_spelled_out() -> None:
    lines = profile_files()["dfilter_buttons"].decode().splitlines()
    assert lines[3] == (
        r'"TRUE","Inactive","fzp2p.status == \x22Inactive\x22","Answers that the NAT is not up"'
    )
    assert BUTTONS[3].filter == "fzp2p.kind == 0 && !fzp2p.response_in"


def test_the_zip_has_the_same_bytes_each_time_and_holds_the_profiles_folder() -> None:
    packed = profile_zip()
    assert packed == profile_zip()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"Firezone/{name}": data for name, data in profile_files().items()
        }


@pytest.fixture
def with_profile(tmp_path: Path) -> dict[str, str]:
    """An environment in which the profile is there."""
    folder = tmp_path / "profiles" / "Firezone"
    folder.mkdir(parents=True)
    for name, data in profile_files().items():
        (folder / name).write_bytes(data)
    return {"WIRESHARK_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}


def test_wireshark_takes_the_columns_and_settings(
    require_peer: Callable[[str], str], with_profile: dict[str, str]
) -> None:
    done = subprocess.run(
        [require_peer("tshark"), "-G", "currentprefs", "-C", "Firezone"],
        env=with_profile, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    columns = re.search(r"^gui\.column\.format: ?\n((?:\t.*\n)+)", done.stdout, re.MULTILINE)
    assert columns is not None
    assert re.findall(r'"(.*?)", "(.*?)"', columns[1]) == list(COLUMNS)
    assert "\nnameres.network_name: TRUE" in done.stdout.replace("\n#nameres", "\nnameres")
    assert "\nnameres.use_external_name_resolver: FALSE" in done.stdout
    for complaint in ("not a valid", "obsolete", "No such preference"):
        assert complaint not in done.stderr


STUB = """\
local p = Proto("fzp2p", "Firezone")
p.fields = { ProtoField.uint8("fzp2p.kind", "k"), ProtoField.string("fzp2p.status", "s"),
  ProtoField.bool("fzp2p.accepted", "a"), ProtoField.framenum("fzp2p.response_in", "r"), }
function p.dissector() return 0 end
"""


def test_wireshark_compiles_the_colouring_rules_and_the_buttons(
    require_peer: Callable[[str], str], with_profile: dict[str, str], tmp_path: Path
) -> None:
    """Against fields of the types that the contract gives them."""
    (tmp_path / "stub.lua").write_text(STUB)
    base = [require_peer("tshark"), "-X", f"lua_script:{tmp_path / 'stub.lua'}", "-C", "Firezone"]

    def said(*options: str) -> str:
        done = subprocess.run(
            [*base, "-r", str(CAPTURE), *options], env={**with_profile, "COLORTERM": "truecolor"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.stderr.replace('Running as user "root" and group "root". This could be dangerous.\n', "")

    assert said("--color") == ""
    for button in BUTTONS:
        assert said("-Y", button.filter) == "", button
    assert "neither a field nor a protocol" in said("-Y", "fzp2p.kinds")
