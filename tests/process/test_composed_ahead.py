"""A config is composed in a fork while torch is imported; nobody can tell, but by the time."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support import processes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

MISTAKES = {
    "run": ["train", "optimizer.lrr=1"],
    "sweep": ["train", "-m", "optimizer.lrr=1,2"],
    "validate a sweep": ["validate", "-m", "model=custom,manuel"],
    "summary": ["summary", "model.hidden=[0]"],
}

SLOW_OWN_CONFIG = """
import os, sys, time
from seedbed.cli.main import script
from seedbed.compose import compose

def slow(*_):
    print("composing", os.getpid(), flush=True)
    time.sleep(60)

compose.composed = slow
sys.argv = ["seedbed", "train"]
script()
"""
"""The program, with a composition that takes a minute."""


@pytest.mark.parametrize("words", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_once(seedbed_anew: Callable, words: list[str]) -> None:
    result = seedbed_anew(*words)
    assert result.code == 2
    assert len(result.err.splitlines()) == len(result.errors) == 1
    assert not list(Path.cwd().iterdir())


def test_a_mistake_is_told_with_a_traceback_if_asked(
    seedbed_anew: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_DEBUG", "1")
    result = seedbed_anew("train", "optimizer.lrr=1")
    assert result.code == 2
    assert "Traceback" in result.err


@pytest.mark.parametrize(
    "words",
    [["hydra.run.dir=made/run"], ["-m", "seed=1,2", "hydra.sweep.dir=made/sweep"]],
    ids=["run", "sweep"],
)
def test_a_run_is_the_same_without_a_fork(seedbed: Callable, words: list[str]) -> None:
    """In this process there is none."""
    asked = ["train", "trainer.epochs=2", *words]
    line = [sys.executable, "-m", "seedbed", *asked]
    processes.run(line, capture_output=True, check=True, kind=processes.ProcessWithTorch)
    Path("made").rename("there")
    assert seedbed(*asked).code == 0
    written = {path.relative_to("there") for path in Path("there").rglob("*.yaml")}
    assert written == {path.relative_to("made") for path in Path("made").rglob("*.yaml")}
    assert "hydra.yaml" in {path.name for path in written}
    for path in written:
        there, here = (yaml.safe_load((Path(one) / path).read_text()) for one in ("there", "made"))
        assert there == here, path


def test_what_hydra_itself_is_to_run_is_run_by_it(seedbed_process: Callable) -> None:
    result = seedbed_process(
        "train", "-m", "hydra/launcher=basic", "trainer.epochs=1", "seed=1,2", "hydra.sweep.dir=s"
    )
    assert result.code == 0, result.err
    assert len(list(Path("s").glob("*/result.json"))) == 2


def test_ctrl_c_ends_both_processes_with_one_line() -> None:
    process, composing = _composing()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 130
    assert said.splitlines() == ["error: interrupted"]
    assert not _lives(composing)


def test_a_fork_that_is_killed_is_told() -> None:
    process, composing = _composing()
    os.kill(composing, signal.SIGKILL)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 1
    assert said == "error: the process that composes the config died of signal 9\n"


def _composing() -> tuple[subprocess.Popen[str], int]:
    """The program while it composes, and the process that does."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SLOW_OWN_CONFIG)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    word, pid = process.stdout.readline().split()
    assert word == "composing"
    assert int(pid) != process.pid
    return process, int(pid)


def _lives(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True
