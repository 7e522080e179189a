"""`sweep.json` of many jobs: made by pieces, and not written more often than it is worth."""

import json
from pathlib import Path
from typing import Any

import pytest

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
