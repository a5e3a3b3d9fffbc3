"""The two values that a capture consists of."""

from __future__ import annotations

from fzctl.pcap.frame import Candidate, Frame


def test_a_frame_has_no_comments_unless_given() -> None:
    assert Frame(1, None, 101, b"", 0).comments == ()


def test_a_candidate_begins_like_its_frame() -> None:
    assert Candidate._fields[:5] == Frame._fields[:5]
