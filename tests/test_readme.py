"""README's generated tables are what the declarations say (``--update-golden`` rewrites them)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fzctl.protocol.codec import decode, encode
from fzctl.protocol.kinds import kind_by_name
from fzctl.records import Record
from fzctl.render.jsonform import to_object
from fzctl.render.markdown import fields_table, kinds_table, reasons_table, rules_table

README = Path(__file__).parent.parent / "README.md"
TABLES = {"kinds": kinds_table, "reasons": reasons_table, "fields": fields_table, "rules": rules_table}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_in_readme_equals_the_declarations(name: str, request: pytest.FixtureRequest) -> None:
    text = README.read_text(encoding="utf-8")
    block = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)
    found = block.search(text)
    assert found is not None, f"README has no block <!-- {name} -->"
    expected = TABLES[name]()
    if request.config.getoption("--update-golden") and found[2] != expected:
        README.write_text(text[: found.start(2)] + expected + text[found.end(2) :], encoding="utf-8")
        pytest.fail(f"README's table of {name} was rewritten; look at it and run again")
    assert found[2] == expected, "run the tests with --update-golden and look at the difference"


def test_the_json_object_in_readme_is_what_comes_of_its_message() -> None:
    block = re.search(r"```json\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    shown = json.loads(block[1])
    kind = kind_by_name(shown["name"])
    assert kind is not None
    message = decode(encode(kind, shown["fields"]))
    time = 1_795_351_381_125_456_789
    assert to_object(Record(shown["frame"], time, message, tuple(shown["path"]))) == shown


def test_what_readme_types_into_scapys_console_works_there(tmp_path: Path) -> None:
    block = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    lines = [line.removeprefix(">>> ") for line in block[1].splitlines()]
    done = subprocess.run(
        [sys.executable, "-m", "scapy", "-H"],
        input="\n".join([*lines, "print(_.summary(), bytes(_).hex()[96:])"]) + "\n",
        cwd=README.parent, env={**os.environ, "HOME": str(tmp_path), "SCAPY_HISTFILE": ""},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "gitlab.example.com" in done.stdout
    assert "IPv6 / FzP2p / Goodbye" in done.stdout
    assert "Error" not in done.stdout + done.stderr
