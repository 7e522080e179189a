"""The table of `seedbed compare` fits its terminal, and says what it had no room for."""

import re
from pathlib import Path

import pytest
from support.terminals import shown_on

from seedbed.cli import compare as command

SENTENCES = ("verdict", "  ", "what mattered", "no room for", "and ")


def table(lines: list[str]) -> list[str]:
    """Its head and its rows, behind the title."""
    return [line for line in lines[1:] if not line.startswith(SENTENCES) or line[:2] == "  "][:7]


def titles(lines: list[str]) -> list[str]:
    return re.split("  +", lines[1])


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch, iris_sweep: Path):
    return lambda width, *words: shown_on(monkeypatch, width, command.main, iris_sweep, *words)


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("over", ["seed", "none"])
def test_no_row_is_wider_than_the_terminal(compared, width: int, over: str) -> None:
    lines = compared(width, "--over", over, "--limit", "6")
    rows = table(lines)
    assert len(rows) == 7
    assert max(map(len, rows)) <= width


def test_settings_give_up_what_tells_least_and_say_so(compared) -> None:
    wide, narrow, narrowest = (compared(width, "--over", "seed") for width in (100, 60, 34))
    assert {"model.hidden", "± std", "95 % interval", "p (Holm)"} <= set(titles(wide))
    assert {"hidden", "lr", "± std"} <= set(titles(narrow))
    assert "p (Holm)" not in narrow[1]
    assert "no room for p (Holm); --json has all" in narrow
    assert titles(narrowest) == ["rank", "hidden", "lr", "n", "mean"]
    assert wide[-3:] == narrow[-3:] == narrowest[-3:]  # what it comes to is always there


def test_runs_give_up_metrics_and_keys_before_their_names(compared) -> None:
    wide, narrow = (compared(width, "--over", "none") for width in (200, 60))
    assert {"model.hidden", "optimizer.lr", "train/loss"} <= set(wide[1].split())
    assert {"run", "val/loss"} <= set(narrow[1].split())
    assert "train/loss" not in narrow[1]
    (told,) = [line for line in narrow if line.startswith("no room for ")]
    assert "train/loss" in told
