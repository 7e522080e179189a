"""Random overrides of jobs, right and wrong, and what Hydra makes of them."""

import copy
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import open_dict

from seedbed.compose import sweep_jobs
from seedbed.compose.compose import ConfigSource, from_hydra, hydra_started
from seedbed.compose.composed import hydra_files
from seedbed.compose.explain import explained
from seedbed.compose.hydra_errors import COMPOSITION_ERRORS
from seedbed.compose.sweep_jobs import JobComposer
from seedbed.config.check import checked
from seedbed.errors import ConfigError

OWN_YAML = {
    "model/linked.yaml": """
_target_: mine.Net
rate: 0.25
same: ${model.rate}
chain: ${.same}
up: ${..optimizer.lr}
deep: {a: 1, b: [1, 2], c: null}
copy: ${model.deep}
told: w${model.rate}-${seed}_${.deep.c}
layers: [{Linear: "${trainer.epochs}"}, ReLU, "${.0}"]
bias: ${oc.env:SEEDBED_NO_SUCH,true}
""",
    "model/around.yaml": """
_target_: mine.Net
one: ${model.two}
two: {three: "${seed}", four: 4}
hidden: ${model.two.four}
""",
    "model/escaped.yaml": "_target_: mine.Net\nhidden: 'x\\${seed}'\nbias: a$b\n",
    "experiment/computed.yaml": """
# @package _global_
name: n_${oc.select:seed}
allow: ["${oc.env:SEEDBED_NO_SUCH,mine}"]
""",
    "experiment/circle.yaml": "# @package _global_\nname: ${seed}\nseed: ${name}\n",
    "experiment/given.yaml": """
# @package _global_
defaults: [{override /data: csv}]
name: ${data.path}
data: {target: y}
trainer: {early_stopping: null}
""",
}
"""A user's own options, with every kind of interpolation."""

GROUPS = [
    "model=manual", "model=sequential", "model=custom", "model=linked", "model=linked",
    "model=around", "model=escaped", "data=sklearn", "data=csv", "data=sum", "optimizer=adam",
    "optimizer=sgd", "scheduler=cosine", "scheduler=onecycle", "scheduler=step", "trainer=quick",
    "loader=full_batch", "experiment=digits_mlp", "experiment=computed", "experiment=circle",
    "experiment=given", "experiment=table", "sweep=default", "loss=huber",
]  # fmt: skip

KEYS = [
    "seed", "name", "allow", "loader.batch_size", "loader.shuffle", "optimizer.lr", "optimizer.lr",
    "optimizer.momentum", "optimizer.betas", "optimizer.weight_decay", "optimizer._target_",
    "trainer.epochs", "trainer.epochs", "trainer.early_stopping", "trainer.early_stopping.patience",
    "trainer.checkpoint_every", "trainer.threads", "trainer.monitor", "model.hidden",
    "model.dropout", "model.rate", "model.same", "model.deep", "model.deep.a", "model.deep.b",
    "model.deep.c", "model.copy", "model.copy.a", "model.two", "model.two.three", "model.layers",
    "model.bias", "scheduler.T_max", "scheduler.max_lr", "scheduler.gamma", "data.dataset",
    "data.path", "data.target", "data.name", "data.split", "data.split.test", "data.x", "data",
    "sweep.workers", "sweep.settings", "sweep.zip", "sweep.plot", "loss.delta",
]  # fmt: skip

VALUES = [
    "0", "1", "2", "3", "7", "-1", "007", "1_000", "0.1", "0.01", "1e-3", "1E5", ".5", "2.", "inf",
    "-0.0", "nan", "12345678901234567890", "true", "false", "True", "null", "NULL", "none", "mine",
    "relu", "adam", "wine", "a-b", "a.csv", "/tmp/x y.csv", "'3'", '"0.1"', "'null'", "'a b'",
    "'it\\'s'", "a\\ b", "ünïcode", "'日本'", "10 steps", "30 s", "''", "", "[]", "[8]", "[4,2]",
    "[0.8,0.9]", "[a,'b c']", "[[1,2],[3,4]]", "[null,true]", "[{a: 1}]", "{}", "{a: 5}",
    "{patience: 2, min_delta: 0.1}", "${trainer.epochs}", "${seed}", "${.hidden}", "${nothing}",
    "x${seed}", "[${seed}]", "'${seed}'", "???", "'???'", "$5", "\\${seed}", "torch.optim.Adam",
]  # fmt: skip

ODD = [
    "+optimizer.new=1", "+model.width=3", "++seed=5", "++model.rate=0.5", "~model.bias", "~loss",
    "~model.bias=true", "+seed=1", "nothing=1", "optimizer.lrr=0.1", "modle=custom", "model=nope",
    "model.hidden.0=3", "model.layers.0.Linear=5", "seed=1,2", "seed=range(3)", "data@x=sum",
    "+model/linked=a", "loader/full_batch=1", "seed", "=3", "seed=[1", "hydra.job.name=mine",
    "hydra.run.dir=here", "experiment=null", "+experiment=computed", "model=null", "data=[null]",
    "trainer.early_stopping.patience.x=1", "seed.x=1", "data={name: mine}", "Seed=1",
    "model.two={three: 3}", "+model.deep.d=${seed}", "$x=1", "model[hidden]=[3]", "seed = 3",
]  # fmt: skip


def override_lists(number: int, seed: int) -> list[list[str]]:
    """Overrides of jobs; most are of groups and values, and keys may come twice."""
    drawn = random.Random(seed)

    def word() -> str:
        kind = drawn.random()
        if kind < 0.25:
            return drawn.choice(GROUPS)
        if kind < 0.29:
            return drawn.choice(ODD)
        return f"{drawn.choice(KEYS)}={drawn.choice(VALUES[:35] if kind < 0.75 else VALUES)}"

    return [[word() for _ in range(drawn.choice((1, 1, 2, 2, 3, 4, 5)))] for _ in range(number)]


@contextmanager
def started(folder: Path) -> Iterator[JobComposer]:
    """Hydra, started with the options above, which are written into `folder`."""
    for name, text in OWN_YAML.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    with hydra_started(ConfigSource(folder)):
        loader = GlobalHydra.instance().config_loader()
        sweep = loader.load_configuration("config", [], run_mode=RunMode.MULTIRUN)
        # Hydra and its errors take a while, and both sides ask them the same.
        loader.load_sweep_config = _once(
            loader.load_sweep_config, lambda config, words: (id(config), *words)
        )
        asked = _once(explained, lambda err, words, name: (type(err), str(err), *words))
        with (
            mock.patch("seedbed.compose.sweep_jobs.explained", asked),
            mock.patch("seedbed.compose.sweep_jobs.checked", _checked),
            mock.patch("seedbed.compose.compose.checked", _checked),
        ):
            yield JobComposer(loader, sweep)


def _checked(plain: dict[str, Any], *groups: Any) -> Any:
    """As `checked`; an error holds the config, which is compared too."""
    try:
        return checked(plain, *groups)
    except ConfigError as err:
        err.add_note(json.dumps(plain))
        raise


def _once(function: Any, key: Any) -> Any:
    """The function, which gives the same again while it is asked the same."""
    latest: dict[Any, Any] = {}

    def asked(*args: Any) -> Any:
        if key(*args) not in latest:
            given = function(*args)  # an error is not kept
            latest.clear()
            latest[key(*args)] = given
        return copy.deepcopy(latest[key(*args)])

    return asked


def difference(composer: JobComposer, words: Sequence[str]) -> str | None:
    """How a job differs from what Hydra composes, or None if it does not."""
    expected = _told(lambda: _by_hydra(composer, words))
    got = _told(lambda: composer.composed(3, words))
    return None if got == expected else f"{words}\n  is {got}\n  not {expected}"


def _by_hydra(composer: JobComposer, words: Sequence[str]) -> Any:
    try:
        config = composer.loader.load_sweep_config(composer.sweep, list(words))
        with open_dict(config):
            config.hydra.job.id, config.hydra.job.num = "3", 3
        return from_hydra(config)
    except COMPOSITION_ERRORS as err:
        raise sweep_jobs.explained(err, words, "config") from err


def _told(compose: Any) -> Any:
    """A job in full, or what is wrong with it."""
    try:
        job = compose()
    except ConfigError as err:
        return err.problems, getattr(err, "__notes__", None)
    except (TypeError, AttributeError, LookupError, AssertionError, RecursionError) as err:
        return f"{type(err).__name__}: {err}"  # Hydra stumbles over words such as data=[null]
    files = hydra_files(replace(job, number=3), Path("there"))
    return repr(job.config), json.dumps([job.resolved, files, job.overrides])
