"""How a live verb ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

from fzctl.cli import signals
from fzctl.cli.signals import finish_in_peace, interruptible

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in ENDING]


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0)


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_block_and_the_program_goes_on(number: int) -> None:
    before, steps = handlers(), []
    with interruptible() as ending:
        steps.append("begun")
        send(number)
        time.sleep(5)
        steps.append("never")
    assert ending.was_interrupted
    assert steps == ["begun"]
    assert handlers() == before


def test_a_block_that_ends_by_itself_was_not_interrupted() -> None:
    before = handlers()
    with interruptible() as ending:
        assert handlers() != before
    assert not ending.was_interrupted
    assert handlers() == before


@pytest.mark.parametrize("number", ENDING)
def test_what_is_finished_after_the_first_signal_is_not_disturbed(number: int) -> None:
    finished = False
    with interruptible() as ending:
        try:
            send(signal.SIGINT)
            time.sleep(5)
        finally:
            send(number)
            finished = True
    assert ending.was_interrupted
    assert finished


def test_nor_is_what_is_finished_without_one() -> None:
    with interruptible() as ending:
        finish_in_peace()
        send(signal.SIGINT)
    assert not ending.was_interrupted


def test_other_errors_pass_through_and_leave_the_handlers_as_they_were() -> None:
    before = handlers()
    with pytest.raises(ValueError, match="x"), interruptible():
        raise ValueError("x")
    assert handlers() == before


def test_signals_that_come_together_end_it_once_and_without_complaint() -> None:
    # Python complains, by a warning, of a signal that is ignored before its handler could run.
    with interruptible() as ending:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            for number in ENDING:
                os.kill(os.getpid(), number)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        time.sleep(5)
    assert ending.was_interrupted


def test_a_signal_before_the_block_ends_what_is_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = handlers()
    plain = signal.signal

    def set_and_hear(number: int, handler: Any) -> Any:
        found = plain(number, handler)
        if handler is signals._interrupt:
            send(number)
        return found

    monkeypatch.setattr(signal, "signal", set_and_hear)
    with pytest.raises(KeyboardInterrupt), interruptible():
        raise AssertionError("it began")
    assert handlers() == before


def test_nohup_is_heeded() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible() as ending:
            send(signal.SIGHUP)
        assert not ending.was_interrupted
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_has_no_signals_and_runs_all_the_same() -> None:
    found: list[bool] = []

    def run() -> None:
        with interruptible() as ending:
            found.append(ending.was_interrupted)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)
    assert found == [False]


def test_outside_of_a_block_there_is_nothing_to_finish() -> None:
    before = handlers()
    finish_in_peace()
    assert handlers() == before
