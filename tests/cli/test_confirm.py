"""`seedbed confirm`: the best settings again, as they were, on seeds that nothing has used."""

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from support.command_line import Command

import seedbed as seedbed_in_python
from seedbed.api.confirming import planned
from seedbed.errors import ArgumentError, DataError


@pytest.fixture
def sweep(iris_sweep: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(iris_sweep, tmp_path / "sweep"))


def results(sweep: Path) -> pd.DataFrame:
    return pd.read_csv(sweep / "results.csv")


def refused(seedbed: Command, *words: object) -> str:
    result = seedbed("confirm", *words)
    assert result.code == 2
    assert len(result.errors) == len(result.err.splitlines()) == 1, result.err
    return result.errors[0]


def test_the_best_settings_are_trained_again_as_they_were(seedbed: Command, sweep: Path) -> None:
    result = seedbed(
        "confirm", sweep, "--top", 2, "--seeds", 8, "--test", "hydra.sweep.dir=confirmed"
    )
    assert result.code == 0, result.err
    assert result.sweep.name == "confirmed"
    keys = ["optimizer.lr", "model.hidden"]
    before, after = results(sweep), results(result.sweep)
    means = before.groupby(keys)["val/loss"].mean().sort_values()
    assert sorted(set(after["seed"])) == list(range(7, 15))
    assert set(after.groupby(keys).groups) == set(means.index[:2])

    originals = {tuple(row[keys]): row["directory"] for _, row in before.iterrows()}
    for _, row in after.iterrows():
        then, now = (
            yaml.safe_load((folder / name / "config.yaml").read_text())
            for folder, name in (
                (sweep, originals[tuple(row[keys])]),
                (result.sweep, row["directory"]),
            )
        )
        assert {**now, "seed": None} == {**then, "seed": None}

    found = after.groupby(keys)["val/loss"].agg(["mean", "std"]).sort_values("mean")
    lines = result.out.splitlines()
    start = lines.index(
        "2 of the best settings on 8 fresh seeds (7 to 14), by val/loss (lower is better):"
    )
    for line, (setting, row) in zip(lines[start + 2 :], found.iterrows(), strict=False):
        cells = line.split()
        assert float(cells[3]) == pytest.approx(means[setting], rel=1e-4)
        assert float(cells[5]) == pytest.approx(row["mean"], rel=1e-4)
        assert float(cells[6]) == pytest.approx(row["std"], rel=1e-2)
    best = after.set_index(keys).loc[found.index[0]]
    told = next(line for line in lines if line.startswith("test/loss of "))
    value = float(re.search(r": (\S+) ± ", told)[1])
    assert value == pytest.approx(best["test/loss"].mean(), rel=1e-4)
    verdicts = [line for line in lines if line.startswith("verdict: ")]
    assert len(verdicts) == 1
    compared = seedbed("compare", result.sweep).out
    assert verdicts[0].split(":")[1] == re.search(r"^verdict:([^:]+):", compared, re.M)[1]


def test_no_seed_is_used_twice(sweep: Path) -> None:
    assert planned(sweep, 5, 20).seeds == range(7, 27)
    told = json.loads((sweep / "sweep.json").read_text())
    job = dict(told["jobs"][-1], number=99, directory="99", status="pending")
    job["overrides"] = [word.replace("seed=6", "seed=40") for word in job["overrides"]]
    told["jobs"].append(job)  # one that has not begun
    (sweep / "sweep.json").write_text(json.dumps(told))
    assert planned(sweep, 5, 20).seeds == range(41, 61)


def test_one_setting_alone_is_confirmed(seedbed: Command) -> None:
    first = seedbed("train", "-m", "seed=range(0,3)", "trainer.epochs=2")
    result = seedbed("confirm", first.sweep, "--seeds", 3, "hydra.sweep.dir=confirmed")
    assert result.code == 0, result.err
    assert "1 of the best settings on 3 fresh seeds (3 to 5)" in result.out
    assert "verdict" not in result.out
    assert "note: all of the sweep that have a value are trained: 1 setting\n" in result.err
    assert "no test rows" in refused(seedbed, first.sweep, "--test")


def test_json_csv_and_markdown_have_the_rows_of_the_table(seedbed: Command, sweep: Path) -> None:
    words = ["confirm", sweep, "--top", 2, "--seeds", 6, "--test", "hydra.sweep.dir=confirmed"]
    result = seedbed(*words, "--json")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert f"sweep: {told['sweep']}" in result.err.splitlines()
    assert (told["confirms"], told["seeds"]) == (str(sweep), [*range(7, 13)])
    compared = json.loads(seedbed("compare", told["sweep"], "--json").out)
    keys = ["optimizer.lr", "model.hidden"]
    means = results(sweep).groupby(keys)["val/loss"].mean()
    for row, other in zip(told["settings"], compared["settings"], strict=True):
        lr, hidden = (row["settings"][key] for key in keys)
        assert row.pop("chosen_at") == pytest.approx(means[lr, str(hidden)])
        numbers = ("n", "mean", "std", "interval", "against_best")
        assert [row[name] for name in numbers] == [other[name] for name in numbers]
    assert told["verdict"] == compared["verdict"]
    best = told["settings"][0]["runs"]
    values = [run["metrics"]["test/loss"] for run in best]
    assert (told["test"]["metric"], told["test"]["n"]) == ("test/loss", 6)
    assert told["test"]["mean"] == pytest.approx(np.mean(values))
    assert told["test"]["std"] == pytest.approx(np.std(values, ddof=1))

    csv = seedbed(*words[:-1], "hydra.sweep.dir=again", "--csv")
    rows = pd.read_csv(io.StringIO(csv.out))
    assert rows["mean"].tolist() == pytest.approx([row["mean"] for row in told["settings"]])
    assert {"model.hidden", "optimizer.lr", "chosen_at", "n", "p_holm"} <= set(rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "'nope' is no sweep: it has no sweep.json"),
        (["sweep/00_model.hidden=4-_optimizer.lr=0.01_seed=0"], "is no sweep"),
        (["sweep", "--top", "0"], "top must be an integer >= 1, got 0"),
        (["sweep", "--seeds", "-3"], "seeds must be an integer >= 1, got -3"),
        (["sweep", "--seeds", "many"], "invalid int value"),
        (["sweep", "optimizer.lr=1"], "the settings are trained as they are"),
        (["sweep", "--metric", "val/los"], "did you mean 'val/loss'?"),
        (["sweep", "hydra.sweep.dir=sweep"], "sweep"),
    ],
    ids=["nothing", "run", "top", "seeds", "number", "override", "metric", "occupied"],
)
def test_bad_input_is_told(seedbed: Command, sweep: Path, words: list[str], said: str) -> None:
    assert said in refused(seedbed, *words)


def test_what_changed_since_is_not_confirmed(seedbed: Command, sweep: Path) -> None:
    told = json.loads((sweep / "sweep.json").read_text())
    for job in told["jobs"]:
        job["identity"] = "0" * 16
    (sweep / "sweep.json").write_text(json.dumps(told))
    assert "is not what it was when it was trained" in refused(seedbed, sweep)


def test_a_job_that_was_trained_for_longer_is_no_job_of_the_sweep(seedbed: Command) -> None:
    first = seedbed("train", "-m", "optimizer.lr=1e-4,1e-3", "seed=0,1", "trainer.epochs=2")
    for run in first.sweep.glob("*lr=0.001*"):
        assert seedbed("resume", run, "trainer.epochs=4").code == 0
    said = refused(seedbed, first.sweep, "--seeds", 2)
    assert "was trained with trainer.epochs=4, and the sweep's sweep.json asks for 2" in said
    assert len(list(Path("outputs/sum").iterdir())) == 1


NET = """
from pathlib import Path
from torch import nn
class Net(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)
        self.batches = 0
    def forward(self, rows):
        self.batches += 1
        if Path("break").exists() and self.batches > 2:
            raise RuntimeError("no more")
        return super().forward(rows)
"""


def test_a_confirmation_of_which_nothing_came_says_where_it_is(
    seedbed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.py").write_text(NET)
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.setenv("SEEDBED_ALLOW", "mine")
    first = seedbed("train", "-m", "model._target_=mine.Net", "seed=0,1", "trainer.epochs=2")
    assert first.code == 0, first.err
    Path("break").touch()
    result = seedbed("confirm", first.sweep, "--seeds", 2, "hydra.sweep.dir=after")
    assert result.code == 1
    assert "note: nothing came of it that can be compared: " in result.err
    assert "2 of 2 jobs did not complete:\n" in result.out
    assert "to run these again: seedbed resume after\nsweep: after\n" in result.out
    told = seedbed("confirm", first.sweep, "--seeds", 2, "hydra.sweep.dir=again", "--json")
    assert (told.code, told.out) == (1, "")
    assert "sweep: again\n" in told.err


@pytest.mark.parametrize("word", ["hydra.run.dir=x", "name=${oc.env:HOME}"])
def test_overrides_of_strangers_are_refused(seedbed: Command, sweep: Path, word: str) -> None:
    told = json.loads((sweep / "sweep.json").read_text())
    for job in told["jobs"]:
        job["overrides"].append(word)
    (sweep / "sweep.json").write_text(json.dumps(told))
    assert "not taken from a sweep's own files" in refused(seedbed, sweep)
    assert not Path("x").exists()


def test_classes_that_a_stranger_allows_are_refused(seedbed: Command, sweep: Path) -> None:
    Path("evil.py").write_text("open('canary', 'w')\nclass Net: ...\n")
    told = json.loads((sweep / "sweep.json").read_text())
    for job in told["jobs"]:
        job["overrides"] += ["allow=[evil]", "model._target_=evil.Net"]
    (sweep / "sweep.json").write_text(json.dumps(told))
    assert "the sweep names classes of evil, which is not allowed" in refused(seedbed, sweep)
    assert not Path("canary").exists()


def test_a_sweep_of_which_nothing_came_is_refused(seedbed: Command, sweep: Path) -> None:
    for path in sweep.glob("*/status.json"):
        path.write_text(json.dumps({"status": "failed"}))
    assert "no job of" in refused(seedbed, sweep)


def test_the_test_rows_of_the_best_alone_are_told(seedbed: Command, sweep: Path) -> None:
    words = ["--top", 2, "--seeds", 2, "--metric", "val/accuracy", "--test"]
    result = seedbed("confirm", sweep, *words, "hydra.sweep.dir=confirmed")
    assert result.code == 0, result.err
    said = [line for line in result.out.splitlines() if line.startswith("test/")]
    assert len(said) == 1
    assert result.out.count("test/") == 1, "of another setting, or while they train"
    assert "val/accuracy" in result.out.splitlines()[0]  # of a job
    after = results(result.sweep).groupby(["optimizer.lr", "model.hidden"])
    best = after["val/accuracy"].mean().idxmax()
    assert float(re.search(r": (\S+) ", said[0])[1]) == pytest.approx(
        after["test/accuracy"].mean()[best], rel=1e-4
    )
    assert np.isfinite(after["val/accuracy"].mean()).all()


def test_in_python_a_sweep_is_confirmed(sweep: Path) -> None:
    confirmed = seedbed_in_python.confirm(sweep, "hydra.sweep.dir=confirmed", top=1, seeds=2)
    assert [run.config["seed"] for run in confirmed] == [7, 8]
    assert confirmed.path == Path("confirmed").absolute()
    (row,) = seedbed_in_python.runs(confirmed.path).compare().rows
    assert row["n"] == 2
    with pytest.raises(ArgumentError, match=r"top must be an integer >= 1, got 1\.5"):
        seedbed_in_python.confirm(sweep, top=1.5)  # type: ignore[arg-type]


def test_a_sweep_of_rows_in_memory_needs_them_again() -> None:
    rows = {"x": np.arange(40.0), "y": 2 * np.arange(40.0)}
    words = ["optimizer.lr=1e-4,1e-3", "seed=0,1", "trainer.epochs=2"]
    first = seedbed_in_python.sweep(*words, data=rows, target="y", directory="first")
    with pytest.raises(DataError, match=r"in Python, type seedbed\.confirm\(.*, data=rows\)"):
        seedbed_in_python.confirm(first, seeds=2)
    confirmed = seedbed_in_python.confirm(first, "hydra.sweep.dir=again", top=1, seeds=2, data=rows)
    assert [run.status for run in confirmed] == ["completed"] * 2
    assert [run.config["seed"] for run in confirmed] == [2, 3]


def test_test_rows_that_the_seed_draws_are_no_clean_test(seedbed: Command) -> None:
    words = ["data=sklearn", "data.dataset=iris", "trainer.epochs=1", "optimizer.lr=0.1,0.2"]
    first = seedbed("train", "-m", *words, "seed=0,1", "hydra.sweep.dir=first")
    assert first.code == 0, first.err
    result = seedbed("confirm", "first", "--seeds", 2, "--test", "hydra.sweep.dir=again")
    assert "note: the seed draws the test rows too" in result.err
