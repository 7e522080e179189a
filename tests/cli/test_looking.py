"""A search for runs that takes long says on a terminal how far it is."""

from pathlib import Path

import pytest
from support.terminals import Terminal

from seedbed.cli import looking, runs
from seedbed.process import signals


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(looking, "EACH", 1)


def test_the_line_is_taken_away_at_the_end(
    monkeypatch: pytest.MonkeyPatch, impatient: None, iris_sweep: Path
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    before = list(signals.at_end)
    assert runs.main([str(iris_sweep)]) == 0
    assert "1 folder looked into, 0 runs so far; Ctrl-C ends it" in terminal.getvalue()
    assert terminal.getvalue().endswith(looking.CLEAR)
    assert signals.at_end == before


def test_a_pipe_hears_nothing(seedbed, impatient: None, iris_sweep: Path) -> None:
    assert "looked into" not in seedbed("runs", iris_sweep).err
