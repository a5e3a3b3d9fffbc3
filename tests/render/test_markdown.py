"""README's generated tables."""

from __future__ import annotations

import pytest

from fzctl.analysis.rules import RULES
from fzctl.columns import all_columns
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.reasons import REASONS
from fzctl.render.markdown import fields_table, kinds_table, reasons_table, rules_table


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (kinds_table(), [f"| {kind.number} | `{kind.name}` |" for kind in KINDS]),
        (reasons_table(), [f"| `{slug}` |" for slug in REASONS]),
        (fields_table(), [f"| `{name}` |" for name in all_columns()]),
        (rules_table(), [f"| `{rule.id}` | {rule.severity} |" for rule in RULES]),
    ],
    ids=["kinds", "reasons", "fields", "rules"],
)
def test_a_table_has_a_row_for_each_declaration(table: str, rows: list[str]) -> None:
    head, rule, *body = table.splitlines()
    assert len(body) == len(rows)
    assert all(line.startswith(row) for line, row in zip(body, rows, strict=True))
    assert {line.count("|") for line in (head, rule, *body)} == {head.count("|")}
