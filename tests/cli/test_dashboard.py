"""`seedbed dashboard`: a real TensorBoard and a real optuna-dashboard over the runs asked for."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from support import processes
from support.browser import CHROMIUM, DRIVER, Browser, direct
from support.command_line import as_in_a_process_of_its_own, in_this_process

from seedbed.catalog.table import table_of
from seedbed.cli.dashboard import unticked
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_history
from seedbed.views.tensorboard import best_of

NUMBER = 44
SWEEP = ["trainer.epochs=2", "seed=range(0,22)", "optimizer.lr=0.001,0.02"]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    with as_in_a_process_of_its_own(folder):
        done = in_this_process("train", "-m", *SWEEP, f"hydra.sweep.dir={folder / 'sweep'}")
    assert done.code == 0, done.err
    return folder / "sweep"


@contextmanager
def dashboard(*words: object, folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command, once it serves, and what it said by then."""
    temporary = folder / "temporary"
    temporary.mkdir()
    line = [sys.executable, "-m", "seedbed", "dashboard", *map(str, words)]
    environment = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
    environment |= {"TMPDIR": str(temporary)}
    with processes.Process(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            said = [process.stdout.readline().strip() for _ in range(3)]
            yield process, said
        finally:
            process.kill()


def runs_at(address: str, number: int) -> list[str]:
    """The names of the runs that TensorBoard has, once it has so many."""
    until = time.monotonic() + 200
    names: list[str] = []
    while len(names) < number and time.monotonic() < until:
        names = asked(f"{address}data/runs")
        time.sleep(0.1)
    return names


def asked(address: str) -> Any:
    with direct.open(urllib.request.Request(address), timeout=200) as answer:
        return json.load(answer)


def by_loss(sweep: Path) -> list[str]:
    """The jobs' folders, best first, by the files alone."""
    folders = [path.parent for path in sweep.glob("*/result.json")]
    loss = {
        path.name: json.loads((path / "result.json").read_text())["metrics"]["train/loss"]
        for path in folders
    }
    return sorted(loss, key=loss.__getitem__)


@pytest.mark.slow
def test_the_best_of_many_are_shown_until_ctrl_c(sweep: Path, tmp_path: Path) -> None:
    with dashboard(sweep, folder=tmp_path) as (process, said):
        address = said[0].removeprefix("dashboard: ")
        assert address.startswith("http://127.0.0.1:")
        assert said[1] == f"{NUMBER} runs: the best 40 by train/loss; --best 0 shows all"
        assert said[2] == "Ctrl-C ends it"
        assert sorted(runs_at(address, 40)) == sorted(by_loss(sweep)[:40])
        (made,) = (tmp_path / "temporary").glob("seedbed_dashboard_*")
        assert all(path.is_symlink() for path in made.iterdir())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(OSError, match="refused"):
        asked(f"{address}data/runs")
    assert len(by_loss(sweep)) == NUMBER  # the runs themselves are where they were


def test_of_too_many_it_is_said_that_none_is_ticked() -> None:
    assert unticked(40) == ""
    assert unticked(41) == "; SCALARS open with none of so many ticked"
    assert unticked(501) == "; SCALARS and TIME SERIES open with none of so many ticked"


@pytest.mark.slow
def test_a_filter_chooses_and_a_port_is_taken(sweep: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = in_this_process("dashboard", sweep, "--port", port)
        assert refused.code == 2
        assert refused.errors == [
            f"error: --port: {port} cannot be had: Address already in use; leave it out, and a "
            "free one is taken"
        ]
    words = (sweep, "--filter", "seed<3", "--best", "4", "--port", port)
    with dashboard(*words, folder=tmp_path) as (process, said):
        assert said[0] == f"dashboard: http://127.0.0.1:{port}/"
        assert said[1] == "6 runs: the best 4 by train/loss; --best 0 shows all"
        first = [name for name in by_loss(sweep) if any(f"seed={n}_" in name for n in range(3))]
        assert sorted(runs_at(f"http://127.0.0.1:{port}/", 4)) == sorted(first[:4])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(
    not (CHROMIUM.exists() and DRIVER.exists()) and "CI" not in os.environ,
    reason="there is no Chromium: Debian's chromium and chromium-driver; .ci/run installs them",
)
def test_in_a_browser_time_series_opens_with_the_best(
    sweep: Path, window_without_webgl: Browser, tmp_path: Path
) -> None:
    with dashboard(sweep, "--best", 3, folder=tmp_path) as (_, said):
        address = said[0].removeprefix("dashboard: ")
        best, rest = by_loss(sweep)[:3], by_loss(sweep)[3:]
        window_without_webgl.open(f"{address}?darkMode=false#timeseries")
        text = window_without_webgl.text_with([*best, "train/loss"])
    assert [name for name in [*best, "train/loss"] if name not in text] == []
    assert [name for name in rest if name in text] == []


def test_one_folder_without_choice_is_looked_at_itself(
    sweep: Path, seedbed, tmp_path: Path
) -> None:
    """New runs are seen as they begin."""
    seedbed("train", "trainer.epochs=1", "hydra.run.dir=few/one")
    with dashboard("few", folder=tmp_path) as (_, said):
        assert said[1] == "1 run"
        assert not list((tmp_path / "temporary").glob("seedbed_dashboard_*"))
        seedbed("train", "trainer.epochs=1", "hydra.run.dir=few/two")
        assert sorted(runs_at(said[0].removeprefix("dashboard: "), 2)) == ["one", "two"]


def test_runs_on_rows_of_their_own_are_told(seedbed) -> None:
    words = ["data=sklearn", "trainer.epochs=1", "seed=range(0,3)", "hydra.sweep.dir=apart"]
    seedbed("train", "-m", *words)
    runs, which = best_of(table_of(["apart"]), 2, None)
    assert len(runs) == 2
    assert which == "the best 2 by val/loss (not all are measured on the same rows)"
    words[-1:] = ["data.split.seed=0", "hydra.sweep.dir=alike"]
    seedbed("train", "-m", *words)
    assert best_of(table_of(["alike"]), 2, None)[1] == "the best 2 by val/loss"


def test_the_best_epoch_ranks_too(seedbed) -> None:
    words = ["data=sklearn", "trainer.epochs=8", "optimizer.lr=0.1", "data.split.seed=0"]
    seedbed("train", "-m", *words, "seed=range(0,4)", "hydra.sweep.dir=epochs")
    results = {
        path.parent.name: json.loads(path.read_text()) for path in Path().glob("*/*/result.json")
    }
    best = {name: result["best"]["val/loss"] for name, result in results.items()}
    shown, which = best_of(table_of(["epochs"]), 2, "best.val/loss")
    assert [run.path.name for run in shown] == sorted(best, key=best.__getitem__)[:2]
    assert which == "the best 2 by best.val/loss"
    done = seedbed("dashboard", "epochs", "--optuna", "j.log", "--metric", "best.val/loss")
    assert done.code == 0, done.err
    trials = study_in("j.log").trials
    assert {Path(one.user_attrs["path"]).name: one.value for one in trials} == best


def test_what_a_diverged_run_kept_does_not_rank_it(seedbed) -> None:
    seedbed("train", "-m", "trainer.epochs=2", "seed=range(0,3)", "hydra.sweep.dir=some")
    names = by_loss(Path("some"))
    for name in ("status.json", "result.json"):
        path = Path("some", names[0], name)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "diverged"}))
    shown, _ = best_of(table_of(["some"]), 2, None)
    assert [run.path.name for run in shown] == names[1:]


def test_an_epoch_that_is_no_number_has_no_place_in_a_journal(seedbed) -> None:
    seedbed("train", "trainer.epochs=3", "hydra.run.dir=runs/one")
    path = Path("runs/one/history.csv")
    head, first, second, third = path.read_text().splitlines()
    lines = [head, first, f"nan{second[1:]}", f"inf{third[1:]}"]
    path.write_text("\n".join(lines) + "\n")
    assert seedbed("dashboard", "runs", "--optuna", "j.log").code == 0
    (trial,) = study_in("j.log").trials
    assert list(trial.intermediate_values) == [1]
    assert seedbed("plot", "runs", "--output", "curves.png").code == 0


def test_a_metric_of_ones_own_needs_a_direction(seedbed) -> None:
    for seed in range(3):
        seedbed("train", "trainer.epochs=1", f"seed={seed}", f"hydra.run.dir=own/{seed}")
        path = Path(f"own/{seed}/result.json")
        result = json.loads(path.read_text())
        path.write_text(json.dumps(result | {"metrics": {"val/kappa": seed}}))
    words = ("dashboard", "own", "--metric", "val/kappa", "--optuna", "j.log")
    (line,) = seedbed(*words).errors
    assert line.endswith("type --better higher or --better lower")
    assert seedbed(*words, "--better", "higher").code == 0
    assert study_in("j.log").direction == optuna.study.StudyDirection.MAXIMIZE
    for better, best in (("higher", ["2", "1"]), ("lower", ["0", "1"])):
        shown, _ = best_of(table_of(["own"]), 2, "val/kappa", better)
        assert [run.path.name for run in shown] == best


BAD: dict[str, tuple[list[str], str]] = {
    "no folder": (["nope"], "no folder 'nope'; name one that has runs below it, such as outputs"),
    "no runs": (["."], "no runs in '.'; type seedbed train, or name a folder of runs"),
    "no such run": (["SWEEP", "--filter", "seed=99"], "none of 44 runs in "),
    "a broken filter": (["SWEEP", "--filter", "seed<"], "expected a value"),
    "no such metric": (["SWEEP", "--metric", "train/los"], "did you mean 'train/loss'?"),
    "no such metric of a few": (
        ["SWEEP", "--filter", "seed=0", "--metric", "train/los"],
        "did you mean 'train/loss'?",
    ),
    "less than none": (["SWEEP", "--best", "-1"], "--best: a number of runs, or 0 for all, got -1"),
    "no number": (["SWEEP", "--best", "few"], "argument --best: invalid int value: 'few'"),
    "no port": (["SWEEP", "--port", "99999"], "--port: a number from 0 to 65535, got 99999"),
    "a port for a file": (["SWEEP", "--port", "1", "--optuna", "j"], "--port is of TensorBoard"),
    "a file nowhere": (["SWEEP", "--optuna", "nope/j.log"], "--optuna: no folder 'nope'"),
    "a file of theirs": (["SWEEP", "--optuna", "own.csv"], "'own.csv' is there, and no journal"),
}


@pytest.mark.parametrize(("words", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_told_in_one_line(
    sweep: Path, seedbed, words: list[str], message: str
) -> None:
    Path("own.csv").write_text("precious\n")
    done = seedbed("dashboard", *[str(sweep) if word == "SWEEP" else word for word in words])
    assert done.code == 2
    (line,) = done.errors
    assert message in line
    assert Path("own.csv").read_text() == "precious\n"


def test_a_journal_holds_the_runs_as_trials(sweep: Path, seedbed) -> None:
    done = seedbed("dashboard", sweep, "--optuna", "j.log")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "look at it: optuna-dashboard j.log"
    again = seedbed("dashboard", sweep, "--optuna", "j.log")  # a journal is replaced
    assert again.out == done.out
    study = study_in("j.log")
    assert study.study_name == "sweep"
    assert study.direction == optuna.study.StudyDirection.MINIMIZE
    assert study.metric_names == ["train/loss"]
    assert len(study.trials) == NUMBER
    for trial in study.trials:
        run = Path(trial.user_attrs["path"])
        result = json.loads((run / "result.json").read_text())
        assert trial.value == result["metrics"]["train/loss"]
        assert f"{trial.params['seed']}_" in run.name.partition("seed=")[2]
        assert str(trial.params["optimizer.lr"]) in run.name
        history = read_history(RunPaths(run))
        pairs = zip(history["epoch"], history["train/loss"], strict=True)
        assert trial.intermediate_values == {int(epoch or 0): loss for epoch, loss in pairs}
    assert study.best_trial.user_attrs["path"] == str(sweep / by_loss(sweep)[0])
    kinds = study.trials[0].distributions
    assert kinds["optimizer.lr"] == optuna.distributions.FloatDistribution(0.001, 0.02, log=True)
    assert kinds["seed"] == optuna.distributions.IntDistribution(0, 21)


def test_a_journal_of_runs_that_failed_and_of_settings_of_all_kinds(seedbed) -> None:
    runs = {
        "good": ["optimizer.lr=0.001"],
        "diverged": ["optimizer.lr=1e6"],
        "clipped": ["trainer.gradient_clip=1", "model=manual", "model.activation=tanh"],
        "classes": ["data=sklearn", "trainer.epochs=2"],
    }
    for name, words in runs.items():
        seedbed("train", "trainer.epochs=20", *words, f"hydra.run.dir=all/{name}")
    assert seedbed("dashboard", "all", "--optuna", "j.log", "--metric", "train/loss").code == 0
    trials = {Path(one.user_attrs["path"]).name: one for one in study_in("j.log").trials}
    assert trials["diverged"].state == optuna.trial.TrialState.FAIL
    assert trials["good"].state == trials["classes"].state == optuna.trial.TrialState.COMPLETE
    assert trials["good"].params["trainer.gradient_clip"] == "null"
    assert trials["clipped"].params["trainer.gradient_clip"] == "1"
    assert trials["clipped"].params["model"] == "manual"
    assert seedbed("dashboard", "all", "--optuna", "j.log").code == 2  # measured in two ways


@pytest.mark.slow
def test_optuna_s_own_dashboard_opens_the_journal(sweep: Path, seedbed, tmp_path: Path) -> None:
    seedbed("dashboard", sweep, "--optuna", "j.log")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = "from optuna_dashboard._cli import main; main()"
    line = [sys.executable, "-c", code, "j.log", "--host", "127.0.0.1", "--port", str(port)]
    path = Path("dashboard.txt")
    with path.open("w") as said, subprocess.Popen(line, stdout=said, stderr=said) as process:
        try:
            studies = answered(f"http://127.0.0.1:{port}/api/studies", process)["study_summaries"]
            assert [one["study_name"] for one in studies] == ["sweep"]
            trials = asked(f"http://127.0.0.1:{port}/api/studies/0?after=0")["trials"]
        finally:
            process.kill()
    assert len(trials) == NUMBER
    best = min(trials, key=lambda one: one["values"][0])
    assert {"key": "path", "value": str(sweep / by_loss(sweep)[0])} in best["user_attrs"]


def answered(address: str, server: subprocess.Popen[bytes]) -> Any:
    """The answer, once the server listens."""
    until = time.monotonic() + 200
    while True:
        try:
            return asked(address)
        except OSError:
            assert time.monotonic() < until
            assert server.poll() is None, Path("dashboard.txt").read_text()
            time.sleep(0.1)


def study_in(journal: str) -> optuna.Study:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(journal))
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)
