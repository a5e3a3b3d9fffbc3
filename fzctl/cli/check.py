"""Show only what is wrong in captures, why it matters and what to look at next.

Looks at single messages, at questions and their answers, and at whole connections. Ends with 1
where something is found.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from typing import TYPE_CHECKING, Final

from fzctl.cli.analysing import Analysing
from fzctl.cli.analysisoptions import add_analysis_arguments
from fzctl.cli.output import chosen_by, colour_wanted, width_wanted
from fzctl.cli.redaction import add_redact_arguments, make_redactor
from fzctl.cli.streams import say
from fzctl.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_NEGATIVE
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fzctl.analysis.findings import Finding
    from fzctl.analysis.rules import Rule
    from fzctl.redact.redactor import Redactor

FILES_ANYWHERE = True

FORMS: Final = ("text", "json", "jsonl")
_SEVERITIES: Final = ("note", "warning", "error")
_EPILOG = """\
examples:
  fzctl check capture.pcapng
  fzctl check -k wg.keys --severity error -T jsonl capture.pcap | jq .detail
  fzctl check --pattern '*.example.com' --ignore FZ3 capture.pcap
  fzctl check --merge client.pcap gateway.pcap
  fzctl check --list-rules
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    add_analysis_arguments(parser)
    chosen = parser.add_argument_group("which rules")
    chosen.add_argument(
        "--select", metavar="RULE", action="append", default=[],
        help="only rules that begin like this, e.g. FZ3; repeatable",
    )  # fmt: skip
    chosen.add_argument(
        "--ignore", metavar="RULE", action="append", default=[],
        help="no rules that begin like this; repeatable",
    )  # fmt: skip
    chosen.add_argument(
        "--severity", choices=_SEVERITIES, default="note", help="this severe or more (default: note, all)"
    )
    chosen.add_argument("--list-rules", action="store_true", help="list these rules, and read nothing")
    parser.add_argument("-T", dest="form", choices=FORMS, default="text", help="form (default: text)")
    add_redact_arguments(parser)


def run(args: Namespace) -> int:
    """Check every input; returns the exit code."""
    from fzctl.analysis.rules import chooser

    wanted = chooser(_split(args.select), _split(args.ignore), args.severity)
    output = _Output(args)
    if args.list_rules:
        output.show_rules(wanted)
        return EXIT_DONE
    inputs = Analysing(args, wanted=wanted)
    redactor = make_redactor(args)
    messages = 0
    interrupted = False
    try:
        for analysis in inputs.analyses():
            messages += analysis.story.messages
            output.show(analysis.story.findings, redactor)
    except KeyboardInterrupt:
        interrupted = True
    output.finish()
    for problem in inputs.problems:
        say(f"fzctl: {escape(problem)}")
    if not args.quiet:
        say(f"fzctl: {output.counts(messages, inputs.frames, chosen_by(args))}")
    if interrupted:
        return EXIT_INTERRUPTED
    return inputs.exit_code or (EXIT_NEGATIVE if output.found else EXIT_DONE)


def _split(texts: list[str]) -> list[str]:
    """Commas part rules, too."""
    return [text for each in texts for text in each.split(",")]


class _Output:
    """Findings on stdout in one of the forms."""

    def __init__(self, args: Namespace) -> None:
        self._form = args.form
        self._colour = colour_wanted(args.color)
        self._counts: Counter[str] = Counter()
        self._objects: list[object] = []
        self._started = False

    @property
    def found(self) -> bool:
        """Was anything found?"""
        return bool(self._counts)

    def show(self, findings: Sequence[Finding], redactor: Redactor | None) -> None:
        """Show the findings of one analysis."""
        from fzctl.render import findings as form

        self._counts.update(finding.rule.severity for finding in findings)
        if redactor is not None:
            from fzctl.analysis.findingredaction import redact_finding

            findings = [redact_finding(finding, redactor) for finding in findings]
        if self._form == "text":
            text = form.to_findings_text(
                findings, width_wanted(), colour=self._colour, brief=sys.stdout.isatty()
            )
            sys.stdout.write(f"\n{text}" if text and self._started else text)
            self._started |= bool(text)
        elif self._form == "jsonl":
            sys.stdout.writelines(f"{form.to_finding_json(each)}\n" for each in form.in_time(findings))
        else:
            self._objects += map(form.to_finding_object, form.in_time(findings))

    def show_rules(self, wanted: Callable[[Rule], bool]) -> None:
        """Show the rules that are wanted."""
        import json

        from fzctl.analysis.rules import RULES
        from fzctl.render.findings import to_rule_object, to_rules_text

        rules = list(filter(wanted, RULES))
        if self._form == "text":
            sys.stdout.write(to_rules_text(rules, colour=self._colour))
        elif self._form == "jsonl":
            sys.stdout.writelines(f"{json.dumps(to_rule_object(rule))}\n" for rule in rules)
        else:
            self._objects += map(to_rule_object, rules)
            self.finish()

    def finish(self) -> None:
        """The form's end."""
        if self._form == "json":
            import json

            sys.stdout.write(json.dumps(self._objects, indent=2) + "\n")
        sys.stdout.flush()

    def counts(self, messages: int, packets: int, chosen: str) -> str:
        """A sentence for stderr; ``chosen`` is what stands behind the number of messages."""
        from fzctl.render.findings import count_sentence
        from fzctl.render.words import count_of

        if not messages:
            return f"no control message{chosen} in {count_of(packets, 'packet')}, so nothing was checked"
        within = f"{count_of(messages, 'control message')}{chosen}, {count_of(packets, 'packet')}"
        return f"{count_sentence(self._counts)} in {within}"
