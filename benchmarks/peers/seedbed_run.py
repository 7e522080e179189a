"""Seedbed with its defaults: history, TensorBoard and checkpoints on, determinism asked for."""

import tempfile
import time
from pathlib import Path

from measure.tasks import LEARNING_RATE, SEED, Task

from seedbed.components import AllowList
from seedbed.compose.compose import composed
from seedbed.recording.run import run
from seedbed.runs.directory import claim
from seedbed.training.build_run import build_run


def train(task: Task, epochs: int) -> float:
    """Seconds of the epochs, as `result.json` has them."""
    return _seconds(task, epochs)[0]


def train_with_files(task: Task, epochs: int) -> float:
    """Seconds of all of `run`: also the files at its start and its end."""
    return _seconds(task, epochs)[1]


def _seconds(task: Task, epochs: int) -> tuple[float, float]:
    settings = composed(
        [
            *task.overrides,
            f"seed={SEED}",
            f"model.hidden=[{task.hidden}]",
            f"loader.batch_size={task.batch_size}",
            f"optimizer.lr={LEARNING_RATE}",
            f"trainer.epochs={epochs}",
            "trainer.device=cpu",
        ]
    )
    plan = build_run(settings.config, AllowList())
    with tempfile.TemporaryDirectory() as folder:
        directory = claim(Path(folder) / "run")
        started = time.perf_counter()
        result = run(plan, directory, draw=False)
        whole = time.perf_counter() - started
    if result["steps"] != epochs * task.steps:
        raise RuntimeError(f"{result['status']} after {result['steps']} steps")
    return result["seconds"], whole
