"""A sweep goes on where its data lies now, and never on other data than its jobs began with."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.command_line import Command

CSV = ["data=csv", "data.path=rows.csv", "data.target=y", "loader.batch_size=4"]


@pytest.fixture
def rows() -> None:
    lines = [f"{n},{n % 3},{2 * n + 1.5}" for n in range(12)]
    Path("rows.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")


def started(seedbed: Command, fuse: str, *words: str) -> tuple[list[Path], list[Any]]:
    """A sweep of which the first job is complete; its other jobs were cut off in the middle."""
    words = (*CSV, *words, "trainer.epochs=4", f"sweep.fuse={fuse}", "hydra.sweep.dir=sweep")
    result = seedbed("train", "-m", *words)
    assert result.code == 0, result.err
    jobs = sorted(path for path in result.sweep.iterdir() if path.is_dir())
    before = [json.loads((job / "result.json").read_text())["metrics"] for job in jobs]
    for job in jobs[1:]:
        status = json.loads((job / "status.json").read_text())
        (job / "status.json").unlink()  # it may be a name of the others' file
        (job / "status.json").write_text(json.dumps({**status, "status": "interrupted"}))
        (job / "result.json").unlink()
    return jobs, before


@pytest.mark.parametrize("fuse", ["always", "never"])
def test_a_sweep_goes_on_where_its_data_lies_now(seedbed: Command, rows: None, fuse: str) -> None:
    jobs, before = started(seedbed, fuse, "seed=1,2,3")
    Path("far away").mkdir()
    Path("rows.csv").rename("far away/Zeilen.csv")
    assert seedbed("resume", "sweep").code == 2
    result = seedbed("resume", "sweep", "data.path=far away/Zeilen.csv")
    assert result.code == 0, result.err
    assert "1 of 3 jobs are complete" in result.out
    assert "begins anew" not in result.out
    for job, metrics in zip(jobs, before, strict=True):
        now = json.loads((job / "result.json").read_text())["metrics"]
        for name, value in metrics.items():  # to rounding: the stack is one of two, not of three
            assert now[name] == (value if value is None else pytest.approx(value, rel=1e-6))
    told = yaml.safe_load((jobs[1] / "config.yaml").read_text())
    assert told["data"]["path"] == "far away/Zeilen.csv"
    assert seedbed("resume", "sweep", "data.path=far away/Zeilen.csv").code == 0


@pytest.mark.parametrize("word", [[], ["data.path=other.csv"]])
def test_other_data_is_refused(seedbed: Command, rows: None, word: list[str]) -> None:
    started(seedbed, "never", "seed=1,2")
    other = Path(word[0].partition("=")[2] if word else "rows.csv")
    other.write_text(Path("rows.csv").read_text().replace("1.5", "1.25"))
    before = Path("sweep/sweep.json").read_text()
    result = seedbed("resume", "sweep", *word)
    assert (result.code, len(result.errors)) == (2, 1)
    assert f"'{other}' is not what the job" in result.errors[0]
    assert Path("sweep/sweep.json").read_text() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trainer.epochs=9"], "resuming a sweep takes data.path=FILE alone, got 'trainer.epochs"),
        (["data.target=b"], "the run's data names data.path, nothing else can move"),
    ],
)
def test_other_words_are_refused(seedbed: Command, rows: None, words: list[str], told: str) -> None:
    started(seedbed, "never", "seed=1,2")
    result = seedbed("resume", "sweep", *words)
    assert (result.code, len(result.errors)) == (2, 1)
    assert told in result.errors[0]


def test_jobs_of_several_files_are_not_put_on_one(seedbed: Command, rows: None) -> None:
    for name in ("one", "two", "three"):
        Path(f"{name}.csv").write_text(Path("rows.csv").read_text())
    started(seedbed, "never", "data.path=one.csv,two.csv,three.csv")
    result = seedbed("resume", "sweep", "data.path=rows.csv")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "have their data in several places" in result.errors[0]
