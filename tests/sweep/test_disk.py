"""A sweep too large for the disk is refused before it starts; the estimate is held against `du`."""

import os
import re
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from seedbed.components import AllowList
from seedbed.config.check import checked
from seedbed.sweep.disk import FOLDERS, LARGE_FILES, SMALL_FILES, footprint, run_bytes
from seedbed.training.build_run import build_run

Usage = namedtuple("Usage", "total used free")
DIGITS = ["experiment=digits_mlp", "model.dropout=0.0", "trainer.epochs=3"]


def estimated(run: Path) -> int:
    config = checked(yaml.safe_load((run / "config.yaml").read_text()))
    return run_bytes(footprint(build_run(config, AllowList(config.allow))), config)


def on_the_disk(run: Path) -> int:
    """As `du` counts."""
    return sum(path.stat().st_blocks * 512 for path in [run, *run.rglob("*")])


@pytest.mark.parametrize(
    "words",
    [
        ["seed=1,2"],
        ["seed=1,2", "sweep.fuse=never", "sweep.plot=true"],
        ["trainer.epochs=1,400", "optimizer=adam"],
        [*DIGITS, "optimizer=adamw,sgd"],
        [*DIGITS, "optimizer=rmsprop,adagrad", "scheduler=none", "sweep.fuse=never"],
    ],
    ids=["article", "pictures", "epochs", "digits", "optimizers"],
)
def test_the_estimate_is_what_the_directories_take(words: list[str], seedbed: Callable) -> None:
    result = seedbed("train", "-m", *words)
    assert result.code == 0, result.err
    runs = [path for path in result.sweep.iterdir() if path.is_dir()]
    assert len(runs) == 2
    for run in runs:
        assert 0.8 < estimated(run) / on_the_disk(run) < 1.6
        files = len([run, *run.rglob("*")])
        assert files <= SMALL_FILES + FOLDERS + LARGE_FILES + 1  # a picture


def test_what_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def full(path: Path) -> Usage:
        asked.append(Path(path))
        return Usage(10**9, 10**9 - 4_000_000, 4_000_000)

    monkeypatch.setattr(shutil, "disk_usage", full)
    result = seedbed("train", "-m", "seed=range(0,100)", "hydra.sweep.dir=deep/er/sweep")
    assert result.code == 2
    (said,) = result.errors
    assert re.fullmatch(
        r"error: 100 jobs need about \d\.\d+ MB, and the disk of 'deep/er/sweep' has 4 MB free; "
        r"type fewer jobs \(about \d\d fit\), or another hydra\.sweep\.dir",
        said,
    )
    assert asked == [tmp_path]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("files", [10**6, 0], ids=["counted", "unknown"])
def test_a_file_system_may_have_no_room_for_more_files(
    files: int, tmp_path: Path, seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.statvfs(tmp_path)
    counts = namedtuple("Counts", "f_files f_favail f_bavail f_frsize f_blocks f_bfree")
    few = counts(files, 30, whole.f_bavail, whole.f_frsize, whole.f_blocks, whole.f_bfree)
    monkeypatch.setattr(os, "statvfs", lambda path: few)
    words = ["seed=1,2", "trainer.epochs=1", "sweep.fuse=never", "hydra.sweep.dir=sweep"]
    result = seedbed("train", "-m", *words)
    if not files:
        assert result.code == 0
        return
    assert result.code == 2
    assert result.errors == [
        "error: 2 jobs need about 34 files and folders, and the disk of 'sweep' has room for 30 "
        "more; type fewer jobs (about 1 fit), or another hydra.sweep.dir"
    ]
    assert not (tmp_path / "sweep").exists()


def test_checking_a_sweep_does_not_ask_the_disk(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1, 1, 0))
    result = seedbed("validate", "-m", "seed=1,2")
    assert (result.code, result.out) == (0, "valid: 2 jobs\n")
