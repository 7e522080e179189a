"""Python's garbage collector rests while modules are imported, and never while a model computes."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from support import processes

WATCHED = """
import gc, sys, weakref
from torch import nn

# Not in this module: a model that changes what is its own is not stacked.
sys.watched_seen = []
sys.watched_models = weakref.WeakSet()

class Watched(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)
        sys.watched_models.add(self)

    def __deepcopy__(self, memo):
        copy = type(self)()
        copy.load_state_dict(self.state_dict())
        return copy

    def forward(self, x):
        sys.watched_seen.append(gc.isenabled())
        return super().forward(x)
"""

PROGRAM = """
import contextlib, gc, io, json, sys
from seedbed.cli import main
from seedbed.process import fast_start, freeing

freeing.WORTH = -1  # whatever their size
told = []
for words in json.loads(sys.argv[1]):
    if "-m" in words:  # a sweep's models are counted
        gc.unfreeze()
        gc.collect()
    fast_start.begin()
    with contextlib.redirect_stdout(io.StringIO()):
        code = main.main(words)
    seen, models = sys.watched_seen, sys.watched_models
    told.append([code, gc.isenabled(), sorted(set(seen)), len(models)])
    seen.clear()
print(json.dumps(told))
"""

MODEL = ("model._target_=watched.Watched", "trainer.epochs=2")
RUN, SWEEP, ROWS = "hydra.run.dir=run", "hydra.sweep.dir=sweep", "[[1, 2]]"
SHAPES = ("loader.batch_size=1,2,3,4", "seed=1,2", "sweep.fuse=always")
COMMANDS = {
    "train": ["train", *MODEL, RUN],
    "sweep": ["train", "-m", *MODEL, *SHAPES, SWEEP],
    "single jobs": ["train", "-m", *MODEL, "seed=1,2", "sweep.fuse=never"],
    "resume": ["resume", "run", "trainer.epochs=4"],
    "reproduce": ["reproduce", "sweep/0_loader.batch_size=1_seed=1"],
    "predict": ["predict", "run", "--input", ROWS],
    "inspect": ["inspect", "run", "--layers"],
    "summary": ["summary", "run"],
    "summary of a config": ["summary", *MODEL],
    "validate": ["validate", *MODEL],
}
NO_FORWARD = {"plot": ["plot", "run"]}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of each command: its exit code, whether the collector is on at its end and whenever the
    model computed, and how many models are left."""
    folder = tmp_path_factory.mktemp("collected")
    (folder / "watched.py").write_text(WATCHED)
    commands = COMMANDS | NO_FORWARD
    line = [sys.executable, "-c", PROGRAM, json.dumps(list(commands.values()))]
    done = processes.run(
        line,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "SEEDBED_ALLOW": "watched"},
        kind=processes.ProcessWithTorch,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(commands, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_collector_is_on_while_a_model_computes(told: dict[str, Any], command: str) -> None:
    code, at_the_end, during, _ = told[command]
    assert (code, at_the_end, during) == (0, True, [True])


@pytest.mark.parametrize("command", NO_FORWARD)
def test_the_collector_is_on_at_the_end(told: dict[str, Any], command: str) -> None:
    assert told[command][:2] == [0, True]


def test_the_models_of_a_stack_are_freed_at_its_end(told: dict[str, Any]) -> None:
    """Four stacks made dozens of copies; what the last one holds may still be there."""
    assert told["sweep"][3] <= 2


def test_called_from_python_seedbed_leaves_the_collector_alone(tmp_path: Path) -> None:
    program = """
import gc
gc.disable()
gc.unfreeze()  # what was imported before is no matter
frozen = gc.get_freeze_count()  # from Python 3.12 on a few objects are from the start
from seedbed.cli.main import main
assert main(["train", "trainer.epochs=1"]) == 0
assert not gc.isenabled() and gc.get_freeze_count() == frozen
"""
    line = [sys.executable, "-c", program]
    kind = processes.ProcessWithTorch
    processes.run(line, check=True, capture_output=True, cwd=tmp_path, kind=kind)


IMPORTING = """
import gc
from seedbed.process import fast_start
gc.unfreeze()
during = []
try:
    with fast_start.importing():
        during.append(gc.isenabled())
        raise ImportError
except ImportError:
    print(*during, gc.isenabled(), gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(
    ("switch", "said"), [("1", "False True True"), ("0", "True True False")], ids=["on", "off"]
)
def test_the_collector_rests_while_a_task_imports(switch: str, said: str) -> None:
    line = [sys.executable, "-c", IMPORTING]
    environment = {**os.environ, "SEEDBED_FAST_START": switch}
    done = processes.run(line, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said
