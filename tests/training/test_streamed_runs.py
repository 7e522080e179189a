"""Runs whose rows are read in blocks: gone on with, reproduced, and what is wrong with them."""

import csv
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support import processes
from support.parquet_rows import STREAM, rows, write, write_parts
from support.single_runs import same_weights

from seedbed.compiler.compilation import Compilation
from seedbed.data.streaming.placing import text_of

KILLING = Path(__file__).parents[1] / "support" / "killing_itself.py"
SIZES = [200, 1, 299]
TRAINED = ["trainer.epochs=2", "loader.batch_size=32", "data.target=k", "data.drop=[y]"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parts(rows(), tmp_path_factory.mktemp("files") / "parts", SIZES)


def words(files: Path, run: str, *more: str) -> list[str]:
    named = ["data=parquet", f"data.path={files}", f"hydra.run.dir={run}"]
    return ["train", *named, *TRAINED, *STREAM, *more]


def metrics(run: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((run / "result.json").read_text())["metrics"]
    return found


def test_a_killed_run_goes_on_within_its_epoch_to_the_same_bits(
    files: Path, tmp_path: Path, seedbed: Callable
) -> None:
    """The whole one's rows are placed by NumPy, the other's by a function that is compiled."""
    whole = seedbed(*words(files, "whole"))
    fitted = json.loads(Path("whole/preprocessing.json").read_text())
    library = Compilation(text_of(*fitted["input_shape"], target_bytes=8)).wait()
    os.utime(library, (0, 0))
    line = words(files, "run", "trainer.checkpoint_every='1 steps'")
    done = processes.run(
        [sys.executable, str(KILLING)],
        input=json.dumps([[str(tmp_path), line]]),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [signal.SIGKILL], done.stderr
    last = torch.load("run/checkpoints/last.pt", weights_only=True)
    assert 0 < last["state"]["step"] < 11
    assert library.stat().st_mtime > 0  # it was found
    assert seedbed("resume", "run").code == 0
    weights = [torch.load(f"{run}/model.pth", weights_only=True) for run in (whole.run, "run")]
    assert same_weights(*weights)
    assert metrics(Path("run")) == metrics(whole.run)


def test_a_run_is_reproduced_to_the_same_bits(files: Path, seedbed: Callable) -> None:
    seedbed(*words(files, "run", "loader.num_workers=2"))
    assert seedbed("reproduce", "run").out.splitlines()[-1] == "identical"


def test_a_file_that_changes_ends_the_run_with_a_whole_checkpoint(
    tmp_path: Path, seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(rows(), tmp_path / "one.parquet")
    before, told = path.read_bytes(), path.stat()
    whole = seedbed(*words(path, "whole"))
    from seedbed.training.progress import Progress

    add_step = Progress.add_step

    def adding(self: Progress, *args: object) -> None:
        add_step(self, *args)
        if self.step == 12:
            write(rows(seed=1), path)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "add_step", adding)
        broken = seedbed(*words(path, "run"))
    assert broken.code == 2
    assert f"'{path}' changed while the run read it" in broken.err
    last = torch.load("run/checkpoints/last.pt", weights_only=True)
    assert last["state"]["step"] >= 12
    assert "has changed since the run" in seedbed("resume", "run").err
    path.write_bytes(before)
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert seedbed("resume", "run").code == 0
    assert metrics(Path("run")) == metrics(whole.run)


def test_streamed_jobs_of_a_sweep_are_trained_one_by_one_and_why_is_said(
    files: Path, seedbed: Callable
) -> None:
    line = [one for one in words(files, "x") if "hydra" not in one]
    done = seedbed(line[0], "-m", *line[1:], "seed=0,1", "hydra.sweep.dir=sweep")
    assert done.code == 0
    assert "data.stream=true reads the rows of each run by itself" in done.out + done.err


def test_runs_of_a_stream_are_compared_with_those_in_memory(files: Path, seedbed: Callable) -> None:
    """They train on the same rows in another order, and are measured on the same ones."""
    line = ["train", "-m", "data=parquet", f"data.path={files}", *TRAINED, "trainer.epochs=1"]
    swept = ["data.stream=false,true", "data.memory='10 MB','20 MB'", "seed=1,2"]
    done = seedbed(*line, *swept, "hydra.sweep.dir=sweep")
    with Path("sweep/results.csv").open(newline="") as file:
        told = list(csv.DictReader(file))
    assert len(told) == 8
    assert len({one["rows"] for one in told}) == 2  # of each seed's split
    assert done.code == 0
    compared = seedbed("compare", "sweep")
    assert compared.code == 0
    assert "4 settings over seed" in compared.out


def test_pictures_of_the_runs_own_rows_are_drawn(files: Path, seedbed: Callable) -> None:
    seedbed(*words(files, "run"))
    assert seedbed("plot", "run", "--kind", "confusion", "--output", "c.png").code == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["loader.batch_size=null"], "loader.batch_size=null makes one batch of all rows"),
        (["data.memory=1 KB"], "data.memory must be 10 MB or more, got 1 KB"),
        (["data.memory=much"], "data.memory must be a text (a number and KB, MB, GB or TB"),
        (["data.path=nowhere"], "data.path: no file 'nowhere'"),
        (["data.path=*.nothing"], "no file ending in .parquet or .pq in the glob '*.nothing'"),
    ],
    ids=lambda one: one[0] if isinstance(one, list) else "",
)
def test_what_cannot_be_streamed_is_said_in_one_line(
    files: Path, seedbed: Callable, more: list[str], said: str
) -> None:
    done = seedbed(*words(files, "run", *more))
    assert done.code == 2
    (error,) = done.errors
    assert said in error
    assert not Path("run").exists()


@pytest.mark.parametrize("data", ["data=csv data.path=x.csv data.target=y", "data=sklearn"])
def test_other_sources_say_who_has_the_key(seedbed: Callable, data: str) -> None:
    (error,) = seedbed("train", *data.split(), "data.stream=true").errors
    assert "no key 'data.stream'" in error
    assert error.endswith("data=parquet has it")
