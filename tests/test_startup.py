"""What needs no tensors answers without waiting for torch, which takes a second to import."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import processes

PROGRAM = """
import contextlib, gc, importlib, io, json, os, sys
from seedbed.cli.main import main

commands, imported = json.loads(sys.argv[1]), sys.argv[2:]
for module in imported:
    importlib.import_module(module)
gc.freeze()
for name, words in commands.items():
    sys.stdout.flush()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code or 0
    slow = {"torch", "sklearn", "pandas", "tensorboard"} & sys.modules.keys()
    slow |= {"sympy", "torchmetrics", "torch._dynamo", "torch._inductor"} & sys.modules.keys()
    print(json.dumps([name, f"exit code {code} imported {sorted(slow)}"]), flush=True)
    os._exit(0)
"""
"""Each command in a fork of its own, which says what is imported at its end."""

COMPOSE = ["seedbed.cli.train", "seedbed.compose.compose", "seedbed.compose.sweep_jobs"]
TRAIN = ["torch", *COMPOSE, "seedbed.recording.run", "seedbed.fused.engine", "matplotlib.figure"]
TRAIN += ["seedbed.api.sweeping", "seedbed.views.trained", "seedbed.sweep.execution"]
TRAIN += ["seedbed.cli.sweep_report"]
"""What all commands import, and every fork then has; what that brings is told of each."""

ANSWERED = {
    "help": ["--help"],
    "help of train": ["train", "--help"],
    "help of predict": ["predict", "--help"],
    "config": ["train", "--cfg", "job"],
    "defaults": ["train", "--info", "defaults"],
    "curves of a run": ["plot", "run"],
    "table of runs": ["runs", ".", "--filter", "status=completed", "--sort", "train/loss"],
    "runs compared": ["compare", "run"],
    "page of a run": ["report", "run"],
}

REFUSED = {
    "command": ["trian"],
    "key": ["validate", "optimizer.lrr=1"],
    "value": ["train", "trainer.epochs=0"],
    "option": ["train", "model=manuel"],
    "key in a sweep": ["train", "-m", "optimizer.lrr=1,2"],
    "flag of predict": ["predict", "run", "--inptu", "[[1, 2]]"],
    "predict without rows": ["predict", "run"],
    "predict with broken JSON": ["predict", "run", "--input", "[[1"],
    "predict into no folder": ["predict", "run", "--input", "[[1, 2]]", "--output", "no/x.csv"],
    "predict without a run": ["predict", "nope", "--input", "[[1, 2]]"],
    "evaluate without a file": ["evaluate", "run"],
    "evaluate without a run": ["evaluate", "nope", "--file", "rows.csv"],
    "inspect without a flag": ["inspect", "run"],
    "inspect without rows": ["inspect", "run", "--layer", "output"],
    "inspect without a run": ["inspect", "nope", "--weights"],
    "summary without a run": ["summary", "nope"],
    "picture without a file": ["plot", "run", "--kind", "roc"],
    "picture of no rows": ["plot", "run", "--kind", "roc", "--rows", "x", "--output", "x.png"],
    "picture of many": ["plot", ".", "--kind", "roc", "--output", "x.png"],
}


def imported(commands: dict[str, list[str]], *before: str) -> dict[str, str]:
    """What each command says at its end.

    Args:
        commands: by name.
        before: modules that are imported before; it takes a second to import torch for each.
    """
    line = [sys.executable, "-c", PROGRAM, json.dumps(commands), *before]
    kind = processes.ProcessWithTorch if "torch" in before else subprocess.Popen
    done = processes.run(line, capture_output=True, text=True, check=True, kind=kind)
    return dict(json.loads(one) for one in done.stdout.splitlines())


def test_questions_and_mistakes_are_answered_without_torch(tmp_path: Path, sum_run: Path) -> None:
    shutil.copytree(sum_run, tmp_path / "run")
    wanted = dict.fromkeys(ANSWERED, "exit code 0 imported []")
    wanted |= dict.fromkeys(REFUSED, "exit code 2 imported []")
    assert imported(ANSWERED | REFUSED, *COMPOSE) == wanted


RUN, SWEEP = ["train", "trainer.epochs=2"], ["train", "-m", "seed=range(0,3)", "sweep.fuse=always"]
TRAINED = {
    "run": RUN,
    "run of classes": [*RUN, "data=sklearn", "optimizer=adamw", "scheduler=onecycle"],
    "another optimizer": [*RUN, "optimizer._target_=torch.optim.NAdam"],
    "clipped": [*RUN, "optimizer=rmsprop", "trainer.gradient_clip=1", "model=manual"],
    "sweep": [*SWEEP, "loader.batch_size=2", "trainer.epochs=250"],
    "sweep of classes": [
        *(*SWEEP, "data=sklearn", "optimizer=adamw", "scheduler=plateau", "trainer.epochs=3"),
    ],
    "sweep of two classes": [
        *(*SWEEP, "data=sklearn", "data.dataset=breast_cancer", "loss=bce", "trainer.epochs=2"),
        *("model.batch_norm=true", "loader.drop_last=true"),
        *("optimizer=rmsprop", "scheduler=onecycle"),
    ],
}


def test_runs_and_stacks_bring_neither_torch_s_compiler_nor_scikit_learn() -> None:
    """Each of them takes as long to import as all of the training of a sweep."""
    wanted = "exit code 0 imported ['tensorboard', 'torch']"
    assert imported(TRAINED, *TRAIN) == dict.fromkeys(TRAINED, wanted)


def after_torch(line: list[str]) -> subprocess.CompletedProcess[str]:
    """A program that finds torch imported, which takes a second, and nothing else."""
    kind = processes.ProcessWithTorch
    return processes.run(line, capture_output=True, text=True, check=True, kind=kind)


CLOCK = """
import sys
from seedbed.training.progress import Progress

loaded, begin, close = [], Progress.begin_epoch, Progress.close_epoch

def begun(self):
    self.before = set(sys.modules)
    begin(self)

def closed(self, row):
    loaded.extend(set(sys.modules) - self.before)
    close(self, row)

Progress.begin_epoch, Progress.close_epoch = begun, closed
from seedbed.cli.main import main
code = main(sys.argv[1:])
found = {name.partition(".")[0] for name in loaded} - {"torch"}
print("exit code", code, "imported", sorted(found))
"""


def test_the_time_of_training_holds_no_imports() -> None:
    words = ["train", "data=sklearn", "trainer.epochs=2", "trainer.log_histograms=true"]
    line = [sys.executable, "-c", CLOCK, *words]
    done = after_torch(line)
    assert done.stdout.splitlines()[-1] == "exit code 0 imported []"


SCRIPT = """
import os, sys
from seedbed.cli.main import main
from seedbed.process import fast_start
os.cpu_count = lambda: 2
fast_start.begin()
code = main(sys.argv[1:])
print("exit code", code, "imported", sorted({"hydra", "omegaconf", "antlr4"} & sys.modules.keys()))
"""
"""As the console script: another process composes."""


@pytest.mark.parametrize("words", [["-m", "seed=1,2"], ["seed=1"]], ids=["sweep", "run"])
def test_the_process_that_trains_imports_no_hydra(words: list[str]) -> None:
    """The process that composes spares it a tenth of a second."""
    line = [sys.executable, "-c", SCRIPT, "train", "trainer.epochs=2", *words]
    done = after_torch(line)
    assert done.stdout.splitlines()[-1] == "exit code 0 imported []"


LOOKS = """
import json, sys
from seedbed.cli.main import main
from seedbed.process import fast_start
fast_start.begin()
codes = [main(words) for words in json.loads(sys.argv[1])]
slow = {"torch._dynamo", "torch._inductor"} & sys.modules.keys()
print("exit codes", codes, "imported", sorted(slow))
"""


def test_opening_a_run_brings_no_compiler_of_torch_s(tmp_path: Path, table_run: Path) -> None:
    """Its model is first built without memory, by operations that import the compiler."""
    shutil.copytree(table_run, tmp_path / "run")
    (tmp_path / "table.csv").write_bytes((table_run.parents[2] / "table.csv").read_bytes())
    rows = json.dumps([[1, 2, "red"]])
    commands = [
        ["predict", "run", "--input", rows],
        ["evaluate", "run", "--file", "table.csv", "--by", "color"],
        ["inspect", "run", "--weights"],
        ["inspect", "run", "--layer", "hidden_to_output_layer", "--input", rows],
        ["summary", "run"],
        ["resume", "run", "trainer.epochs=3"],
    ]
    line = [sys.executable, "-c", LOOKS, json.dumps(commands)]
    done = after_torch(line)
    assert done.stdout.splitlines()[-1] == "exit codes [0, 0, 0, 0, 0, 0] imported []", done.stderr
