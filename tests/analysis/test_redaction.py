"""Redaction of an analysis: no name, address or id of the input is left, equal ones stay equal."""

from __future__ import annotations

import pytest

from fzctl.analysis.ladder import Analysis
from fzctl.analysis.redaction import redact_analysis
from fzctl.nat.patterns import DomainPattern
from fzctl.redact.redactor import Redactor
from fzctl.render.laddersvg import to_svg
from fzctl.render.storyhtml import to_html
from fzctl.render.storyjson import to_json
from fzctl.render.storytext import to_text
from tests.analysis.scenario import NET, WEB, Scene
from tests.render.analyses import analysis_of, working

SECRETS = (
    "secret", "hidden", "intranet", "corp", "Übung", WEB, NET, WEB[:8], "192.0.2.1", "198.51.100.2",
    "100.96.0.1", "fd00:2021:1111:8000::5", "10.9.8.7",
)  # fmt: skip


def forms(analysis: Analysis) -> dict[str, str]:
    return {
        "text": to_text(analysis, 200, colour=False, most_rungs=1000),
        "json": "".join(to_json([analysis])),
        "svg": to_svg([analysis]),
        "html": to_html([analysis]),
    }


def telling() -> Analysis:
    """Everything that names something: findings of many rules, wipes, ends, a moment."""
    scene = Scene(session=1)
    scene.ask(0, "secret.corp", 0)
    scene.answer(1, "secret.corp")
    scene.ask(2, "hidden.intranet", 0, resource=NET)
    scene.ask(2.5, "hidden.intranet", 1, resource=NET)
    scene.answer(13, "hidden.intranet", "Inactive", resource=NET)
    scene.answer(14, "secret.corp", "Inactive")
    scene.ask(15, "hidden", 5)
    scene.ask(16, "Übung.corp", 6, ips=["10.9.8.7"])
    scene.answer(17, "Übung.corp", "Inactive")
    return analysis_of(
        scene.records, asked="+9", patterns={None: DomainPattern("*.intranet"), NET: DomainPattern("**.corp")}
    )


@pytest.mark.parametrize("form", ["text", "json", "svg", "html"])
def test_nothing_of_the_input_survives_in_any_form(form: str) -> None:
    original, redacted = telling(), redact_analysis(telling(), Redactor(b"key"))
    shown = forms(redacted)[form].lower()
    assert "secret.corp" in forms(original)[form]
    known = [each for each in SECRETS if each.lower() in forms(original)[form].lower()]
    assert len(known) >= 4
    assert [each for each in known if each.lower() in shown] == []


def test_names_of_files_are_replaced_but_for_their_endings() -> None:
    told = telling()._replace(
        files=("wiki.corp/acme.pcapng",), problems=("wiki.corp/acme.pcapng: ends early at byte 9",)
    )
    redacted = redact_analysis(told, Redactor(b"key"))
    assert redacted.files[0].endswith(".pcapng")
    assert "acme" not in f"{redacted.files} {redacted.problems}"
    assert redacted.problems == (f"{redacted.files[0]}: ends early at byte 9",)


def test_rules_and_numbers_stay() -> None:
    original, redacted = telling(), redact_analysis(telling(), Redactor(b"key"))
    assert [each.rule.id for each in redacted.story.findings] == [
        each.rule.id for each in original.story.findings
    ]
    assert redacted.story.messages == original.story.messages


def test_equal_names_stay_equal_and_one_key_is_one_mapping() -> None:
    records = working(3).records
    once, again = (redact_analysis(analysis_of(records), Redactor(b"key")) for _ in range(2))
    assert once.story == again.story
    [connection] = once.story.connections
    names = [each.domain for each in connection.domains]
    assert len(set(names)) == 3
    assert {each.domain for each in connection.table} == set(names)
