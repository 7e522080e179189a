"""A process that calls Seedbed, and says what of it changed: `python watched.py each|loop`."""

import asyncio
import gc
import hashlib
import json
import locale
import logging
import os
import pickle
import random
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer

import seedbed


def digest(content: object) -> str:
    return hashlib.sha256(pickle.dumps(content)).hexdigest()[:12]


def log_state(name: str) -> list[Any]:
    logger = logging.getLogger(name)
    return [logger.level, logger.propagate, logger.disabled, [repr(one) for one in logger.handlers]]


def state() -> dict[str, Any]:
    store = ConfigStore.instance().repo
    return {
        "logs": {
            name: log_state(name) for name in ("", "seedbed", "py.warnings", "hydra", "torch")
        },
        "logging": [
            logging.raiseExceptions,
            logging.root.manager.disable,
            repr(logging.lastResort),
        ],
        "collector": [
            gc.isenabled(),
            gc.get_threshold(),
            gc.get_freeze_count(),
            repr(gc.callbacks),
        ],
        "path": list(sys.path),
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "umask": os.umask(os.umask(0)),
        "locale": locale.setlocale(locale.LC_ALL),
        "argv": list(sys.argv),
        "hooks": [
            repr(sys.excepthook),
            repr(sys.displayhook),
            repr(sys.gettrace()),
            repr(sys.getprofile()),
        ],
        "streams": [repr(sys.stdout), repr(sys.stderr), repr(sys.stdin)],
        "signals": {
            str(one): repr(signal.getsignal(one)).partition(" running at")[0]
            for one in signal.valid_signals()
            if one not in (9, 19)
        },
        "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        "random": digest(random.getstate()),
        "numpy": digest(np.random.get_state()),
        "torch": digest(torch.get_rng_state().numpy().tobytes()),
        "flags": [
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
            torch.get_num_threads(),
            torch.get_num_interop_threads(),
            str(torch.get_default_dtype()),
            str(torch.get_default_device()),
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.get_float32_matmul_precision(),
            torch.is_anomaly_enabled(),
            torch.is_autocast_enabled("cpu"),
        ],
        "errors of NumPy": [np.geterr(), np.get_printoptions()["precision"]],
        "warnings": [repr(warnings.filters), repr(warnings.showwarning)],
        "hydra": [
            repr(GlobalHydra.instance().hydra),
            repr(HydraConfig.instance().cfg),
            digest(sorted(store)),
        ],
        "resolvers": sorted(map(repr, BaseContainer._resolvers.items())),
        # multiprocessing's own servers stay for the next sweep in processes, and end with this one
        "children": len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()) > 2
        if sys.platform == "linux"
        else 0,
    }


def differences(before: dict[str, Any]) -> dict[str, Any]:
    after = state()
    return {key: [before[key], after[key]] for key in before if before[key] != after[key]}


def fails(call: Callable, kind: type[BaseException]) -> Callable:
    def failing() -> None:
        try:
            call()
        except kind:
            return
        raise SystemExit(f"{kind.__name__} was not raised")

    return failing


MINE = """
import signal, os, random, warnings
import numpy as np
import torch
from torch import nn

class Net(nn.Linear):
    def forward(self, x):
        warnings.warn("not for the terminal")
        random.random(); np.random.rand(); torch.rand(1)
        if len(x) == 3: raise ValueError("three")
        self.seen = getattr(self, "seen", 0) + 1
        if len(x) == 1 and self.seen == 3: os.kill(os.getpid(), signal.SIGINT)
        return super().forward(x)
"""
own = ["model._target_=mine.Net", "allow=[mine]", "trainer.epochs=2"]
rows = [[10, 11]]
calls = {
    "train": lambda: seedbed.train("trainer.epochs=2", directory="run"),
    "train with checks of determinism off": lambda: seedbed.train(
        "trainer.epochs=1", "trainer.deterministic=false"
    ),
    "train on own code": lambda: seedbed.train(*own, "loader.batch_size=4", directory="own"),
    "wrong key": fails(lambda: seedbed.train("optimizer.lrr=1"), seedbed.errors.ConfigError),
    "wrong YAML": fails(lambda: seedbed.train("model=none"), seedbed.errors.ConfigError),
    "own code raises": fails(
        lambda: seedbed.train(*own, "loader.batch_size=3", "loader.drop_last=true"),
        seedbed.errors.SeedbedError,
    ),
    "own code raises at the start": fails(
        lambda: seedbed.train(*own, "model.bias=x", "+model.no=3"), seedbed.errors.SeedbedError
    ),
    "interrupted": fails(lambda: seedbed.train(*own, "loader.batch_size=1"), KeyboardInterrupt),
    "sweep": lambda: seedbed.sweep("seed=range(0,3)", "trainer.epochs=2", directory="sweep"),
    "sweep in processes": lambda: seedbed.sweep(
        "seed=1,2", "trainer.epochs=1", "sweep.workers=2", "sweep.fuse=never"
    ),
    "sweep of own code": lambda: seedbed.sweep(*own, "seed=1,2", "loader.batch_size=4,2"),
    "wrong sweep": fails(lambda: seedbed.sweep("seed=1,x"), seedbed.errors.ConfigError),
    "validate": lambda: seedbed.validate("data=sklearn"),
    "validate a sweep": lambda: seedbed.validate("seed=1,2", sweep=True),
    "wrong config": fails(lambda: seedbed.validate("seed=x"), seedbed.errors.ConfigError),
    "resume": lambda: seedbed.resume("run", "trainer.epochs=3"),
    "resume a sweep": lambda: seedbed.resume("sweep"),
    "resume what is none": fails(lambda: seedbed.resume("none"), seedbed.errors.RunDirectoryError),
    "reproduce": lambda: seedbed.reproduce("run"),
    "reproduce of a stack": lambda: seedbed.reproduce(seedbed.load_sweep("sweep")[0].path),
    "load": lambda: [
        run.history for run in [seedbed.load_run("run"), *seedbed.load_sweep("sweep")]
    ],
    "look": lambda: [
        (run := seedbed.load_run("run")).model(),
        run.predict(rows),
        run.activations(rows),
        run.weights(),
        run.summary(),
        run.plot(),
        run.plot("residuals", [[1, 2], [3, 4]], [3, 7.5])._repr_png_(),
        repr(run),
        run._repr_html_(),
    ],
    "wrong rows": fails(lambda: seedbed.load_run("run").predict([[1]]), seedbed.errors.DataError),
    "no such rows": fails(
        lambda: seedbed.load_run("run").plot("residuals"), seedbed.errors.DataError
    ),
    "not allowed": fails(lambda: seedbed.load_run("own").model(), seedbed.errors.NotAllowedError),
}


def each() -> dict[str, Any]:
    found = {}
    for name, call in calls.items():
        before = state()
        call()
        if changed := differences(before):
            found[name] = changed
    return found


async def under_a_loop() -> dict[str, Any]:
    task = asyncio.create_task(asyncio.sleep(60))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, print)
    before = state()
    for name in ("train", "sweep", "interrupted", "wrong key"):
        calls[name]()
    await asyncio.to_thread(seedbed.train, "trainer.epochs=1")
    task.cancel()
    return differences(before)


def prepare() -> None:
    """Makes the process one that is not like others."""
    gc.unfreeze()  # what was frozen before may be freed, and is counted
    warnings.simplefilter("error")
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(2)
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)
    gc.set_threshold(500, 7, 7)
    signal.signal(signal.SIGTERM, lambda *_: None)
    Path("theirs").mkdir()
    Path("theirs/config.yaml").write_text("mine: 1")
    OmegaConf.register_new_resolver("now", lambda text: "never")
    initialize_config_dir(str(Path("theirs").resolve()), version_base="1.3").__enter__()
    Path("mine.py").write_text(MINE)


if __name__ == "__main__":  # the processes of a sweep import this as well
    prepare()
    result = each() if sys.argv[1] == "each" else asyncio.run(under_a_loop())
    Path("found.json").write_text(json.dumps(result))
