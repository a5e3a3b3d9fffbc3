"""The HTML report: complete, harmless, quiet; and a real browser opens it."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fzctl.analysis.ladder import Analysis, Ladder
from fzctl.render.glossary import GLOSSARY
from fzctl.render.laddersvg import to_svg
from fzctl.render.storyhtml import to_html
from fzctl.render.verdict import verdict_on
from tests.analysis.scenario import Scene
from tests.hostile import ATTACKS, NAME, packets
from tests.records import TIME, harmful, raw, record
from tests.render.analyses import SCRIPTS, analysis_of, hostile, inactive, with_traffic, working
from tests.render.browser import browse

TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "svg", "text", "line",
    "rect", "polygon", "a", "table", "thead", "tbody", "tr", "th", "td", "code", "b", "details", "summary",
    "span", "pre", "dl", "dt", "dd",
}  # fmt: skip
VOID = {"meta"}


class Page(HTMLParser):
    """Tags, attributes and text; complains where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def test_the_report_has_verdict_ladder_timeline_tables_findings_messages_and_words() -> None:
    analysis = analysis_of(inactive().records)
    page = Page(to_html([analysis]))
    verdict = verdict_on(analysis)
    for expected in (
        verdict.headline, *verdict.look, "What happened", "Each domain over time", "Findings (1)", "FZ307",
        "Exchanges to look at", "Every message", "6b7188f5-00ac-41dc-9ddd-57e2384f31ef", "100.96.0.1",
        *(word for word, _ in GLOSSARY),
    ):  # fmt: skip
        assert expected in page.text, expected
    assert [tag for tag, _ in page.tags].count("details") == 3
    assert "60 00 00 00" in page.text


def test_it_holds_nothing_that_runs_or_fetches_and_its_policy_allows_its_own_style_only() -> None:
    html = to_html([hostile(), with_traffic()])
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= TAGS
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "style", "srcset") for name in attributes), (
            tag
        )
        assert (attributes.get("href") or "#").startswith("#")
    [policy] = [each.get("content") or "" for _, each in page.tags if each.get("http-equiv")]
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(style) == 1
    digest = b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in html
    assert "@import" not in html


def test_what_packets_say_is_text() -> None:
    html = to_html([hostile()])
    assert harmful(html) == set()
    assert not any(script in html for script in SCRIPTS)
    assert Page(html).text.count("alert(1)") >= len(SCRIPTS)


def test_every_link_leads_somewhere_in_the_page() -> None:
    page = Page(to_html([analysis_of(inactive().records), analysis_of(working(3).records)]))
    targets = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    links = [(attributes["href"] or "")[1:] for tag, attributes in page.tags if tag == "a"]
    assert len(links) >= 9
    assert set(links) <= set(targets)
    assert len([each for each in targets if each != "verdict"]) == len(
        {each for each in targets if each != "verdict"}
    )


def test_of_very_many_messages_it_shows_the_ends_and_says_so() -> None:
    records = working(30).records
    analysis = analysis_of(records)
    ladder = Ladder(5)
    for rung in analysis.rungs.things:
        ladder.message(rung.record, rung.exchange, rung.subject)  # type: ignore[union-attr]
    html = to_html([analysis._replace(rungs=ladder.kept())])
    assert html.count("<details>") == 10
    assert "50 rows between them are left out" in html


def test_an_input_without_messages_is_a_report_too() -> None:
    page = Page(to_html([analysis_of([])]))
    assert "There is no control message in this input." in page.text


@pytest.mark.peer("chromium")
def test_the_browser_would_tell(tmp_path: Path, require_peer: Callable[[str], str]) -> None:
    path = tmp_path / "page.html"
    path.write_text("<img src='http://example.invalid/x'><script>console.error('no')</script>")
    visit = browse(require_peer("chromium"), path, tmp_path, "--dump-dom")
    assert visit.requests == ["http://example.invalid/x"]
    assert len(visit.console) == 1


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("name", ["inactive", "hostile"])
def test_a_browser_opens_it_without_complaint_or_network(
    name: str, tmp_path: Path, require_peer: Callable[[str], str]
) -> None:
    analysis = analysis_of(inactive().records) if name == "inactive" else every_attack()
    path = tmp_path / "report.html"
    path.write_text(to_html([analysis]), encoding="utf-8")
    visit = browse(require_peer("chromium"), path, tmp_path, "--dump-dom")
    assert verdict_on(analysis).headline in Page(visit.out).text
    assert visit.console == []
    assert visit.requests == []


_ASK_WIDTH = """<script>
const page = document.documentElement;
document.body.innerHTML = page.scrollWidth > page.clientWidth ? "too wide" : "fits";
</script>"""


@pytest.mark.peer("chromium")
def test_the_longest_domain_makes_no_page_wider_than_its_window(
    tmp_path: Path, require_peer: Callable[[str], str]
) -> None:
    domain = ".".join(("a" * 63, "b" * 63, "c" * 63, "d" * 61))
    scene = Scene()
    scene.ask(0, domain)
    scene.answer(1, domain, "Inactive")
    page = to_html([analysis_of(scene.records, files=(f"{domain}.pcap",))])
    path = tmp_path / "report.html"
    # The page's own policy would let nobody ask.
    page = re.sub("<meta http-equiv[^>]*>", "", page).replace("<details", "<details open")
    path.write_text(page + _ASK_WIDTH, encoding="utf-8")
    out = browse(require_peer("chromium"), path, tmp_path, "--dump-dom", "--window-size=800,600").out
    assert ("fits" in out, "too wide</body>" in out) == (True, False)


def test_of_a_packet_too_large_for_a_receiver_the_beginning_is_dumped() -> None:
    page = to_html([analysis_of([record(raw(0, b"x" * 60_000))])])
    assert "04f0  78 78" in page
    assert "\n0500  " not in page
    assert "58,768 bytes more" in page


@pytest.mark.peer("chromium")
def test_a_browser_finds_nothing_to_run_in_the_picture(
    tmp_path: Path, require_peer: Callable[[str], str]
) -> None:
    """A picture has no policy of its own that would stop a script."""
    path = tmp_path / "ladder.svg"
    told = "<script>console.error('no')</script>"
    for text, said in ((to_svg([every_attack()]), 0), (to_svg([]).replace("</svg>", f"{told}</svg>"), 1)):
        path.write_text(text, encoding="utf-8")
        visit = browse(require_peer("chromium"), path, tmp_path, "--dump-dom")
        assert len(visit.console) == said
        assert visit.requests == []


def every_attack() -> Analysis:
    """Whatever somebody could put into messages, and into the name of a file."""
    found = [record(each, place + 1, TIME + place * 10**9) for place, each in enumerate(packets())]
    return analysis_of(found, files=(NAME, *ATTACKS.values()))
