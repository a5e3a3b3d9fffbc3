"""An analysis in which nothing names anybody, with the same replacements as in messages.

Rules are judged before, for they mean what stands in the input.
"""

from __future__ import annotations

from fzctl.analysis.bounded import Kept
from fzctl.analysis.findingredaction import redact_finding
from fzctl.analysis.findings import Finding
from fzctl.analysis.ladder import Analysis, Flow, Rung, Sent
from fzctl.analysis.story import Connection, Domain, Session, Story
from fzctl.redact.redactor import Redactor


def redact_analysis(analysis: Analysis, redactor: Redactor) -> Analysis:
    """The same analysis with other names, those of files, too."""
    return _Redaction(redactor).analysis(analysis)


class _Redaction:
    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._text = redactor.redact_text

    def analysis(self, analysis: Analysis) -> Analysis:
        """All of it."""
        rungs = analysis.rungs
        return analysis._replace(
            files=tuple(map(self._redactor.redact_path, analysis.files)),
            problems=tuple(self._problem(each, analysis.files) for each in analysis.problems),
            story=self._story(analysis.story),
            rungs=Kept(tuple(self._rung(each) for each in rungs.things), rungs.left_out, rungs.before_gap),
        )

    def _story(self, story: Story) -> Story:
        return story._replace(
            connections=tuple(map(self._connection, story.connections)),
            sessions=tuple(map(self._session, story.sessions)),
            findings=tuple(map(self._finding, story.findings)),
            moment=story.moment
            and tuple(
                each._replace(resource=self._text(each.resource), domain=self._text(each.domain))
                for each in story.moment
            ),
        )

    def _rung(self, rung: Rung) -> Rung:
        if isinstance(rung, Sent):
            found = Sent(self._redactor.redact(rung.record), rung.exchange, rung.subject, rung.left_out)
            found.copies = rung.copies
            return found
        flow = Flow(rung.subject, rung.state, rung.first, buffering=rung.buffering)
        flow.domains = dict.fromkeys(map(self._text, rung.domains))
        flow.last_time = rung.last_time
        flow.packets_to, flow.bytes_to = rung.packets_to, rung.bytes_to
        flow.packets_from, flow.bytes_from = rung.packets_from, rung.bytes_from
        return flow

    def _connection(self, each: Connection) -> Connection:
        return each._replace(
            ends=each.ends and self._ends(each.ends),
            domains=tuple(map(self._domain, each.domains)),
            table=tuple(
                row._replace(
                    proxy_ip=self._text(row.proxy_ip),
                    domain=self._text(row.domain),
                    resource=self._text(row.resource),
                )
                for row in each.table
            ),
            wipes=Kept(
                tuple(
                    wipe._replace(
                        proxy_ip=self._text(wipe.proxy_ip),
                        domain=self._text(wipe.domain),
                        before=self._text(wipe.before),
                    )
                    for wipe in each.wipes.things
                ),
                each.wipes.left_out,
                each.wipes.before_gap,
            ),
        )

    def _domain(self, each: Domain) -> Domain:
        return each._replace(
            resource=self._text(each.resource),
            domain=self._text(each.domain),
            proxy_ips=tuple(map(self._text, each.proxy_ips)),
        )

    def _session(self, each: Session) -> Session:
        file = each.file and self._redactor.redact_path(each.file)
        return each._replace(ends=self._ends(each.ends), file=file)

    def _problem(self, text: str, files: tuple[str, ...]) -> str:
        for file in files:
            text = text.replace(file, self._redactor.redact_path(file))
        return text

    def _ends(self, ends: tuple[str, str]) -> tuple[str, str]:
        return self._redactor.redact_end(ends[0]), self._redactor.redact_end(ends[1])

    def _finding(self, each: Finding) -> Finding:
        return redact_finding(each, self._redactor)
