"""The rules of the house that no linter knows. The floors themselves stand in pyproject.toml."""

from __future__ import annotations

import ast
import importlib.metadata
import re
from pathlib import Path

import pytest

import fzctl

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fzctl"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
LONGEST = 500

each_module = pytest.mark.parametrize("module", MODULES, ids=str)


@each_module
def test_every_module_has_its_test_file(module: Path) -> None:
    """fzctl/pcap/frame.py is tested in tests/pcap/test_frame.py, what an __init__ defines in test_init.py."""
    if module.name == "__init__.py" and not defines_something(PACKAGE / module):
        return
    expected = Path("tests") / module.parent / f"test_{module.stem.strip('_')}.py"
    assert (ROOT / expected).is_file(), f"fzctl/{module} has no {expected}"


@each_module
def test_no_file_is_two_things(module: Path) -> None:
    lines = len((PACKAGE / module).read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"fzctl/{module} has {lines} lines: part it"


@each_module
def test_every_folder_is_a_package(module: Path) -> None:
    """Otherwise the wheel lacks it, and only the wheel."""
    assert (PACKAGE / module.parent / "__init__.py").is_file()


def test_changelog_starts_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    head = re.search(r"^## \[?([^\]\s]+)", changelog, re.MULTILINE)
    assert head is not None
    assert head[1] in ("Unreleased", fzctl.__version__)


def test_metadata_is_what_scapys_extension_loader_reads() -> None:
    """scapy.config.ExtsManager.load: the licence, then top_level.txt, without which it crashes."""
    distribution = importlib.metadata.distribution("fzctl")
    assert distribution.version == fzctl.__version__
    assert distribution.metadata["License-Expression"] == "GPL-2.0-or-later"
    assert (distribution.read_text("top_level.txt") or "").split() == ["fzctl"]


def test_types_are_announced() -> None:
    assert (PACKAGE / "py.typed").is_file()


def defines_something(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in body)
