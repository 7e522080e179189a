"""`seedbed compare`: its numbers are those of pandas, scipy and statsmodels on `results.csv`."""

import csv
import io
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
import yaml
from scipy import stats
from statsmodels.stats.anova import anova_lm
from support.command_line import Command
from support.hostile.corpus import ATTACKS, Place
from support.hostile.files import FILES

from seedbed.analysis.runs_compared import Request, compare_runs
from seedbed.api.run_comparison import RunComparison
from seedbed.catalog.table import table_of

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")

SEEDS = 7


@pytest.fixture
def results(iris_sweep: Path) -> pd.DataFrame:
    table = pd.read_csv(iris_sweep / "results.csv")
    return table.rename(columns=lambda name: re.sub(r"\W", "_", name))


def told(seedbed: Command, *words: object) -> dict[str, Any]:
    result = seedbed("compare", *words, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def refused(seedbed: Command, *words: object) -> str:
    result = seedbed("compare", *words)
    assert result.code == 2
    assert len(result.errors) == len(result.err.splitlines()) == 1
    return result.errors[0]


def values_of(row: dict[str, Any], metric: str) -> np.ndarray[Any, Any]:
    by_seed = {run["settings"]["seed"]: run["metrics"][metric] for run in row["runs"]}
    return np.array([by_seed[seed] for seed in sorted(by_seed)])


@pytest.mark.parametrize(("metric", "unit"), [("val/loss", 1), ("val/accuracy", 1 / 30)])
def test_the_numbers_are_pandas_and_scipys(
    seedbed: Command, iris_sweep: Path, results: pd.DataFrame, metric: str, unit: float
) -> None:
    """Accuracies are counted in rows: scipy's ends hang on rounding where means are tied."""
    found = told(seedbed, iris_sweep, "--metric", metric)
    column = metric.replace("/", "_")
    groups = results.groupby(["optimizer_lr", "model_hidden"])[column]
    ascending = metric == "val/loss"
    assert found["keys"] == ["model.hidden", "optimizer.lr"]
    means = [row["mean"] for row in found["settings"]]
    assert means == pytest.approx(groups.mean().sort_values(ascending=ascending).tolist())
    for row in found["settings"]:
        rate, hidden = row["settings"]["optimizer.lr"], row["settings"]["model.hidden"]
        values = groups.get_group((rate, str(hidden))).to_numpy()
        assert (row["n"], row["std"]) == (SEEDS, pytest.approx(values.std(ddof=1)))
        counted = values if unit == 1 else (values / unit).round()
        interval = np.array(
            stats.bootstrap(
                (counted,), np.mean, method="BCa", rng=np.random.default_rng(0)
            ).confidence_interval
        )
        if np.isfinite(interval).all():
            assert row["interval"] == pytest.approx(interval * unit, rel=1e-9)
        else:
            assert row["interval"] is None


def test_best_epochs_can_be_compared(seedbed: Command, iris_sweep: Path) -> None:
    found = told(seedbed, iris_sweep, "--metric", "best.val/loss")
    assert found["higher_is_better"] is False
    for row in found["settings"]:
        best = [
            json.loads((Path(run["run"]) / "result.json").read_text())["best"]
            for run in row["runs"]
        ]
        assert row["mean"] == pytest.approx(np.mean([one["val/loss"] for one in best]))


def test_the_verdict_is_that_of_all_signs(seedbed: Command, iris_sweep: Path) -> None:
    found = told(seedbed, iris_sweep)
    first, second = (values_of(row, "val/loss") for row in found["settings"][:2])
    test = stats.permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples", vectorized=False
    )
    said = found["verdict"]
    assert said["p"] == pytest.approx(test.pvalue)
    assert said["difference"] == pytest.approx((first - second).mean())
    won = np.mean([a < b for a in first for b in second])
    assert said["superiority"] == pytest.approx(won)
    assert said["words"] in ("better", "not shown")
    assert said["better"] == (said["words"] == "better")


def test_what_mattered_is_statsmodels(
    seedbed: Command, iris_sweep: Path, results: pd.DataFrame
) -> None:
    formula = "val_loss ~ C(optimizer_lr) * C(model_hidden)"
    squares = anova_lm(smf.ols(formula, results).fit(), typ=2)["sum_sq"]
    rate, hidden, both, noise = squares / squares.sum()
    found = told(seedbed, iris_sweep)["importance"]
    shares = {tuple(one["keys"]): one["share"] for one in found["shares"]}
    assert shares == pytest.approx(
        {("optimizer.lr",): rate, ("model.hidden",): hidden, ("model.hidden", "optimizer.lr"): both}
    )
    assert found["noise"] == pytest.approx(noise)


def test_the_table_names_the_best_and_says_how_sure_it_is(
    seedbed: Command, iris_sweep: Path
) -> None:
    lines = seedbed("compare", iris_sweep, "--limit", 2).out.splitlines()
    assert lines[0] == "6 settings over seed by val/loss (lower is better):"
    assert lines[1].split() == [
        "rank", "model.hidden", "optimizer.lr", "n", "mean", "±", "std", "95", "%", "interval",
        "p", "(Holm)",
    ]  # fmt: skip
    assert lines[4] == "and 4 more; --limit 0 shows all"
    assert re.fullmatch(r"verdict: (better|not shown): .+ against the next, .+", lines[5])
    assert lines[7].startswith("what mattered: ")


@pytest.mark.parametrize("flag", ["--csv", "--md"])
def test_every_form_has_every_row(seedbed: Command, iris_sweep: Path, flag: str) -> None:
    lines = seedbed("compare", iris_sweep, flag).out.splitlines()
    assert len(lines) == {"--csv": 7, "--md": 8}[flag]
    if flag == "--csv":
        rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
        assert [float(row["mean"]) for row in rows] == pytest.approx(
            [row["mean"] for row in told(seedbed, iris_sweep)["settings"]]
        )


def test_side_by_side_each_run_has_a_row(
    seedbed: Command, iris_sweep: Path, results: pd.DataFrame
) -> None:
    found = told(seedbed, iris_sweep, "--over", "none")
    assert found["keys"] == ["model.hidden", "optimizer.lr", "seed"]
    best = results.sort_values("val_loss")["directory"].tolist()
    assert [Path(run["run"]).name for run in found["runs"]] == best
    assert found["verdict"] is None
    lines = seedbed("compare", iris_sweep, "--over", "none").out.splitlines()
    assert lines[2].split()[:2] == ["1", best[0]]


def test_runs_of_one_seed_each_are_told_to_be_few(seedbed: Command, iris_sweep: Path) -> None:
    result = seedbed("compare", *iris_sweep.glob("*seed=3"))
    out, err = result.out, result.err
    assert out.startswith("6 runs by val/loss")
    assert "every setting has one run, and nothing tells how far the seed alone moves" in err
    said = seedbed("compare", *iris_sweep.glob("*seed=3"), "--over", "seed").out
    assert "verdict: not shown: needs 6 seeds or more, has 1: " in said


def test_other_keys_can_be_repetitions(seedbed: Command, iris_sweep: Path) -> None:
    said = seedbed("compare", iris_sweep, "--over", "seed,model.hidden")
    assert (
        "a pair of values of seed and model.hidden; runs that share one of them are not" in said.err
    )
    assert "where a seed is spoken of" not in seedbed("compare", iris_sweep).err
    found = told(seedbed, iris_sweep, "--over", "seed,model.hidden")
    assert found["keys"] == ["optimizer.lr"]
    assert [row["n"] for row in found["settings"]] == [21, 21]


def test_the_end_of_a_sweep_says_the_same(seedbed: Command) -> None:
    words = ["optimizer.lr=0.001,0.002", "seed=range(0,7)", "trainer.epochs=3"]
    result = seedbed("train", "-m", *words)
    lines = result.out.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("verdict: "))
    compared = seedbed("compare", result.sweep).out.splitlines()
    assert compared[-3:] == lines[start : start + 3]
    assert lines[start + 3].startswith("more: seedbed compare ")


def test_config_groups_can_be_repetitions(seedbed: Command) -> None:
    words = ["model=custom,sequential", "optimizer.lr=1e-3,2e-3", "trainer.epochs=1"]
    sweep = seedbed("train", "-m", *words).sweep
    found = told(seedbed, sweep, "--over", "model")
    assert (found["keys"], [row["n"] for row in found["settings"]]) == (["optimizer.lr"], [2, 2])


def test_a_run_by_itself_is_shown(seedbed: Command, sum_run: Path) -> None:
    result = seedbed("compare", sum_run)
    assert result.code == 0
    assert result.out.startswith("1 run by train/loss (lower is better):")
    assert "note: train/loss: as there are no validation rows; " in result.err


def test_in_python(iris_sweep: Path) -> None:
    compared = RunComparison(compare_runs(table_of([iris_sweep]), Request(over=["seed"])))
    frame = compared.to_pandas()
    assert frame["mean"].is_monotonic_increasing
    assert list(frame.columns[:2]) == compared.keys
    assert compared.verdict is not None
    assert compared.importance is not None
    assert repr(compared).splitlines()[1:] == "\n".join(compared.sentences).splitlines()
    assert compared._repr_html_().count("<tr>") == 7


def write_run(
    folder: Path, value: float | None, status: str = "completed", task: str = "regression",
    metric: str = "val/loss", **settings: Any,
) -> None:  # fmt: skip
    """A run directory with what a comparison reads."""
    folder.mkdir(parents=True)
    config: dict[str, Any] = {"seed": 0, "loss": {"_target_": "torch.nn.MSELoss"}}
    for key, setting in settings.items():
        group, _, name = key.partition("__")
        config |= {group: {**config.get(group, {}), name: setting} if name else setting}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "status.json").write_text(json.dumps({"status": status}))
    result = {"status": status, "task": task, "metrics": {metric: value}, "best": {}}
    (folder / "result.json").write_text(json.dumps(result))


def write_settings(folder: Path, means: dict[Any, float], n: int = 8, **settings: Any) -> None:
    random = np.random.default_rng(0)
    for rate, mean in means.items():
        for seed in range(n):
            value = random.normal(mean, 0.1)
            name = f"{len(list(folder.glob('*')))}"
            write_run(folder / name, value, optimizer__lr=rate, seed=seed, **settings)


def test_diverged_and_nan_runs_do_not_help_their_setting(seedbed: Command, tmp_path: Path) -> None:
    write_settings(tmp_path / "runs", {0.1: 1.0, 1.0: 0.5})
    for at, name in enumerate(["8", "9", "10"]):
        path = tmp_path / "runs" / name / "result.json"
        result = json.loads(path.read_text())
        if at:
            result["metrics"]["val/loss"] = None
        else:
            result["status"] = "diverged"
            (path.parent / "status.json").write_text('{"status": "diverged"}')
        path.write_text(json.dumps(result))
    result = seedbed("compare", "runs")
    out = result.out + result.err
    assert out.splitlines()[1].split()[:4] == ["rank", "optimizer.lr", "n", "lost"]
    assert re.search(r"^ +1 +0\.1 +8 +0 ", out, re.M)
    assert re.search(r"^ +2 +1 +5 +3 ", out, re.M)
    assert "note: without val/loss: 1 diverged, 2 completed without a finite value; 1 set" in out
    assert "note: optimizer.lr=1 stands behind, though 5 of its 8 runs have a value" in out
    assert "what mattered: not told, as 3 of 16 runs have no value; 16 runs are too few" in out


def test_runs_that_count_for_nothing_have_no_rank(seedbed: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "runs/a", 0.1, status="interrupted")
    write_run(tmp_path / "runs/b", 0.2)
    write_run(tmp_path / "runs/c", None)
    write_run(tmp_path / "runs/d", 0.3)
    lines = seedbed("compare", "runs").out.splitlines()
    ranks = dict(line.split()[1::-1] for line in lines[2:])
    assert ranks == {"b": "1", "d": "2", "a": "-", "c": "-"}


def test_a_key_that_is_named_twice_counts_once(seedbed: Command, tmp_path: Path) -> None:
    write_settings(tmp_path / "runs", {0.1: 1.0, 1.0: 0.5}, n=2)
    assert seedbed("compare", "runs", "--over", "seed,seed").out.startswith(
        "2 settings over seed by val/loss"
    )


def test_what_cannot_be_compared_is_refused(seedbed: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "tasks/a", 1.0)
    write_run(tmp_path / "tasks/b", 1.0, task="binary")
    said = refused(seedbed, "tasks")
    assert "different tasks: binary ('b'), regression ('a'); name the runs" in said

    write_run(tmp_path / "metrics/a", 1.0)
    write_run(tmp_path / "metrics/b", 1.0, metric="train/loss")
    said = refused(seedbed, "metrics")
    assert "some by train/loss, some by val/loss; they have no metric in common" in said
    assert "val/loss is not in 1 of 2 completed" in refused(
        seedbed, "metrics", "--metric", "val/loss"
    )

    for path in ("a.csv", "b.csv"):
        for seed in (0, 1):
            write_run(tmp_path / f"rows/{path}_{seed}", 1.0, data__path=path, seed=seed)
    said = refused(seedbed, "rows")
    assert "runs of one seed are measured on different rows, as data.path differs" in said
    assert (
        "the runs are measured on rows of their own"
        in seedbed("compare", "rows", "--over", "none").err
    )

    for strength in (0.0, 0.5):
        for seed in (0, 1):
            step = {"step___target_": "mine.sparse", "step__strength": strength}
            write_run(tmp_path / f"steps/{strength}_{seed}", 1.0, seed=seed, **step)
    assert "val/loss is not in one unit, as loss, step, metrics or" in refused(seedbed, "steps")

    for beta in (1.0, 4.0):
        for seed in (0, 1):
            measured = {
                "metric": "val/Fb",
                "metrics": [{"FBetaScore": {"beta": beta, "name": "Fb"}}],
            }
            path = tmp_path / f"betas/{beta}_{seed}"
            write_run(path, 0.5, seed=seed, trainer__monitor="val/Fb", **measured)
    for words in ([], ["--metric", "val/Fb"]):
        said = refused(seedbed, "betas", *words)
        assert (
            "val/Fb is not in one unit, as loss, step, metrics or data.standardize differs" in said
        )
    assert "val/Fb is not in one unit" in seedbed("runs", "betas", "--sort", "val/Fb").err

    for loss in ("MSELoss", "L1Loss"):
        for seed in (0, 1):
            write_run(
                tmp_path / f"loss/{loss}_{seed}", 1.0, loss___target_=f"torch.nn.{loss}", seed=seed
            )
    unit = "val/loss is not in one unit, as loss, step, metrics or data.standardize"
    assert unit in refused(seedbed, "loss")
    said = refused(seedbed, "loss", "--metric", "val/loss")
    assert "val/loss is not in one unit" in said


def test_a_file_that_changed_between_sweeps_is_told(seedbed: Command, tmp_path: Path) -> None:
    for at, (folder, digest) in enumerate({"a": "1", "b": "1", "c": "2"}.items()):
        for seed in (0, 1):
            run = tmp_path / folder / str(seed)
            write_run(run, 1.0 + at, data__path="x.csv", optimizer__lr=at, seed=seed)
            made_with = {"data": {"files": {"x.csv": digest}}}
            (run / "environment.json").write_text(json.dumps(made_with))
    assert seedbed("compare", "a", "b").code == 0
    assert "a data file of the runs changed between them" in refused(seedbed, "a", "b", "c")
    words = ["a/0", "c/1"]  # of different seeds, which are never paired
    assert "a data file of the runs changed" in refused(seedbed, *words, "--over", "seed")
    assert seedbed("compare", "a", "c", "--over", "none").err.count("rows of their own") == 1
    (tmp_path / "c/0/environment.json").unlink()
    (tmp_path / "c/1/environment.json").write_text("{")
    assert seedbed("compare", "a", "b", "c").code == 0  # nothing tells that they differ


def test_a_metric_of_ones_own_needs_a_direction(seedbed: Command, tmp_path: Path) -> None:
    for seed, value in enumerate((0.2, 0.8)):
        write_run(tmp_path / f"runs/{seed}", value, metric="val/kappa", optimizer__lr=seed)
    said = refused(seedbed, "runs", "--metric", "val/kappa")
    assert "type --better higher or --better lower" in said
    for better, first in (("higher", "1"), ("lower", "0")):
        found = told(seedbed, "runs", "--metric", "val/kappa", "--better", better)
        assert Path(found["runs"][0]["run"]).name == first
    write_run(tmp_path / "loss/0", 1.0)
    assert "val/loss is better when it is lower" in refused(seedbed, "loss", "--better", "higher")


def test_choosing_by_test_rows_is_said(seedbed: Command, tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path / f"runs/{seed}", 1.0, metric="test/loss", optimizer__lr=seed)
    assert "test/loss is not" not in seedbed("compare", "runs").out
    out = seedbed("compare", "runs", "--metric", "test/loss").err
    assert "note: test/loss: the test rows chose the best here, and are no test of it" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "no folder 'nope'"),
        (["empty"], "no run to compare: the folder holds none"),
        (["run", "--metric", "val/acuracy"], "no run has 'val/acuracy'; there are train/loss"),
        (["run", "--over", "sede"], "no key 'sede'; did you mean 'seed'?"),
        (["run", "--over", ","], "names no key"),
        (["run", "--limit", "-1"], "a number of rows, or 0 for all, got -1"),
        (["run", "--limit", "1e9"], "invalid int value: '1e9'"),
        (["run", "--filter", "optimizer.lr<"], "filter, at character 14"),
        (["run", "--filter", "seed=77"], "none of 1 run fulfils 'seed=77'"),
        (["run", "--json", "--md"], "not allowed with argument"),
        (["run", "--filter", "seed=0", "--filter", "seed=1"], "--filter: given more than once"),
        ([], "the following arguments are required"),
    ],
    ids=[
        "folder",
        "empty",
        "metric",
        "key",
        "no key",
        "limit",
        "number",
        "filter",
        "nothing left",
        "forms",
        "two filters",
        "nothing",
    ],
)
def test_bad_input_is_told(
    seedbed: Command, tmp_path: Path, sum_run: Path, words: list[str], said: str
) -> None:
    shutil.copytree(sum_run, tmp_path / "run")
    (tmp_path / "empty").mkdir()
    assert said in refused(seedbed, *words)


def test_damaged_and_foreign_folders_are_counted(seedbed: Command, tmp_path: Path) -> None:
    write_settings(tmp_path / "runs", {0.1: 1.0}, n=2)
    (tmp_path / "runs/1/result.json").write_text("{")
    (tmp_path / "runs/theirs").mkdir()
    (tmp_path / "runs/theirs/config.yaml").write_text("a: 1")
    found = told(seedbed, "runs")
    assert len(found["runs"]) == 1
    assert sorted(one["status"] for one in found["left_out"]) == ["broken", "foreign"]
    assert "left out: 2 folders" in found["notes"][-1]
    shutil.rmtree(tmp_path / "runs/0")
    assert "no run to compare: none of 2 folders, such as" in refused(seedbed, "runs")


def test_jobs_that_have_not_begun_are_counted(
    seedbed: Command, tmp_path: Path, iris_sweep: Path
) -> None:
    sweep = Path(shutil.copytree(iris_sweep, tmp_path / "sweep"))
    assert not any("have not begun" in note for note in told(seedbed, sweep)["notes"])
    for path in sweep.glob("*seed=6"):
        shutil.rmtree(path)
    assert f"note: 6 jobs of '{sweep}' have not begun" in seedbed("compare", sweep).err
    some = seedbed("compare", *sweep.glob("*seed=1"))
    assert "6 jobs" in some.err  # those that are not named have begun


HOSTILE = ("=HYPERLINK(1)", "<script>x</script>", "a|b`c`", "\x1b[31mred", "-x", "x" * 500)


def test_hostile_values_stay_text(seedbed: Command, tmp_path: Path) -> None:
    for at, value in enumerate(HOSTILE):
        for seed in (0, 1):
            write_run(tmp_path / f"runs/{at}_{seed}", 1.0 + at, model__kind=value, seed=seed)
    for words in ([], ["--csv"], ["--md"], ["--json"], ["--over", "none"]):
        result = seedbed("compare", "runs", *words)
        assert result.code == 0, result.err
        assert "\x1b" not in result.out
    cells = [
        row["model.kind"]
        for row in csv.DictReader(io.StringIO(seedbed("compare", "runs", "--csv").out))
    ]
    assert cells[:2] == ["'=HYPERLINK(1)", "<script>x</script>"]
    assert cells[4] == "'-x"
    page = seedbed("compare", "runs", "--md").out
    assert "<script>" not in page
    assert "a\\|b\\`c\\`" in page
    html = RunComparison(compare_runs(table_of(["runs"])))._repr_html_()
    assert "<script>" not in html
    assert max(map(len, seedbed("compare", "runs").out.splitlines())) < 200


@pytest.mark.parametrize(
    "value", [10**400, 1e308, -1e308, 5e-324, -0.0], ids=lambda one: str(one)[:9]
)
def test_any_number_is_compared(seedbed: Command, tmp_path: Path, value: float) -> None:
    for at, one in enumerate([value, -value, 1.0]):
        for seed in range(7):
            run = tmp_path / f"runs/{at}_{seed}"
            write_run(run, one // 2 if seed else one, optimizer__lr=at, seed=seed)
    for words in ([], ["--json"], ["--csv"], ["--md"], ["--over", "none"]):
        result = seedbed("compare", "runs", *words)
        assert result.code == 0, result.err
        assert "error" not in result.err


def test_nan_is_nan_in_every_form(seedbed: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "runs/a", None, optimizer__lr=1)
    write_run(tmp_path / "runs/b", 1.0, optimizer__lr=2)
    rows = list(csv.DictReader(io.StringIO(seedbed("compare", "runs", "--csv").out)))
    assert [row["val/loss"] for row in rows] == ["1.0", "nan"]  # shown last
    assert told(seedbed, "runs")["runs"][1]["metrics"] == {"val/loss": None}
    (row,) = (
        row for row in RunComparison(compare_runs(table_of(["runs"]))).rows if row["run"] == "a"
    )
    assert math.isnan(row["val/loss"])


def test_a_folder_of_hostile_runs_does_no_harm(
    seedbed: Command, tmp_path: Path, sum_run: Path
) -> None:
    """All attacks at once, beside a run that is sound."""
    shutil.copytree(sum_run, tmp_path / "runs/sound")
    for at, attack in enumerate({**ATTACKS, **FILES}.values()):
        folder = tmp_path / f"runs/{at}"
        shutil.copytree(sum_run, folder / "run")
        (folder / "outside").mkdir()
        (folder / "outside/precious").write_text("precious")
        attack.make(Place(folder / "run", folder / "outside", tmp_path / "canary"))
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    for words in ([], ["--over", "seed"], ["--over", "none"], ["--json"], ["--csv"], ["--md"]):
        result = seedbed("compare", "runs", *words)
        assert "Traceback" not in result.out + result.err
        assert not UNSAFE.search(result.out + result.err)
        assert result.code in (0, 2)
        assert (result.code == 2) == bool(result.errors)
    assert not (tmp_path / "canary").exists()
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_means_that_are_one_number_are_no_difference(seedbed: Command, tmp_path: Path) -> None:
    """Of accuracies 0.88 on average, one mean is 1.8e-17 below the other in floating point."""
    values = {
        0.01: [0.86, 0.92, 0.9, 0.86, 0.88, 0.86],
        0.1: [0.72, 0.94, 0.92, 0.9, 0.92, 0.88],
    }
    for rate, accuracies in values.items():
        for seed, value in enumerate(accuracies):
            settings = {"metric": "val/accuracy", "optimizer__lr": rate, "seed": seed}
            write_run(tmp_path / f"runs/{rate}_{seed}", value, task="binary", **settings)
    out = seedbed("compare", "runs", "--metric", "val/accuracy").out
    assert "6 seeds in common: val/accuracy the same in the mean (difference from" in out
    assert told(seedbed, "runs", "--metric", "val/accuracy")["verdict"]["difference"] == 0
