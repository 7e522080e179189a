"""What a run prints of its progress where there is no terminal."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from seedbed.api import run_lines


def printed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seconds: list[float],
    *,
    before: int = 0,
    epochs: int = 100,
) -> list[str]:
    """The lines of epochs that take so many seconds, after `before` that another process ran."""
    clock = [0.0]
    monkeypatch.setattr(run_lines.time, "monotonic", lambda: clock[0])
    lines = run_lines.RunLines()
    plan: Any = SimpleNamespace(config=SimpleNamespace(trainer=SimpleNamespace(epochs=epochs)))
    lines.started(plan)
    for epoch, took in enumerate(seconds, before + 1):
        clock[0] += took
        lines.epoch_done({"epoch": epoch, "step": epoch, "train/loss": 0.5, "lr": 0.1})
    return capsys.readouterr().out.splitlines()


def left(lines: list[str]) -> list[str]:
    return [re.sub(r".*lr 0\.1\s*", "", line) for line in lines]


def test_a_first_epoch_that_loads_much_does_not_frighten(monkeypatch: Any, capsys: Any) -> None:
    lines = printed(monkeypatch, capsys, [2.0] + [0.1] * 19)
    assert lines[0] == "epoch   1/100  train/loss 0.5  lr 0.1"
    assert left(lines) == ["", "9 s left", "8 s left"]


def test_a_long_first_epoch_says_how_long_it_will_take(monkeypatch: Any, capsys: Any) -> None:
    assert left(printed(monkeypatch, capsys, [60.0])) == ["5940 s left"]


def test_a_run_that_goes_on_counts_its_own_epochs(monkeypatch: Any, capsys: Any) -> None:
    lines = printed(monkeypatch, capsys, [2.0] + [1.0] * 9, before=50)
    assert left(lines) == ["40 s left"]
