"""Letters for the files of a merged analysis."""

from __future__ import annotations

from fzctl.analysis.ladder import Sent
from fzctl.render.marks import file_marks, not_seen_in
from tests.analysis.scenario import Scene
from tests.render.analyses import analysis_of


def test_one_file_needs_no_letter() -> None:
    assert file_marks(analysis_of([], files=("a",))) == {}


def test_each_of_many_files_has_a_mark_of_its_own() -> None:
    files = tuple(f"{number}.pcap" for number in range(30))
    marks = file_marks(analysis_of([], files=files, merged=True))
    assert list(marks) == list(files)
    assert len(set(marks.values())) == 30
    assert (marks["0.pcap"], marks["25.pcap"], marks["26.pcap"]) == ("A", "Z", "F27")


def test_a_message_is_missed_in_the_files_that_hold_no_copy_of_it() -> None:
    scene = Scene()
    asked = scene.ask(0)._replace(frame=1, file="a")
    copy = asked._replace(frame=2, file="b", copy_of=1, copy_in="a", time=(asked.time or 0) + 1000)
    analysis = analysis_of([asked, copy], files=("a", "b", "c"), merged=True)
    [sent] = analysis.rungs.things
    assert isinstance(sent, Sent)
    assert not_seen_in(sent, file_marks(analysis)) == ["C"]
