"""With SEEDBED_FAST_START=0 every command leaves the same files, codes and words, only later."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

ONE = ["hydra.run.dir=run", "trainer.epochs=3"]
MANY = ["-m", "hydra.sweep.dir=sweep", "trainer.epochs=2", "optimizer.lr=0.1,0.01"]
MANY += ["seed=range(0,40)", "sweep.fuse=always"]

COMMANDS = {
    "train -m": [["train", *MANY]],
    "validate": [["validate"], ["validate", "-m", "seed=1,2"]],
    "a wrong key": [["train", "optimizer.lrr=1"], ["validate", "optimizer.lrr=1"], ["trian"]],
    "a run": [
        ["train", *ONE, "optimizer=adamw", "scheduler=step"],
        ["resume", "run", "trainer.epochs=5"],
        ["summary", "run"],
        ["predict", "run", "--input", "[[1, 2]]"],
    ],
    "help": [["--help"], ["--version"], ["predict", "--help"]],
}

CHANGING = re.compile(r"\d+(\.\d+)?(e-?\d+)? ?(s\b|ms\b|seconds|µs)|\d{4}-\d\d-\d\d[ _T][\d:,_.-]+")
"""Times, which no two runs share."""

OTHER_EACH_TIME = {"status.json", "environment.json", "run.log", "history.csv", "result.json"}
"""Files that hold times, of which the test asks only that they are there."""


@pytest.mark.parametrize("commands", COMMANDS.values(), ids=COMMANDS)
def test_it_is_the_same_without_the_fast_start(
    tmp_path: Path,
    seedbed_process: Callable,
    monkeypatch: pytest.MonkeyPatch,
    commands: list[list[str]],
) -> None:
    results = {}
    for switch in ("1", "0"):
        folder = tmp_path / "here"
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("SEEDBED_FAST_START", switch)
        done = [seedbed_process(*words) for words in commands]
        said = [(one.code, _steady(one.out), _steady(one.err)) for one in done]
        results[switch] = (said, _files(folder))
        folder.rename(tmp_path / switch)
    assert results["0"][0] == results["1"][0]
    assert results["0"][1].keys() == results["1"][1].keys()
    for name, content in results["1"][1].items():
        assert results["0"][1][name] == content, name


def _steady(text: str) -> str:
    text = text.replace("\r", "\n")
    return CHANGING.sub("TIME", text)


def _files(folder: Path) -> dict[str, object]:
    """What the commands left, by name; of what holds times the rest."""
    return {_name(path, folder): _content(path) for path in folder.rglob("*") if path.is_file()}


def _name(path: Path, folder: Path) -> str:
    name = str(path.relative_to(folder))
    return re.sub(r"tfevents\..*", "tfevents", name)


def _content(path: Path) -> object:
    if path.name in OTHER_EACH_TIME or "tfevents" in path.name or path.suffix == ".png":
        return None
    if path.suffix in (".pt", ".pth"):
        return _tensors(torch.load(path, weights_only=True))
    return _steady(path.read_text())


def _tensors(value: object) -> object:
    """The weights of a checkpoint as plain values; the rest of one holds times."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ("history", "seconds", "events")}
        return {key: _tensors(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return [_tensors(item) for item in value]
    return value
