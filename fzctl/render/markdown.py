"""The tables of README that follow from the declarations."""

from __future__ import annotations

from collections.abc import Iterable

from fzctl.analysis.rules import RULES
from fzctl.columns import all_columns
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.reasons import REASONS


def kinds_table() -> str:
    """The declared kinds: number, name, dialects, fields, what they say."""
    rows = (
        (
            str(kind.number),
            f"`{kind.name}`",
            kind.title,
            ", ".join(kind.dialects),
            ", ".join(f"`{field.name}`" for field in kind.fields) or "none",
            kind.sentence,
        )
        for kind in KINDS
    )
    return _table(("kind", "name", "Firezone's word", "dialects", "fields", "what it says"), rows)


def reasons_table() -> str:
    """The slugs of ``reason``."""
    return _table(("reason", "when"), ((f"`{slug}`", sentence) for slug, sentence in REASONS.items()))


def fields_table() -> str:
    """The names that ``-Y`` and ``-e`` take."""
    rows = ((f"`{name}`", column.type.name.lower(), column.label) for name, column in all_columns().items())
    return _table(("field", "type", "what"), rows)


def rules_table() -> str:
    """The rules of ``check``."""
    return _table(
        ("rule", "severity", "what is wrong"), ((f"`{rule.id}`", rule.severity, rule.title) for rule in RULES)
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
