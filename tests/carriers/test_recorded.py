"""A carrier whose packets are written down, in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from fzctl.carriers.memory import memory_pair
from fzctl.carriers.recorded import RecordedCarrier
from fzctl.errors import CaptureError, CarrierError
from fzctl.pcap.capture import open_capture
from tests.records import assigned, goodbye, status


def read(path: Path) -> list[tuple[int | None, bytes]]:
    with open_capture(path) as capture:
        assert {frame.link_type for frame in capture.frames()} <= {101}
    with open_capture(path) as capture:
        return [(frame.time, frame.data) for frame in capture.frames()]


def test_what_goes_and_what_comes_is_written_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    ours, theirs = memory_pair(delay=0.5)
    with RecordedCarrier(ours, str(path), ours.clock.time_ns) as carrier:
        assert carrier.name == "client"
        start = ours.clock.time_ns()
        carrier.send(assigned())
        theirs.receive(1)
        theirs.send(status())
        received = carrier.receive(2)
        assert received is not None
        assert received.packet == status()
        assert carrier.receive(0) is None
    assert read(path) == [(start, assigned()), (start + 10**9, status())]
    carrier.close()


def test_what_did_not_leave_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    ours, _ = memory_pair()
    with RecordedCarrier(ours, str(path)) as carrier:
        carrier.send(goodbye())
        ours.close()
        with pytest.raises(CarrierError):
            carrier.send(assigned())
    assert [data for _, data in read(path)] == [goodbye()]


def test_the_file_is_whole_whatever_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    ours, _ = memory_pair()

    def interrupted() -> None:
        with RecordedCarrier(ours, str(path)) as carrier:
            carrier.send(goodbye())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [data for _, data in read(path)] == [goodbye()]
    with pytest.raises(CarrierError):
        ours.receive(0)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(CaptureError):
        RecordedCarrier(memory_pair()[0], str(tmp_path / "none" / "x.pcapng"))
