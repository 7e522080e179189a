"""A real TensorBoard over real runs, asked over HTTP and looked at in a real browser."""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode
from urllib.request import Request

import numpy as np
import pytest
from support.browser import CHROMIUM, DRIVER, Browser, direct
from support.command_line import Command
from support.single_runs import Trained, train
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from seedbed.recording.events import END_TAG, HPARAMS, NO_VALUE, START_TAG, result_tag, session_end

STATUSES = ["STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING", "STATUS_UNKNOWN"]
RUNS = {
    "sum_0": ["seed=0"],
    "sum_1": ["seed=1", "model=manual", "optimizer.lr=0.002"],
    "digits": ["experiment=digits_mlp", "trainer.epochs=2"],
    "diverged": ["optimizer.lr=1e6"],
}


class Server:
    """A TensorBoard that listens.

    Args:
        address: with its port.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str, **query: str) -> bytes:
        """What a plugin answers."""
        with direct.open(f"{self.address}/data/{path}?{urlencode(query)}", timeout=200) as answer:
            content: bytes = answer.read()
        return content

    def json(self, path: str, **query: str) -> Any:
        """The same, as JSON."""
        return json.loads(self.get(path, **query))

    def post(self, path: str, content: Any) -> Any:
        """A plugin's answer to a question in JSON."""
        request = Request(f"{self.address}/data/{path}", json.dumps(content).encode())
        request.add_header("Content-Type", "application/json")
        with direct.open(request, timeout=200) as answer:
            return json.load(answer)


@contextmanager
def serving(folder: Path, runs: int) -> Iterator[Server]:
    """TensorBoard over `folder`, once it has found all runs."""
    line = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", "0"]
    line += ["--host", "127.0.0.1", "--load_fast=false"]
    with (
        tempfile.TemporaryFile("w+") as said,  # a pipe that nobody empties would stop it
        subprocess.Popen(line, stderr=said) as process,
    ):
        try:
            until = time.monotonic() + 200
            while not (found := re.search(r" at (http://\S+)/ ", _all_of(said))):
                assert time.monotonic() < until, f"TensorBoard did not start: {_all_of(said)}"
                time.sleep(0.05)
            server = Server(found[1])
            while len(server.json("runs")) < runs and time.monotonic() < until:
                time.sleep(0.1)
            yield server
        finally:
            process.kill()


def _all_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    folder = tmp_path_factory.mktemp("logs")
    return {name: train(folder / name, *words, draw=True) for name, words in RUNS.items()}


@pytest.fixture(scope="module")
def server(runs: dict[str, Trained]) -> Iterator[Server]:
    folder = next(iter(runs.values())).directory.root.parent
    with serving(folder, len(runs)) as started:
        yield started


@pytest.fixture(scope="module")
def sessions(server: Server) -> dict[str, dict[str, Any]]:
    """The rows of HPARAMS, by the name of the run."""
    return {group["sessions"][0]["name"]: group for group in groups_of(server)}


def groups_of(server: Server) -> list[dict[str, Any]]:
    """The rows of HPARAMS."""
    question = {"startIndex": 0, "sliceSize": 300, "allowedStatuses": STATUSES, "colParams": []}
    told = server.post("plugin/hparams/session_groups", {**question, "experimentName": ""})
    assert told["totalSize"] == len(told["sessionGroups"])
    rows: list[dict[str, Any]] = told["sessionGroups"]
    return rows


pytestmark = pytest.mark.slow


def test_every_run_directory_is_one_run(server: Server) -> None:
    assert sorted(server.json("runs")) == sorted(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_has_one_event_file(runs: dict[str, Trained], name: str) -> None:
    assert len(list(runs[name].directory.root.glob("**/*tfevents*"))) == 1


def test_tags_are_the_columns_of_the_history(server: Server, runs: dict[str, Trained]) -> None:
    tags = server.json("plugin/scalars/tags")
    for name, run in runs.items():
        columns = {column for column in run.history if "/" in column}
        rate = {"train/lr"} if name == "digits" else set()
        assert set(tags[name]) == {*columns, *rate, *(result_tag(m) for m in run.result["metrics"])}
    assert {"train/loss", "val/loss", "val/accuracy"} <= set(tags["digits"])


@pytest.mark.parametrize("name", RUNS)
def test_scalars_are_the_history_s(server: Server, runs: dict[str, Trained], name: str) -> None:
    history = runs[name].history
    rate = ["train/lr"] if name == "digits" else []
    for tag in [column for column in history if "/" in column] + rate:
        points = server.json("plugin/scalars/scalars", run=name, tag=tag)
        column = history["lr" if tag == "train/lr" else tag]
        assert [step for _, step, _ in points] == history["step"]
        assert [np.float32(value) for *_, value in points] == [np.float32(v) for v in column]


def test_hparams_has_one_row_a_run(sessions: dict[str, dict[str, Any]]) -> None:
    assert sorted(sessions) == sorted(RUNS)
    assert all(len(group["sessions"]) == 1 for group in sessions.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sum_0", {"seed": 0, "optimizer.lr": 0.001, "loader.batch_size": 2}),
        ("sum_1", {"seed": 1, "optimizer.lr": 0.002, "model.start": "uniform"}),
        (
            "digits",
            {"model.hidden": "[256, 128]", "loader.shuffle": True, "data.dataset": "digits"},
        ),
        ("diverged", {"optimizer.lr": 1e6, "model._target_": "seedbed.models.CustomMLP"}),
    ],
)
def test_hparams_are_the_settings_of_the_run(
    sessions: dict[str, dict[str, Any]], name: str, expected: dict[str, Any]
) -> None:
    told = sessions[name]["hparams"]
    assert {key: told[key] for key in expected} == expected


@pytest.mark.parametrize("name", RUNS)
def test_hparams_tells_how_the_run_ended(sessions: dict[str, dict[str, Any]], name: str) -> None:
    (session,) = sessions[name]["sessions"]
    expected = "STATUS_FAILURE" if name == "diverged" else "STATUS_SUCCESS"
    assert session["status"] == expected
    assert session["startTimeSecs"] <= session["endTimeSecs"]


def metrics_of(session: dict[str, Any]) -> dict[str, float]:
    """The metrics of a row of HPARAMS; what a curve ends with is among them."""
    return {one["name"]["tag"]: float(one["value"]) for one in session["metricValues"]}


@pytest.mark.parametrize("name", RUNS)
def test_hparams_has_the_metrics_of_the_result(
    sessions: dict[str, dict[str, Any]], runs: dict[str, Trained], name: str
) -> None:
    (session,) = sessions[name]["sessions"]
    told = metrics_of(session)
    expected = runs[name].result["metrics"]
    assert {tag for tag in told if "result" in tag} == {result_tag(one) for one in expected}
    for metric, value in expected.items():
        np.testing.assert_array_equal(told[result_tag(metric)], np.float32(value))
    assert "test/loss" in expected or name != "digits"


def test_hparams_opens_with_the_results_and_not_with_the_last_points(server: Server) -> None:
    """It shows the first five metrics, in the order that they are told in."""
    told = server.post("plugin/hparams/experiment", {"experimentName": ""})["metricInfos"]
    names = [one["name"]["tag"] for one in told]
    curves = [names.index(name) for name in names if name.startswith("val/")]
    assert {"val (result)/accuracy", "val (result)/auroc", "val (result)/f1"} <= set(names[:5])
    assert min(curves) >= 5


def test_a_rate_that_never_moves_is_no_metric(sessions: dict[str, dict[str, Any]]) -> None:
    for name, group in sessions.items():
        (session,) = group["sessions"]
        assert ("train/lr" in metrics_of(session)) == (name == "digits")


@pytest.mark.parametrize("fuse", ["always", "never"])
def test_hparams_and_the_table_of_a_sweep_name_the_same_winner(
    seedbed: Command, tmp_path: Path, fuse: str
) -> None:
    """The high rate is the better one at its best epoch, and the worse one at the last."""
    words = ["data=sklearn", "data.dataset=diabetes", "model.hidden=[64]", "optimizer=adam"]
    words += ["loader.batch_size=32", "trainer.epochs=40", "optimizer.lr=0.02,0.0005"]
    sweep = seedbed("train", "-m", *words, f"sweep.fuse={fuse}", "hydra.sweep.dir=logs/sweep").sweep
    with (sweep / "results.csv").open(newline="") as file:
        table = {row["directory"]: row for row in csv.DictReader(file)}
    with serving(tmp_path / "logs", 2) as server:
        told = {
            group["sessions"][0]["name"].rpartition("/")[2]: metrics_of(group["sessions"][0])
            for group in groups_of(server)
        }
    assert set(told) == set(table)
    for name, row in table.items():
        for metric in ("val/loss", "val/mae", "test/r2", "train/loss"):
            np.testing.assert_array_equal(told[name][result_tag(metric)], np.float32(row[metric]))
    tags = ("val (result)/loss", "val/loss")
    best, last = (min(told, key=lambda name: told[name][tag]) for tag in tags)
    assert best != last
    assert best == min(table, key=lambda name: float(table[name]["val/loss"]))


def test_hparams_offers_every_setting_as_a_column(server: Server) -> None:
    columns = server.post("plugin/hparams/experiment", {"experimentName": ""})["hparamInfos"]
    types = {column["name"]: column["type"] for column in columns}
    assert types["optimizer.lr"] == types["seed"] == "DATA_TYPE_FLOAT64"
    assert types["model._target_"] == "DATA_TYPE_STRING"
    assert types["loader.shuffle"] == "DATA_TYPE_BOOL"


@pytest.mark.parametrize("name", RUNS)
def test_the_loss_curve_is_among_the_images(
    server: Server, runs: dict[str, Trained], name: str
) -> None:
    tags = server.json("plugin/images/tags")
    assert list(tags[name]) == ["view/loss_curve"]
    (image,) = server.json("plugin/images/images", run=name, tag="view/loss_curve", sample="0")
    query = str(image["query"])
    with direct.open(f"{server.address}/data/plugin/images/individualImage?{query}") as answer:
        assert answer.read() == runs[name].directory.figure.read_bytes()


def test_a_run_that_raised_is_told_as_failed(tmp_path: Path) -> None:
    class Trouble(Exception):
        """What a user's own code may raise."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seedbed.training.progress.Progress.settle", _raising(Trouble()))
        with pytest.raises(Trouble):
            train(tmp_path / "run")
    with serving(tmp_path, 1) as server:
        (group,) = groups_of(server)
    assert group["sessions"][0]["status"] == "STATUS_FAILURE"


def test_jobs_of_two_sweeps_have_rows_of_their_own(tmp_path: Path) -> None:
    """Their folders have the same names, and their settings are the same."""
    for sweep in ("sweep_a", "sweep_b"):
        train(tmp_path / sweep / "0_seed=3", "seed=3", "trainer.epochs=1")
    with serving(tmp_path, 2) as server:
        names = [group["sessions"][0]["name"] for group in groups_of(server)]
    assert sorted(names) == ["sweep_a/0_seed=3", "sweep_b/0_seed=3"]


def test_weights_and_the_graph_are_shown_when_asked(tmp_path: Path) -> None:
    words = ["trainer.log_histograms=true", "trainer.log_graph=true", "trainer.epochs=2"]
    run = train(tmp_path / "logs" / "run", *words)
    with serving(tmp_path / "logs", 1) as server:
        tags = server.json("plugin/histograms/tags")["run"]
        graph = server.get("plugin/graphs/graph", run="run")
    assert set(tags) == {f"weights/{name}" for name, _ in run.plan.model.named_parameters()}
    assert b"input_to_hidden_layer" in graph


@pytest.fixture(scope="module")
def window(browser_without_webgl: Browser) -> Iterator[Browser]:
    """One for all pages: where only the part behind the `#` changes, TensorBoard is loaded once."""
    with browser_without_webgl.new_window() as opened:
        yield opened


SETTINGS = "?darkMode=false&tagFilter=train%7Cval"


@pytest.mark.browser
@pytest.mark.skipif(
    not (CHROMIUM.exists() and DRIVER.exists()) and "CI" not in os.environ,
    reason="there is no Chromium: Debian's chromium and chromium-driver; .ci/run installs them",
)
class TestInABrowser:
    def test_time_series_shows_the_runs_and_their_curves(
        self, server: Server, window: Browser, tmp_path: Path
    ) -> None:
        words = [*RUNS, "train/loss", "train/lr", "val/accuracy"]
        window.open(f"{server.address}/{SETTINGS}#timeseries")
        text = window.text_with(words)
        window.picture(tmp_path / "page.png")
        assert [word for word in words if word not in text] == []
        assert (tmp_path / "page.png").stat().st_size > 20_000

    def test_hparams_shows_a_table_of_runs_and_settings(
        self, server: Server, window: Browser, tmp_path: Path
    ) -> None:
        words = [*RUNS, "optimizer.lr", "loader.batch_size", "seed"]
        window.open(f"{server.address}/{SETTINGS}#hparams")
        text = window.text_with(words)
        window.picture(tmp_path / "page.png")
        assert [word for word in words if word not in text] == []
        assert (tmp_path / "page.png").stat().st_size > 20_000


def _raising(error: Exception) -> Any:
    def raise_it(*_: object) -> None:
        raise error

    return raise_it


def test_the_records_of_hparams_are_named_and_formed_as_the_plugin_has_them() -> None:
    assert (HPARAMS, START_TAG, END_TAG) == (
        metadata.PLUGIN_NAME,
        metadata.SESSION_START_INFO_TAG,
        metadata.SESSION_END_INFO_TAG,
    )
    assert metadata.NULL_TENSOR == NO_VALUE
    (value,) = Event.FromString(session_end(succeeded=True, time=1.5)).summary.value
    data = HParamsPluginData.FromString(value.metadata.plugin_data.content)
    assert value.metadata == metadata.create_summary_metadata(data)
