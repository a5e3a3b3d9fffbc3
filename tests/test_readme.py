"""README's generated tables are what the declarations say (``--update-golden`` rewrites them)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
