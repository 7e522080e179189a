"""How often something is done: epochs, steps or seconds."""

from pathlib import Path

import pytest
from support.single_runs import train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from seedbed.compose.compose import composed
from seedbed.errors import ConfigError
from seedbed.training import interval as interval_module
from seedbed.training.interval import parsed_interval


@pytest.mark.parametrize(
    ("written", "every", "unit"),
    [
        (3, 3, "epochs"),
        ("3", 3, "epochs"),
        ("1 epoch", 1, "epochs"),
        ("3 epochs", 3, "epochs"),
        ("1 step", 1, "steps"),
        ("100 steps", 100, "steps"),
        ("100steps", 100, "steps"),
        ("30 s", 30, "seconds"),
        ("30s", 30, "seconds"),
    ],
)
def test_every_form_is_read(written: int | str, every: int, unit: str) -> None:
    interval = parsed_interval(written)
    assert (interval.every, interval.unit) == (every, unit)


@pytest.mark.parametrize("written", ["0", "-1", "3 min", "'s'", "1.5", "0 steps", "3  s", "null"])
@pytest.mark.parametrize("key", ["log_every", "checkpoint_every"])
def test_another_form_is_refused(key: str, written: str) -> None:
    with pytest.raises(ConfigError, match=rf"trainer\.{key} must be .*N \(epochs\), 'N steps'"):
        composed([f"trainer.{key}={written}"])


def test_epochs_are_counted() -> None:
    interval = parsed_interval(3)
    assert [n for n in range(1, 10) if interval.after_epoch(n)] == [3, 6, 9]
    assert not any(interval.after_step(n) for n in range(1, 10))


def test_steps_are_counted() -> None:
    interval = parsed_interval("4 steps")
    assert [n for n in range(1, 13) if interval.after_step(n)] == [4, 8, 12]
    assert not any(interval.after_epoch(n) for n in range(1, 13))


def test_seconds_are_counted_from_the_last_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 105.0, 110.0, 110.0, 112.0, 121.0, 121.0, 130.0])
    monkeypatch.setattr(interval_module.time, "monotonic", lambda: next(clock))
    interval = parsed_interval("10 s")
    due = [interval.after_step(1) for _ in range(5)]
    assert due == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("log_every", "epochs"), [("1", [1, 2, 3, 4, 5, 6, 7]), ("3", [3, 6, 7]), ("100 epochs", [7])]
)
def test_points_are_logged_as_often_as_asked_and_at_the_end(
    tmp_path: Path, log_every: str, epochs: list[int]
) -> None:
    run = train(tmp_path / "run", "trainer.epochs=7", f"trainer.log_every={log_every}")
    events = EventAccumulator(str(run.directory.root)).Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [2 * n for n in epochs]
    assert run.history["epoch"] == [1, 2, 3, 4, 5, 6, 7]


def test_a_running_loss_is_logged_between_epochs(tmp_path: Path) -> None:
    words = ["loader.batch_size=1", "trainer.epochs=2", "trainer.log_every='3 steps'"]
    run = train(tmp_path / "run", *words)
    events = EventAccumulator(str(run.directory.root)).Reload()
    assert [event.step for event in events.Scalars("train/running_loss")] == [3, 6]
    assert [event.step for event in events.Scalars("train/loss")] == [4, 8]
