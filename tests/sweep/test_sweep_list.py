"""`sweep.json` of many jobs: made by pieces, and not written more often than it is worth."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seedbed.errors import ConfigError
from seedbed.sweep import outcome
from seedbed.sweep.outcome import UNWRITTEN, JobState, SweepState, read_sweep


def jobs(number: int) -> list[JobState]:
    made = [JobState(at, [f"seed={at}", "name='ä\n\"]}'"], f"{at}_", "x") for at in range(number)]
    for job in made[::2]:
        job.error, job.group, job.metrics = "line\nline", 3, {"train/loss": 1.0}
    return made


@pytest.mark.parametrize("number", [0, 1, 3, 4, 7])
def test_a_list_that_is_made_by_pieces_is_that_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(outcome, "AT_ONCE", 3)
    sweep = SweepState(tmp_path, jobs(number), {"config_name": "config", "more": [1, None]})
    sweep.write_jobs()
    plain = [{k: v for k, v in vars(job).items() if k not in UNWRITTEN} for job in sweep.jobs]
    whole = json.dumps({**sweep.origin, "jobs": plain}, indent=2, ensure_ascii=False)
    assert (tmp_path / "sweep.json").read_text(encoding="utf-8") == whole + "\n"
    if number:
        again = read_sweep(tmp_path)
        assert [one.overrides for one in again.jobs] == [one.overrides for one in sweep.jobs]


def test_a_list_that_could_not_be_read_again_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = SweepState(tmp_path, jobs(1000))
    sweep.write_jobs()
    size = (tmp_path / "sweep.json").stat().st_size
    monkeypatch.setattr(outcome, "LARGEST_LIST", int(1.2 * size))
    sweep.refuse_too_many()
    monkeypatch.setattr(outcome, "LARGEST_LIST", size // 2)
    with pytest.raises(ConfigError, match=r"of 1000 jobs .* type fewer jobs \(about 4\d\d fit"):
        sweep.refuse_too_many()


def test_a_sweep_of_too_many_jobs_begins_nothing(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "LARGEST_LIST", 500)
    for command in ("train", "validate"):
        result = seedbed(command, "-m", "seed=range(0,9)", "hydra.sweep.dir=many")
        assert (result.code, len(result.errors)) == (2, 1)
        assert "type fewer jobs (about 1 fit), and the others as another sweep" in result.errors[0]
    assert not Path("many").exists()


def test_a_list_that_takes_long_to_write_is_written_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written whole: at each stack's end it would take the square of the number of jobs."""
    clock, written = [100.0], []

    def write(*_: Any) -> None:
        clock[0] += 0.5
        written.append(clock[0])

    monkeypatch.setattr(outcome.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(outcome, "write_bytes", write)
    sweep = SweepState(tmp_path, jobs(1))
    for _ in range(1000):
        sweep.write_jobs(now=False)
        clock[0] += 1.0
    assert 0.5 * len(written) <= 0.01 * 1000 + 0.5
    before = len(written)
    sweep.write_jobs()
    assert len(written) == before + 1
