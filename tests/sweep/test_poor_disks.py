"""Sweeps on a file system that has neither locks nor hard links leave what they leave elsewhere."""

import errno
import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

WORDS = ["train", "-m", "seed=1,2,3", "trainer.epochs=2", "sweep.fuse=always", "sweep.workers=0"]


@pytest.fixture
def poor(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    for name in ("flock", "lockf"):
        monkeypatch.setattr(fcntl, name, no_locks)
    monkeypatch.setattr(os, "link", no_links)


def _names(folder: Path) -> set[str]:
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {name for name in names if "tfevents" not in name}


@pytest.mark.parametrize("layout", ["directories", "packed"])
def test_a_sweep_is_the_same_without_locks_and_links(
    seedbed: Callable, layout: str, request: pytest.FixtureRequest
) -> None:
    words = [*WORDS, f"sweep.layout={layout}"]
    rich = seedbed(*words, "hydra.sweep.dir=rich")
    request.getfixturevalue("poor")
    poor = seedbed(*words, "hydra.sweep.dir=poor")
    assert (rich.code, poor.code) == (0, 0), poor.err
    assert (poor.sweep / "results.csv").read_text() == (rich.sweep / "results.csv").read_text()
    assert _names(poor.sweep) == _names(rich.sweep)  # nothing is left of locks
    assert not {".running", ".held", ".lock"} & _names(rich.sweep)


@pytest.mark.usefixtures("poor")
def test_runs_are_kept_house_of_without_locks_and_links(seedbed: Callable) -> None:
    run = seedbed("train", "trainer.epochs=2").run
    for words in (
        ["tag", run, "good"],
        ["note", run, "a word"],
        ["resume", run, "trainer.epochs=3"],
    ):
        assert seedbed(*map(str, words)).code == 0
    (found,) = json.loads(seedbed("runs", "--json").out)["runs"]
    assert (found["status"], found["tags"]) == ("completed", ["good"])
    assert not [path for path in run.rglob("*") if path.name in (".held", ".lock")]
    assert seedbed("remove", str(run), "--yes").code == 0
    assert not run.exists()
