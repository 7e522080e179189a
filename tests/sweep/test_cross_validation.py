"""A sweep over folds: trains together, each run by its own rows, and is told over its folds."""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.command_line import Command, as_in_a_process_of_its_own, in_this_process

FOLDS = ["data=sklearn", "data.dataset=iris", "data.split.test=0.1", "data.folds=4"]
FOLDS += ["optimizer=adam", "trainer.epochs=4", "loader.batch_size=16", "sweep.workers=0"]
SWEPT = [
    "sweep.compile=never",
    "data.fold=range(0,4)",
    "optimizer.lr=0.01,0.03",
    "seed=1,2",
    "sweep.fuse=always",
]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("folds") / "sweep"
    with as_in_a_process_of_its_own(where.parent):
        result = in_this_process("train", "-m", *FOLDS, *SWEPT, f"hydra.sweep.dir={where}")
    assert result.code == 0, result.err
    (where / "said").write_text(result.out)
    return where


def history(run: Path) -> np.ndarray:
    with (run / "history.csv").open() as file:
        rows = list(csv.reader(file))[1:]
    return np.array([[float(cell) for cell in row[2:5]] for row in rows])


def test_all_jobs_train_together_in_stacks_of_equally_many_rows(swept: Path) -> None:
    results = [json.loads(path.read_text()) for path in swept.glob("*/result.json")]
    assert len(results) == 16
    assert {one["engine"] for one in results} == {"fused"}
    groups: dict[int, set[int]] = {}
    for job in json.loads((swept / "sweep.json").read_text())["jobs"]:
        environment = json.loads((swept / job["directory"] / "environment.json").read_text())
        rows = environment["data"]["rows"]
        groups.setdefault(job["group"], set()).add(rows["train"])
        assert rows["test"] == 15
    assert all(len(rows) == 1 for rows in groups.values())
    assert {rows for one in groups.values() for rows in one} == {101, 102}


def test_a_run_of_a_stack_is_the_run_on_its_own(
    seedbed: Command, swept: Path, tmp_path: Path
) -> None:
    words = ["data.fold=2", "optimizer.lr=0.03", "seed=2"]
    alone = seedbed("train", *FOLDS, *words, f"hydra.run.dir={tmp_path / 'run'}").run
    (stacked,) = swept.glob("*data.fold=2_optimizer.lr=0.03_seed=2")
    np.testing.assert_allclose(history(stacked), history(alone), rtol=1e-4)
    fitted = [json.loads((run / "preprocessing.json").read_text()) for run in (stacked, alone)]
    assert fitted[0] == fitted[1]


def test_each_fold_has_scales_of_its_own(swept: Path) -> None:
    means = Counter()
    for path in swept.glob("*seed=1/preprocessing.json"):
        means[json.loads(path.read_text())["features"][0]["mean"]] += 1
    assert len(means) == 4


def test_the_end_tells_the_mean_and_the_deviation_over_folds(swept: Path) -> None:
    said = (swept / "said").read_text()
    assert "val/loss over seeds and folds, with the standard deviation" in said
    assert "8 folds in common" in said


def test_compare_takes_folds_for_repetitions(seedbed: Command, swept: Path) -> None:
    found = json.loads(seedbed("compare", swept, "--json").out)
    assert found["over"] == ["seed", "data.fold"]
    assert [one["n"] for one in found["settings"]] == [8, 8]
    assert found["verdict"]["n"] == 8
    assert "corrected resampled t-test" in found["notes"][-1]
    values = [run["value"] for run in found["settings"][0]["runs"]]
    assert found["settings"][0]["mean"] == pytest.approx(np.mean(values))
    assert found["settings"][0]["std"] == pytest.approx(np.std(values, ddof=1))


def test_one_fold_alone_is_compared_over_seeds(seedbed: Command, swept: Path) -> None:
    told = seedbed("compare", swept, "--filter", "data.fold=1", "--json")
    found = json.loads(told.out)
    assert found["over"] == ["seed"]
    assert [one["n"] for one in found["settings"]] == [2, 2]


def test_confirm_trains_all_folds_again(seedbed: Command, swept: Path, tmp_path: Path) -> None:
    words = ["--seeds", "1", "--top", "1", f"hydra.sweep.dir={tmp_path / 'again'}"]
    result = seedbed("confirm", swept, *words)
    assert result.code == 0, result.err
    assert len(list((tmp_path / "again").glob("*data.fold=*"))) == 4


def test_folds_of_whole_groups_train_with_their_like(seedbed: Command, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    lines = [f"{'abcdef'[min(5, at // 7)]},{draw.normal():.4f},{at % 3}" for at in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["g,x,y", *lines, ""]))
    words = ["data=csv", f"data.path={tmp_path / 'rows.csv'}", "data.target=y", "data.split.by=g"]
    words += ["data.task=regression", "data.split.test=0", "data.folds=3", "data.fold=0,1,2"]
    words += ["optimizer.lr=0.01,0.02", "trainer.epochs=1", "sweep.workers=0", "sweep.fuse=always"]
    words += ["sweep.compile=never"]
    sweep = seedbed("train", "-m", *words, f"hydra.sweep.dir={tmp_path / 'sweep'}").sweep
    results = [json.loads(path.read_text()) for path in sweep.glob("*/result.json")]
    assert [one["engine"] for one in results] == ["fused"] * 6
    jobs = json.loads((sweep / "sweep.json").read_text())["jobs"]
    assert len({job["group"] for job in jobs}) > 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["data.folds=4"], "data.folds=4 needs the fold that validates: type data.fold=0"),
        (["data.fold=1"], "data.fold=1 is a fold of none"),
        (["data.folds=4", "data.fold=4"], "data.fold must be from 0 to 3 with data.folds=4, got 4"),
        (["data.folds=1", "data.fold=0"], "data.folds must be a whole number >= 2"),
        (["data.folds=500", "data.fold=0"], "data.folds=500 are more than the 120 rows"),
        (
            ["data.folds=4", "data.fold=0", "data.split.validation=0.1"],
            "data.split.validation=0.1 changes nothing beside data.folds",
        ),
        (["data.split.by=a", "data.split.time=b"], "cannot both hold"),
        (["data.split.by=nothing"], "data.split.by: no column 'nothing'"),
        (
            ["data.split.by=a", "data.split.validation=0", "data.split.test=0"],
            "data.split.by=a changes nothing, as data.split.validation and data.split.test take",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(seedbed: Command, words: list[str], told: str) -> None:
    result = seedbed("train", "data=sklearn", "data.dataset=iris", *words)
    assert result.code == 2
    (error,) = result.errors
    assert told in error


def test_a_fold_out_of_range_stops_the_sweep_before_its_first_job(
    seedbed: Command, tmp_path: Path
) -> None:
    where = tmp_path / "sweep"
    swept = ["data.fold=range(0,5)", f"hydra.sweep.dir={where}"]
    result = seedbed("train", "-m", *FOLDS, *swept)
    assert result.code == 2
    assert "data.fold must be from 0 to 3" in result.err
    assert not where.exists()
