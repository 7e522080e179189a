"""Jobs of a sweep are ranked by what can compare them, and never across different rows."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error, r2_score
from support.command_line import Command

from seedbed.analysis.jobs_over_seeds import over_seeds
from seedbed.analysis.jobs_ranked import ranked
from seedbed.analysis.leader import Leader
from seedbed.cli.sweep_tables import best_folder, tables
from seedbed.sweep.outcome import JobState
from seedbed.sweep.yardstick import note_basis

TABLE = [
    "data=csv", "data.path=train.csv", "data.validation_path=rest.csv", "data.target=y",
    "data.split={validation:0,test:0,stratify:false}", "optimizer=adam", "optimizer.lr=0.02",
    "loader.batch_size=16", "trainer.epochs=40", "model.hidden=[8]",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _tables(tmp_path: Path) -> None:
    """Rows whose target is small, so that a loss in its own unit is small for any model."""
    random = np.random.default_rng(0)
    x = random.normal(size=(90, 2))
    y = 1e-3 * (x[:, 0] - 2 * x[:, 1]) + 0.01
    kind = np.where(y + 5e-4 * random.normal(size=90) > 0.01, "up", "down")
    lines = [f"{a},{b},{c:.9f},{k}" for (a, b), c, k in zip(x, y, kind, strict=True)]
    for name, part in (("train", lines[:60]), ("rest", lines[60:])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["a,b,y,kind", *part]) + "\n")


def results(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def predictions(seedbed: Command, run: Path) -> list[Any]:
    told = seedbed("predict", run, "--file", "rest.csv", "--json")
    assert told.code == 0, told.err
    return json.loads(told.out)["predictions"]


def held_out(column: str) -> list[str]:
    with Path("rest.csv").open(newline="") as file:
        return [row[column] for row in csv.DictReader(file)]


@pytest.mark.parametrize("fuse", ["always", "never"])
@pytest.mark.parametrize(
    "word", ["data.standardize=true,false", "loss=mse,l1,huber", "loss=huber loss.delta=0.1,1"]
)
def test_the_first_is_the_best_by_scikit_learn(seedbed: Command, word: str, fuse: str) -> None:
    words = [*TABLE, "data.features=[a,b]", "seed=1,2", *word.split(), f"sweep.fuse={fuse}"]
    result = seedbed("train", "-m", *words)
    if "always" in words[-1] and result.code == 2:  # each kind of job is alone with its seeds
        pytest.fail(result.err)
    told = results(result.sweep)
    y = np.array(held_out("y"), dtype=float)
    oracle = {}
    for row in told:
        predicted = np.array(predictions(seedbed, result.sweep / row["directory"])).ravel()
        oracle[row["directory"]] = mean_squared_error(y, predicted)
        for metric, measure in (
            ("mse", mean_squared_error),
            ("mae", mean_absolute_error),
            ("r2", r2_score),
        ):
            assert float(row[f"val/{metric}"]) == pytest.approx(measure(y, predicted), rel=1e-3)
    by_loss = min(told, key=lambda row: float(row["val/loss"]))["directory"]
    best = min(oracle, key=lambda name: oracle[name])
    assert re.search(rf"^ +1  {re.escape(best)} ", result.out, re.M), result.out
    assert f"best run: {result.sweep.relative_to(result.folder)}/{best}" in result.out
    assert (
        "jobs by val/mse, in the target's own unit, as val/loss cannot compare jobs whose"
        in result.out
    )
    if word != "loss=huber loss.delta=0.1,1":
        assert by_loss != best, "the case does not tell the two apart"
    assert "best " not in result.out.split("jobs by")[0] or "val/loss" not in re.findall(
        r"best \S+ (\S+)", result.out.split("jobs by")[0]
    )


def test_classes_are_compared_by_accuracy(seedbed: Command) -> None:
    words = ["data.target=kind", "data.features=[a,b]", "loss=cross_entropy", "trainer.epochs=15"]
    result = seedbed("train", "-m", *TABLE, *words, "loss.label_smoothing=0,0.3")
    assert result.code == 0, result.err
    assert (
        "2 jobs by val/accuracy, as val/loss cannot compare jobs whose loss.label_smoothing differ"
        in result.out
    )
    for row in results(result.sweep):
        predicted = predictions(seedbed, result.sweep / row["directory"])
        assert float(row["val/accuracy"]) == pytest.approx(
            accuracy_score(held_out("kind"), predicted)
        )


def test_standardizing_features_of_classes_leaves_the_loss_as_it_is(seedbed: Command) -> None:
    words = ["data.target=kind", "data.features=[a,b]", "trainer.epochs=2"]
    result = seedbed("train", "-m", *TABLE, *words, "data.standardize=true,false")
    assert "2 jobs by val/loss:" in result.out


DIABETES = ["data=sklearn", "data.dataset=diabetes", "trainer.epochs=2", "loader.batch_size=64"]


def test_rows_that_the_seed_draws_are_not_mixed(seedbed: Command) -> None:
    words = [*DIABETES, "seed=1,2", "optimizer.lr=0.01,0.001"]
    drawn = seedbed("train", "-m", *words)
    assert (
        "4 jobs are measured on rows of their own (seed), ranked only with their like" in drawn.out
    )
    assert "rank  folder" not in drawn.out
    assert "best run" not in drawn.out
    assert "data.split.seed=0" in drawn.out
    told = results(drawn.sweep)
    assert len({row["rows"] for row in told}) == 2
    means = {}
    for row in told:
        means.setdefault(row["optimizer.lr"], []).append(float(row["val/loss"]))
    best = min(means, key=lambda rate: np.mean(means[rate]))
    assert re.search(rf"^ +1 +{best} +{np.mean(means[best]):.5g} ", drawn.out, re.M), drawn.out
    fixed = seedbed("train", "-m", *words, "data.split.seed=7")
    assert "4 jobs by val/loss:" in fixed.out
    assert len({row["rows"] for row in results(fixed.sweep)}) == 1


def test_equal_names_of_rows_are_equal_rows(seedbed: Command) -> None:
    """The name in `results.csv` against the rows themselves, as the run's environment has them."""
    words = [*DIABETES, "sweep.fuse=never", "seed=1,2", "data.split.seed=null,1"]
    sweep = seedbed("train", "-m", *words).sweep
    by_name: dict[str, set[str]] = {}
    for row in results(sweep):
        made_with = json.loads((sweep / row["directory"] / "environment.json").read_text())
        by_name.setdefault(row["rows"], set()).add(made_with["data"]["sha256"])
    assert [len(one) for one in by_name.values()] == [1, 1]
    assert len(set.union(*by_name.values())) == 2


def test_two_files_are_two_tables(seedbed: Command) -> None:
    words = [*TABLE[:1], "data.path=train.csv,rest.csv", *TABLE[3:], "data.features=[a,b]"]
    words += ["trainer.epochs=1", "optimizer.lr=0.01,0.02"]
    words = [word.replace("validation:0,", "validation:0.2,") for word in words]
    result = seedbed("train", "-m", *words)
    assert result.code == 0, result.err
    assert "measured on rows of their own (data.path), ranked only with their like" in result.out
    assert len(re.findall(r"^\d_\S+ +(?:train|rest)\.csv", result.out, re.M)) == 2


def test_without_validation_rows_losses_of_one_kind_are_compared(seedbed: Command) -> None:
    result = seedbed("train", "-m", "loss=mse,l1", "optimizer.lr=1e-3,2e-3", "trainer.epochs=2")
    assert "4 jobs have losses in different units, and no validation rows" in result.out
    assert "data.split.validation=0.2" in result.out


def record(number: int, words: list[str], metrics: dict[str, float], /, **plain: Any) -> JobState:
    made = JobState(number, words, f"{number}_{'_'.join(words)}", "", "completed", metrics=metrics)
    data = {"path": "a.csv", "standardize": False, "split": {"validation": 0.2, "test": 0.2}}
    config = {
        "seed": 0,
        "trainer": {},
        "loader": {},
        "loss": {"_target_": "torch.nn.MSELoss"},
        "data": {**data, **plain.pop("data", {})},
    }
    note_basis([made], [{**config, **plain}])
    return made


def test_jobs_whose_steps_differ_are_not_ranked_by_what_these_give() -> None:
    def of_steps(*steps: Any) -> str:
        metrics = {"val/loss": 1.0, "val/mse": 1.0}
        made = [record(n, [f"n={n}"], metrics, step=step) for n, step in enumerate(steps)]
        return ranked(made, "auto").metric

    own = {"_target_": "mine.sparse", "higher_is_better": None, "strength": 0.0}
    none = {"_target_": None, "higher_is_better": None}
    assert of_steps(own, {**own, "strength": 0.5}) == "val/mse"
    assert of_steps(own, none) == of_steps(own, None) == "val/mse"
    assert of_steps(own, {**own, "higher_is_better": {"fit": False}}) == "val/loss"
    assert of_steps(none, None) == "val/loss"


WORST = {"_target_": "mine.worst", "name": "FBetaScore", "rows": 1}


@pytest.mark.parametrize(
    ("some", "others", "alike"),
    [
        ([{"FBetaScore": {"beta": 1.0}}], [{"FBetaScore": {"beta": 4.0}}], False),
        ([{"FBetaScore": {"beta": 1.0}}], [{"FBetaScore": {"beta": 1}}, "Recall"], True),
        ([{"_target_": "torchmetrics.FBetaScore", "beta": 2}], [{"FBetaScore": {"beta": 2}}], True),
        ([WORST], [{**WORST, "rows": 2}], False),
        ([WORST], [{"FBetaScore": {"rows": 1}}], False),
        ([WORST], [{**WORST, "higher_is_better": False}], True),
    ],
    ids=["arguments", "another_beside", "long_name", "own_arguments", "own", "direction"],
)
def test_metrics_of_one_name_compare_where_they_are_made_alike(
    some: list[Any], others: list[Any], alike: bool
) -> None:
    values = {"val/FBetaScore": 0.5, "val/loss": 1.0}
    made = [
        record(number, [f"metrics={kind}", f"n={number % 2}"], values, metrics=entries)
        for number, (kind, entries) in enumerate([("a", some)] * 2 + [("b", others)] * 2)
    ]
    assert [len(one) for one in ranked(made, "val/FBetaScore").groups] == ([4] if alike else [2, 2])
    assert len(ranked(made, "val/loss").groups) == 1
    leader = Leader("val/FBetaScore", made)
    for one in made:
        leader.take(one)
    assert bool(leader.folder) == bool(best_folder(made, "val/FBetaScore")) == alike
    said = tables(made, "val/FBetaScore")
    assert ("4 jobs have val/FBetaScore in different units (metrics), ranked" in said) != alike
    assert "data.split.validation" not in said


def test_the_text_of_a_loss_stays_what_sweeps_that_go_on_have_in_their_list() -> None:
    """Their complete jobs keep it; with another text the others could not be ranked with them."""
    records = [record(number, [], {}) for number in range(2)]
    losses: list[dict[str, Any]] = [
        {"_target_": None},
        {"_target_": "torch.nn.CrossEntropyLoss", "class_weights": "auto"},
    ]
    data = {"split": {"test": 0.2}, "validation_path": "own.csv"}
    whole = {"data": data, "seed": 3, "trainer": {}, "loader": {}}
    note_basis(records, [{**whole, "loss": loss} for loss in losses])
    assert [one.loss for one in records] == [
        "None 27b8bfbe",
        "torch.nn.CrossEntropyLoss f6db3a4c-3",
    ]


def test_jobs_are_told_where_they_differ_in_rows_and_in_units() -> None:
    made = [
        record(
            number,
            [f"metrics={beta}", f"data.split.seed={seed}"],
            {"val/FBetaScore": 0.5},
            metrics=[{"FBetaScore": {"beta": beta}}],
            data={"split": {"validation": 0.2, "test": 0.2, "seed": seed}},
        )
        for number, (beta, seed) in enumerate([(1.0, 1), (1.0, 2), (4.0, 1), (4.0, 2)])
    ]
    said = tables(made, "val/FBetaScore")
    assert "rows of their own, and in different units (metrics, data.split.seed), not" in said


def test_metrics_of_levels_compare_where_the_levels_are_one() -> None:
    def groups(*levels: list[float]) -> int:
        made = [
            record(n, [f"n={n}"], {"val/pinball": 0.5}, loss={"_target_": "Q", "quantiles": one})
            for n, one in enumerate(levels)
        ]
        return len(ranked(made, "val/pinball").groups)

    assert (groups([0.1, 0.9], [0.1, 0.9]), groups([0.1, 0.9], [0.4, 0.6])) == (1, 2)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.sampled_from(["a", "b"]), st.booleans(),
            st.sampled_from(["MSELoss", "L1Loss"]), st.floats(0, 10), st.floats(0, 10),
        ),
        min_size=2, max_size=12,
    )
)  # fmt: skip
def test_no_two_jobs_are_ranked_that_cannot_be_compared(jobs: list[tuple[Any, ...]]) -> None:
    made = [
        record(
            number, [f"seed={seed}", f"data.path={path}", f"n={number}"],
            {"val/loss": loss, "val/mse": mse, "val/mae": mse}, seed=seed,
            loss={"_target_": f"torch.nn.{kind}"}, data={"path": path, "standardize": scaled},
        )
        for number, (seed, path, scaled, kind, loss, mse) in enumerate(jobs)
    ]  # fmt: skip
    ranking = ranked(made, "auto")
    kinds = {(kind, scaled) for _, _, scaled, kind, _, _ in jobs}
    for group in ranking.groups:
        assert len({jobs[one.job.number][:2] for one in group}) == 1
        (name,) = {one.metric.name for one in group}
        assert (name == "val/loss") == (len(kinds) == 1)
        values = [one.value for one in group]
        assert values == sorted(values)
    assert len(ranking.jobs) == len(jobs)
    leader = Leader("auto", made)
    for one in made:
        leader.take(one)
    assert leader.folder == (best_folder(made, "auto") or "")


def test_settings_are_compared_on_the_same_seeds_only() -> None:
    values = {
        ("1e-3", 1): 1.0,
        ("1e-3", 2): 2.0,
        ("1e-2", 1): 3.0,
        ("1e-2", 2): 4.0,
        ("1e-1", 1): 0.5,
    }
    made = [
        record(n, [f"optimizer.lr={rate}", f"seed={seed}"], {"val/loss": value}, seed=seed)
        for n, ((rate, seed), value) in enumerate(values.items())
    ]
    whole, part = over_seeds(ranked(made, "auto"))
    assert [one.settings["optimizer.lr"] for one in whole.found] == ["1e-3", "1e-2"]
    assert [one.settings["optimizer.lr"] for one in part.found] == ["1e-1"]
    said = tables(made, "auto")
    assert "others, with rows that those have not: val/loss over seeds" in said
    assert re.search(r"^ +- +1e-1 +0\.5", said, re.M)


def test_a_folder_is_shown_whole_however_long() -> None:
    names = [f"{'x' * 70}={n}" for n in range(3)]
    made = [record(n, [name], {"val/loss": float(n)}) for n, name in enumerate(names)]
    said = tables(made, "auto")
    assert all(one.directory in said for one in made)
    assert "…" not in said


def test_strangers_facts_of_another_kind_are_damage(seedbed: Command) -> None:
    sweep = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1").sweep
    told = json.loads((sweep / "sweep.json").read_text())
    for key, must in (("metric_units", "be texts by name"), ("rows", "be a text")):
        told["jobs"][0][key] = ["a"]
        (sweep / "sweep.json").write_text(json.dumps(told))
        result = seedbed("resume", sweep)
        assert (result.code, f"{key} of a job must {must}" in result.err) == (2, True)
        told["jobs"][0][key] = {}
