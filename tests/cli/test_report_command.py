"""`seedbed report`: where the page goes, what it says of few and of broken runs, refusals."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from support.command_line import Command
from support.report_pages import column_of, data_of

OTHERS = "is there and is no report of Seedbed's; take it away, or name another file with --output"


@pytest.fixture
def sweep(iris_sweep: Path, tmp_path: Path) -> Path:
    """Fourteen runs of a sweep: two rates, seven seeds."""
    for path in iris_sweep.glob("*hidden=8-*"):
        shutil.copytree(path, tmp_path / "sweep" / path.name)
    return tmp_path / "sweep"


def refused(seedbed: Command, *words: object) -> str:
    result = seedbed("report", *words)
    assert result.code == 2
    assert len(result.errors) == len(result.err.splitlines()) == 1
    return result.errors[0]


def told(seedbed: Command, *words: object) -> dict:
    result = seedbed("report", *words, "--output", "page.html", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["report"] == "page.html"
    return data_of(Path("page.html"))


def change(path: Path, **more: object) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **more}))


def test_the_page_goes_into_the_folder_that_is_named(seedbed: Command, sweep: Path) -> None:
    result = seedbed("report", "sweep")
    assert result.out == "report: sweep/report.html\n"
    data = data_of(sweep / "report.html")
    assert data["title"] == "sweep"
    assert data["command"] == "seedbed report sweep"
    assert len(data["runs"]) == 14
    assert {one["path"].partition("/")[0] for one in data["runs"]} == {"sweep"}


def test_it_is_a_file_of_ours_to_remove_and_no_run(seedbed: Command, sweep: Path) -> None:
    run = next(sweep.iterdir())
    assert seedbed("report", run).code == 0
    listed = json.loads(seedbed("runs", "sweep", "--json").out)
    assert len(listed["runs"]) == 14
    assert listed["left_out"] == []
    assert "report.html" not in seedbed("remove", run, "--yes").out
    assert not run.exists()


def test_a_report_is_replaced_and_another_file_is_not(seedbed: Command, sweep: Path) -> None:
    assert seedbed("report", "sweep", "--metric", "val/accuracy").code == 0
    assert seedbed("report", "sweep").code == 0
    assert data_of(sweep / "report.html")["told"]["metric"] == "val/loss"
    for kind in ("text", "link", "folder", "pipe"):
        page = Path(f"{kind}.html")
        if kind == "text":
            page.write_text("<p>mine</p>")
        elif kind == "link":
            page.symlink_to("text.html")
        elif kind == "pipe":
            os.mkfifo(page)
        else:
            page.mkdir()
        problem = refused(seedbed, "sweep", "--output", page)
        wanted = "is a folder; name a file in it" if kind == "folder" else OTHERS
        assert problem.endswith(wanted), kind
    assert Path("text.html").read_text() == "<p>mine</p>"
    assert Path("link.html").is_symlink()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["sweep", "sweep"], "several folders need a file to go to; type --output runs.html"),
        (["sweep", "--output", "page.pdf"], "--output: 'page.pdf' must end in .html"),
        (["sweep", "--output", "none/page.html"], "no folder 'none'; make it first"),
        (["sweep", "--metric", "val/los"], "no run has 'val/los'; did you mean 'val/loss'?"),
        (["sweep", "--over", "sed"], "--over: no key 'sed'; did you mean 'seed'?"),
        (["sweep", "--over", ","], "names no key"),
        (["sweep", "--better", "higher"], "val/loss is better when it is lower"),
        (["sweep", "--filter", "seed=99"], "none of 14 runs fulfils 'seed=99'"),
        (["sweep", "--filter", "seed<"], "expected a value"),
        (["empty"], "no run to report: the folder holds none"),
        (["nothing"], "no folder 'nothing'"),
        ([], "the following arguments are required"),
        (["sweep", "--open"], "unrecognized arguments: --open"),
    ],
)
def test_wrong_input_is_told_in_a_line_and_writes_nothing(
    seedbed: Command, sweep: Path, tmp_path: Path, words: list[str], problem: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert problem in refused(seedbed, *words)
    assert not list(tmp_path.rglob("*.html"))


def test_a_folder_that_cannot_be_written_is_told(seedbed: Command, sweep: Path) -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs a folder that nobody can write into")
    assert "cannot write '/proc/self/page.html'" in refused(
        seedbed, "sweep", "--output", "/proc/self/page.html"
    )


def test_runs_that_cannot_be_compared_have_a_table_and_the_reason(
    seedbed: Command, sweep: Path
) -> None:
    first = next(sweep.iterdir())
    change(first / "result.json", task="regression")
    data = told(seedbed, "sweep")
    assert data["told"]["reason"].startswith("the runs have different tasks: ")
    assert data["told"]["verdict"] is None
    assert len(data["runs"]) == 14
    assert data["told"]["ranked"] == 0
    assert len(column_of(data, "val/loss")) == 14
    assert "different tasks" in refused(seedbed, "sweep", "--metric", "val/loss")


def test_runs_of_two_sets_stand_side_by_side(seedbed: Command, sweep: Path, sum_run: Path) -> None:
    shutil.copytree(sum_run, sweep / "sum")
    data = told(seedbed, "sweep")
    assert data["told"]["verdict"] is None
    assert data["told"]["reason"]
    assert len(data["runs"]) == 15


def test_one_run_has_its_curves_and_no_verdict(seedbed: Command, sum_run: Path) -> None:
    data = told(seedbed, sum_run)
    assert data["told"]["reason"] == "one run, and nothing to compare it with"
    assert [one["role"] for one in data["columns"] if not one["hidden"]].count("key") == 0
    assert data["curves"]["metrics"] == ["train/loss"]
    assert data["told"]["settings"] == []
    assert data["config"]["hidden"] == []
    assert "optimizer:" in data["config"]["yaml"]


def test_runs_of_seeds_with_rows_of_their_own_stand_by_their_settings(
    seedbed: Command, sweep: Path
) -> None:
    for run in sweep.iterdir():
        config = (run / "config.yaml").read_text()
        drawn = re.sub(r"(  split:\n(?:    .*\n)*?    seed: )0\n", r"\1null\n", config)
        assert drawn != config
        (run / "config.yaml").write_text(drawn)
    data = told(seedbed, "sweep")
    assert (data["told"]["order"], data["told"]["ranked"]) == ("setting", 0)
    best = data["told"]["settings"][0]["optimizer.lr"]
    assert column_of(data, "optimizer.lr") == pytest.approx([best] * 7 + [0.11 - best] * 7)
    assert data["told"]["verdict"] is not None


def test_one_seed_says_that_nothing_tells_luck(seedbed: Command, sweep: Path) -> None:
    data = told(seedbed, "sweep", "--filter", "seed=0")
    assert data["told"]["reason"].startswith("runs side by side: no setting was run with several")
    assert any("nothing tells how far the seed alone moves" in note for note in data["notes"])


def test_one_setting_over_its_seeds_is_told_as_such(seedbed: Command, sweep: Path) -> None:
    data = told(seedbed, "sweep", "--filter", "optimizer.lr=0.1")
    assert data["told"]["reason"] == "one setting alone: the runs differ in nothing but seed"
    assert len(data["told"]["settings"]) == 1


def test_damaged_and_unfinished_runs_are_told(seedbed: Command, sweep: Path) -> None:
    damaged, history, running, failed, bare = sorted(sweep.iterdir())[:5]
    (damaged / "result.json").write_text("{")
    (history / "history.csv").write_text("epoch,val/loss\n1\n")
    change(running / "status.json", status="running")
    (running / "result.json").unlink()
    change(failed / "status.json", status="failed", error="CUDA <b>error</b>")
    (failed / "result.json").unlink()
    (bare / "environment.json").unlink()
    (bare / "history.csv").unlink()
    data = told(seedbed, "sweep")
    assert [one["path"].rpartition("/")[2] for one in data["left_out"]] == [damaged.name]
    by_name = {Path(one["path"]).name: one for one in data["runs"]}
    assert len(by_name) == 13
    assert by_name[running.name]["status"] == "interrupted"
    assert by_name[failed.name]["problem"] == "CUDA <b>error</b>"
    assert "1 failed, 1 interrupted" in data["summary"]
    assert data["environment"]["without"] == 1
    (unreadable,) = [one for one in data["curves"]["notes"] if "damaged" in one]
    assert history.name in unreadable
    assert "no curve, as no epoch was finished: 1 run" in data["curves"]["notes"]
    assert data["told"]["ranked"] == 11
    assert any("without val/loss" in note for note in data["notes"])
    (problems,) = [note for note in data["notes"] if note.startswith("not completed: ")]
    assert "failed: CUDA <b>error</b> (1 run)" in problems
    assert "status" in [one["name"] for one in data["columns"] if not one["hidden"]]


def test_a_sweep_of_which_every_run_failed_has_its_table_and_the_reason(
    seedbed: Command, sweep: Path
) -> None:
    for run in sweep.iterdir():
        change(run / "status.json", status="failed", error="out of memory")
        (run / "result.json").unlink()
        (run / "history.csv").unlink()
    data = told(seedbed, "sweep")
    assert "not completed: failed: out of memory (14 runs)" in data["notes"]
    assert data["told"]["settings"] == []
    assert len(data["runs"]) == 14
    assert [one["name"] for one in data["axes"]] == ["optimizer.lr", "seed"]
    assert data["curves"]["metrics"] == []


def test_the_metric_of_test_rows_is_only_taken_when_asked(seedbed: Command, sweep: Path) -> None:
    assert told(seedbed, "sweep")["told"]["metric"] == "val/loss"
    data = told(seedbed, "sweep", "--metric", "test/loss")
    assert data["told"]["metric"] == "test/loss"
    assert any("the test rows chose the best here" in note for note in data["notes"])
    metrics = [one["name"] for one in data["columns"] if one["role"] == "metric"]
    assert metrics[0] == "test/loss"
