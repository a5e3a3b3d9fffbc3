"""The errors: what each says, and the exit code that it ends in."""

from __future__ import annotations

import pytest

from fzctl import errors


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (errors.FzctlError, 1),
        (errors.UsageError, 2),
        (errors.EncodeError, 2),
        (errors.DecodeError, 3),
        (errors.CaptureError, 3),
        (errors.CarrierError, 4),
        (errors.ToolError, 5),
    ],
)
def test_an_error_ends_in_its_exit_code(error: type[errors.FzctlError], exit_code: int) -> None:
    assert error.exit_code == exit_code
    assert issubclass(error, errors.FzctlError)


def test_the_exit_codes_are_those_of_the_contract() -> None:
    codes = {name: value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert codes == {
        "EXIT_DONE": 0,
        "EXIT_NEGATIVE": 1,
        "EXIT_USAGE": 2,
        "EXIT_INPUT": 3,
        "EXIT_CARRIER": 4,
        "EXIT_TOOL": 5,
        "EXIT_NO_ANSWER": 6,
        "EXIT_BUG": 70,
        "EXIT_INTERRUPTED": 130,
        "EXIT_READER_GONE": 141,
    }


def test_a_capture_error_names_the_file_and_the_place() -> None:
    error = errors.CaptureError("a.pcap", "it ends in the middle of a packet", 24)
    assert str(error) == "a.pcap at byte 24: it ends in the middle of a packet"
    assert (error.source, error.problem, error.offset) == ("a.pcap", "it ends in the middle of a packet", 24)


def test_byte_zero_is_a_place_too_and_no_place_is_none() -> None:
    assert str(errors.CaptureError("a.pcap", "no capture file", 0)) == "a.pcap at byte 0: no capture file"
    assert str(errors.CaptureError("a.pcap", "there is no such file")) == "a.pcap: there is no such file"


def test_a_carrier_error_names_what_was_tried_on_what() -> None:
    error = errors.CarrierError("capture on", "wg0", "operation not permitted")
    assert str(error) == "cannot capture on wg0: operation not permitted"
    assert (error.operation, error.target) == ("capture on", "wg0")
