"""The sample captures: each decodes to what stands beside it, and each can be made again."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from fzctl.cli.main import main
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.reasons import REASONS

SAMPLES = Path(__file__).parent.parent / "captures"
# Those in encrypted/ come from the lab: tests/lab/test_samples.py.
CAPTURES = sorted(
    path.relative_to(SAMPLES).as_posix()
    for path in SAMPLES.rglob("*.pcap*")
    if path.parent.name != "encrypted"
)
CANNOT_BE_SEEN = {"not_control", "ip_empty", "ip_version", "ip_malformed", "encode_refused"}


@pytest.mark.parametrize("name", CAPTURES)
def test_a_sample_decodes_to_the_jsonl_beside_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--user0-is-ip"] if "user0" in name else []
    assert main(["decode", "-T", "jsonl", *options, str(SAMPLES / name)]) == 0
    expected = (SAMPLES / name).with_suffix(".jsonl").read_text(encoding="utf-8")
    assert expected.count("\n") >= 3
    assert capsys.readouterr().out == expected


ALL: list[str] = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.pcap*"))


@pytest.mark.parametrize("name", ALL)
def test_a_sample_is_analysed_as_stands_beside_it(name: str) -> None:
    maker = _maker()
    expected = maker.analysis_path(SAMPLES / name).read_text(encoding="utf-8")
    assert expected.count("\n") >= 8
    assert maker.analyse(SAMPLES / name) == expected


def test_making_the_samples_again_gives_the_same_bytes(tmp_path: Path) -> None:
    _maker().make(tmp_path)
    made = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.pcap*"))
    assert made == CAPTURES
    for name in CAPTURES:
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes(), name


def test_the_kinds_sample_has_every_kind_of_every_dialect(capsys: pytest.CaptureFixture[str]) -> None:
    for dialect in ("auto", "seed"):
        main(["decode", "-T", "jsonl", "--dialect", dialect, str(SAMPLES / "kinds.pcapng")])
    printed = capsys.readouterr().out
    assert [kind.name for kind in KINDS if f'"name":"{kind.name}"' not in printed] == []


def test_the_refused_sample_has_every_reason_that_a_capture_can_show(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["decode", "-T", "jsonl", str(SAMPLES / "refused.pcapng")])
    printed = capsys.readouterr().out
    shown = {reason for reason in REASONS if f'"reason":"{reason}"' in printed}
    assert shown == set(REASONS) - CANNOT_BE_SEEN - {"ok"}


def test_the_readme_tells_the_story_of_every_sample() -> None:
    story = (SAMPLES / "README.md").read_text(encoding="utf-8")
    untold = [name for name in CAPTURES if f"`{name}`" not in story and not name.startswith("links/")]
    assert untold == []


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("samples_maker", SAMPLES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
