"""``--redact`` for findings and numbers: the same replacements as in captures and logs.

What was analysed is the input as it is, for rules look at its addresses; replaced is what is told.
"""

from __future__ import annotations

from fzctl.analysis.findings import Finding, Spot, Subject
from fzctl.analysis.stats import Report, session_name
from fzctl.redact.redactor import Redactor


def redact_finding(finding: Finding, redactor: Redactor) -> Finding:
    """The finding without anything that names anybody."""
    detail, names = redact_sentence(finding.detail, finding.names, redactor)
    return finding._replace(
        subject=redact_subject(finding.subject, redactor),
        detail=detail,
        spots=tuple(redact_spot(spot, redactor) for spot in finding.spots),
        names=names,
    )


def redact_sentence(text: str, names: tuple[str, ...], redactor: Redactor) -> tuple[str, tuple[str, ...]]:
    """The sentence and ``names``, its pieces that are to be replaced, which stand in it in that order."""
    parts: list[str] = []
    replaced: list[str] = []
    position = 0
    for name in names:
        start = text.index(name, position)
        replaced.append(redactor.redact_text(name))
        parts += (text[position:start], replaced[-1])
        position = start + len(name)
    return "".join((*parts, text[position:])), tuple(replaced)


def redact_subject(subject: Subject, redactor: Redactor) -> Subject:
    """The subject with another resource and domain."""
    resource, domain = subject.resource, subject.domain
    return subject._replace(
        resource=resource and redactor.redact_text(resource), domain=domain and redactor.redact_text(domain)
    )


def redact_spot(spot: Spot, redactor: Redactor) -> Spot:
    """The spot with another file's name."""
    return spot if spot.file is None else spot._replace(file=redactor.redact_path(spot.file))


def redact_report(report: Report, redactor: Redactor) -> Report:
    """The numbers under other names."""
    text, path = redactor.redact_text, redactor.redact_path
    return report._replace(
        sessions={
            place: numbers._replace(name=session_name(*place))
            for place, numbers in (
                ((file and path(file), session), numbers)
                for (file, session), numbers in report.sessions.items()
            )
        },
        domains={
            (text(resource), text(domain)): numbers._replace(name=text(numbers.name))
            for (resource, domain), numbers in report.domains.items()
        },
    )
