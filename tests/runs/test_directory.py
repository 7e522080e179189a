"""The run directory: claimed by one process, complete, written whole, enough to rerun."""

import csv
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import torch
import yaml
from support import processes
from support.single_runs import Trained, same_weights, train

from seedbed.components import AllowList
from seedbed.config.check import checked
from seedbed.errors import RunDirectoryError
from seedbed.recording.run import run as run_plan
from seedbed.runs import files
from seedbed.runs.directory import claim
from seedbed.runs.reader import open_run, read_config, read_history
from seedbed.training.build_run import build_run

STAMPED = "2026-11-23_10-00-00-000000"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    words = ["data=sklearn", "data.dataset=wine", "trainer.epochs=2", "model.dropout=0.2"]
    return train(tmp_path_factory.mktemp("wine") / "run", *words, draw=True)


def test_a_finished_run_leaves_every_file_of_the_contract(run: Trained) -> None:
    root = run.directory.root
    (events,) = root.glob("events.out.tfevents.*")
    assert {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} == {
        "config.yaml", "status.json", "environment.json", "history.csv", events.name,
        "checkpoints/last.pt", "checkpoints/best.pt", "model.pth", "preprocessing.json",
        "result.json", "loss.png",
    }  # fmt: skip


def test_the_status_says_when_and_how_the_run_ended(run: Trained) -> None:
    status = json.loads(run.directory.status.read_text())
    assert (status["status"], status["error"]) == ("completed", None)
    assert datetime.fromisoformat(status["started"]) <= datetime.fromisoformat(status["ended"])


def test_the_result_and_the_history_tell_the_same(run: Trained) -> None:
    result = json.loads(run.directory.result.read_text())
    assert result["engine"] == "single"
    history = read_history(run.directory)
    assert list(history) == [
        "epoch", "step", "train/loss", "val/loss", "val/accuracy", "val/f1", "val/auroc", "lr",
        "seconds",
    ]  # fmt: skip
    assert result["metrics"]["train/loss"] == history["train/loss"][-1]
    assert {name for name in result["metrics"] if name.startswith("test/")} == {
        "test/loss", "test/accuracy", "test/f1", "test/auroc"
    }  # fmt: skip


def test_the_environment_names_versions_and_data(run: Trained) -> None:
    environment = json.loads(run.directory.environment.read_text())
    assert environment["packages"]["torch"] == torch.__version__
    assert environment["device"] == "cpu"
    assert environment["data"]["rows"] == run.plan.data.fingerprint["rows"]
    assert len(environment["data"]["sha256"]) == 64


def test_the_config_alone_reruns_to_the_same_bits(run: Trained, tmp_path: Path) -> None:
    config = read_config(open_run(run.directory.root))
    plan = build_run(checked(config), AllowList())
    again = claim(tmp_path / "again")
    result = run_plan(plan, again, draw=False)
    assert result["config_hash"] == run.result["config_hash"]
    assert same_weights(torch.load(again.model, weights_only=True), run.weights)
    assert yaml.safe_load(again.config.read_text()) == config


def test_a_directory_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    claim(tmp_path / "run").release()
    with pytest.raises(RunDirectoryError, match=r"holds a run already; type another hydra.run.dir"):
        claim(tmp_path / "run")


def test_a_directory_that_is_being_written_is_refused(tmp_path: Path) -> None:
    held = claim(tmp_path / "run")
    with pytest.raises(RunDirectoryError, match=r"is being written by another process"):
        claim(tmp_path / "run")
    held.release()


def test_a_stamped_directory_moves_on(tmp_path: Path) -> None:
    first, second = claim(tmp_path / STAMPED), claim(tmp_path / STAMPED)
    assert first.root.name == STAMPED
    assert second.root != first.root
    assert second.root.parent == tmp_path


CLAIMING = """
import sys
from pathlib import Path
from seedbed.runs.directory import claim

print("ready", flush=True)
input()
print(*(claim(Path(sys.argv[1])).root.name for _ in range(20)))
"""


def test_processes_that_start_together_have_directories_of_their_own(tmp_path: Path) -> None:
    line = [sys.executable, "-c", CLAIMING, str(tmp_path / STAMPED)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with processes.Process(line, **pipes) as one, processes.Process(line, **pipes) as other:
        both = (one, other)
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in both:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        names = [name for process in both for name in process.communicate()[0].split()]
    assert len(names) == len(set(names)) == 40


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"old": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(RunDirectoryError, match=r"cannot write '.*a\.json': No space left"):
        files.write_bytes(path, b"new", flush=True)
    assert json.loads(path.read_text()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"a": float("nan"), "b": [float("inf"), (1.5, -2)]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": None, "b": [None, [1.5, -2]]}


def test_the_history_reads_as_plain_csv(run: Trained) -> None:
    with run.directory.history.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["train/loss"]) for row in rows] == read_history(run.directory)["train/loss"]
