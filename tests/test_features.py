"""The table of the page about features: each cell is what came of a run here."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from support import processes
from support.command_line import Command
from support.image_files import write_shapes

from seedbed import train

ROOT = Path(__file__).parents[1]
Killing = Callable[[Path, Sequence[str], Sequence[str]], int]
PAGE, KILLING = ROOT / "docs" / "features.md", ROOT / "tests" / "support" / "killing_itself.py"

OWN = "support.own_parts"
FEATURES = {
    "class weights": ["data.target=kind", "loss=cross_entropy", "loss.class_weights=auto"],
    "focal loss": ["data.target=kind", "loss=focal", "loss.class_weights=auto"],
    "`pos_weight`, smoothing": [
        *("data.target=q", "loss=bce", "loss.pos_weight=auto", "loss.label_smoothing=0.1"),
    ],
    "`data.task=multilabel`": ["data.target=[p,q]", "data.task=multilabel"],
    "weights of labels": [
        *("data.target=[p,q]", "data.task=multilabel", "loss=bce", "loss.pos_weight=auto"),
    ],
    "`data.task=counts`": ["data.target=n", "data.task=counts"],
    "`loss=quantile`": ["data.target=a", "loss=quantile"],
    "`data.task=reconstruction`": ["data.target=null", "data.task=reconstruction"],
    "`metrics`": [
        *("data.target=kind", "allow=[support]", "trainer.monitor=val/CohenKappa"),
        "metrics=[accuracy,CohenKappa,{_target_: support.own_parts.metrics.Share}]",
    ],
    "a function as `loss`": [
        *("data.target=a", "allow=[support]", "+loss.scale=0.5"),
        "loss._target_=support.own_parts.metrics.logcosh",
    ],
    "`data.folds`, `data.weight`": [
        *("data.target=a", "data.folds=3", "data.fold=1", "data.weight=n"),
    ],
    "`data.split.by`": ["data.target=a", "data.split.by=kind", "data.split.seed=0"],
    "`data.split.time`": ["data.target=a", "data.split.time=n"],
    "`trainer.max_steps`": ["data.target=a", "trainer.max_steps=6"],
    "`trainer.max_time`": ["data.target=a", "trainer.max_time='1 h'"],
    "`trainer.limit_batches`": ["data.target=a", "trainer.limit_batches=3"],
    "`trainer.overfit_batches`": ["data.target=a", "trainer.overfit_batches=2", "trainer.epochs=4"],
    "`trainer.detect_anomaly`": ["data.target=a", "trainer.detect_anomaly=true"],
    "`trainer.log_gradients`": ["data.target=a", "trainer.log_gradients=true"],
    "`trainer.compile`": ["data.target=a", "trainer.compile=aot_eager"],
    "`init.run`, `init.freeze`": [
        *("data.target=a", "init.run={source}", "init.freeze=['^input_to_hidden']"),
        "init.reset=['^hidden_to_output']",
    ],
    "`init.frozen_eval`, batch norm": [
        *("data.target=a", "init.run={source}", "init.freeze=['^input_to','^hidden_layer_norm']"),
        *("init.frozen_eval=true", "model.batch_norm=true", "init.strict=false"),
    ],
    "`scheduler.warmup`": ["data.target=a", "scheduler=cosine", "scheduler.warmup='5 steps'"],
    "`scheduler=sequence`": [
        *("data.target=a", "scheduler=sequence", "scheduler.milestones=[1]", "trainer.epochs=3"),
        "scheduler.schedulers=[{ConstantLR:{factor:0.5}},{ExponentialLR:{gamma:0.9}}]",
    ],
    "`scheduler=chain`": [
        *("data.target=a", "scheduler=chain", "trainer.epochs=3"),
        "scheduler.schedulers=[{LinearLR:{total_iters:2}},{ExponentialLR:{gamma:0.9}}]",
    ],
    "`trainer.accumulate`": ["data.target=a", "loader.batch_size=4", "trainer.accumulate=4"],
    "`optimizer.groups`, `no_decay`": [
        *("data.target=a", "optimizer=adamw", "optimizer.no_decay=true"),
        "optimizer.groups={head:{params:'^hidden_to',lr:0.1}}",
    ],
    "`trainer.select=ema`": ["data.target=a", "trainer.select=ema", "trainer.ema_decay=0.5"],
    "`trainer.select=swa`": [
        *("data.target=a", "trainer.select=swa", "trainer.swa_start=1", "trainer.epochs=4"),
    ],
    "`trainer.select=swa`, batch norm": [
        *("data.target=a", "trainer.select=swa", "trainer.swa_start=1", "trainer.epochs=4"),
        "model.batch_norm=true",
    ],
    "`step`": [
        *("data.target=a", f"step._target_={OWN}.steps.penalized", "allow=[support]"),
        "trainer.monitor=val/fit",
        "step.higher_is_better={fit: false}",
    ],
    "`step` that draws": [
        *("data.target=a", f"step._target_={OWN}.steps.shrunk", "allow=[support]"),
        "sweep.allow_random=true",
    ],
    "`callbacks`": [
        *("data.target=a", "allow=[support]", "trainer.epochs=3"),
        f"callbacks=[{{_target_:{OWN}.callbacks.Hears}},{{_target_:{OWN}.callbacks.stops}}]",
    ],
    "`callbacks` of each step": [
        *("data.target=a", "allow=[support]", "trainer.epochs=3"),
        f"callbacks=[{{_target_:{OWN}.callbacks.Steps,last:7}}]",
    ],
    "`optimizer=nadam`": ["data.target=a", "optimizer=nadam", "optimizer.weight_decay=0.1"],
    "`data=npy`": ["data=npy", "data.path={arrays}"],
    "`loader.num_workers`": ["data.target=a", "loader.num_workers=2"],
    "`optimizer=lion`": ["data.target=a", "optimizer=lion", "optimizer.lr=0.01"],
}
OWN = ["data=dataset", "data.target=label", "allow=[support]", "loader.collate=pad"]
OWN += ["data.train={_target_:support.own_parts.sequences.Sequences,kind:mapping,rows:80}"]
MODELS = "model._target_=support.own_parts.sequences"
FEATURES |= {
    "a Dataset's rows, padded, with masks": [*OWN, f"{MODELS}.Masked", "data.in_memory=true"],
    "a Dataset's rows, padded, `loader.buckets`": [*OWN, f"{MODELS}.Packed", "loader.buckets=3"],
}
IMAGES = ["data=images", "data.path={shapes}", "allow=[support]"]
IMAGES += ["model._target_=support.own_parts.convolving.SmallResNet"]
FEATURES |= {
    "`data=images`, `data.transforms`": [
        *(*IMAGES, "data.transforms=[RandomHorizontalFlip,{RandomCrop:{size:10,padding:2}}]"),
    ],
}
COMMON = ["data=csv", "data.features=[b,c]", "data.split={validation:0.3,stratify:false}"]
COMMON += ["loader.batch_size=16", "trainer.epochs=2", "trainer.checkpoint_every='3 steps'"]
ALONE = ["hydra.run.dir=made"]
TOGETHER = ["-m", "seed=1,2", "sweep.workers=0", "hydra.sweep.dir=made"]
SINGLY = {
    "`data=npy`",
    "`loader.num_workers`",
    "weights of labels",
    "`trainer.max_time`",
    "`trainer.detect_anomaly`",
    "`trainer.compile`",
    "`trainer.select=swa`, batch norm",
    "a Dataset's rows, padded, `loader.buckets`",
    "`callbacks` of each step",
}
"""What runs one by one in a sweep; all else is asked to train together, however fast that is."""
IMPORTED = {
    "`metrics`": ["torchmetrics"],
    "`trainer.compile`": ["torch._dynamo.backends.debugging", "torch._inductor.pattern_matcher"],
}
"""What a feature takes long to import."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows, and a run to start from."""
    made = tmp_path_factory.mktemp("features")
    drawn = np.random.default_rng(0)
    x = drawn.normal(size=(90, 3))
    n, kinds = drawn.poisson(np.exp(x[:, 1])), np.digitize(x[:, 2] + drawn.normal(size=90), [0, 1])
    rows = [
        f"{a:.5f},{b:.5f},{c:.5f},{i},{'xyz'[k]},{int(k > 0)},{int(b > 0.3)}"
        for (a, b, c), i, k in zip(x, n, kinds, strict=True)
    ]
    (made / "rows.csv").write_text("\n".join(["a,b,c,n,kind,p,q", *rows, ""]))
    write_shapes(made / "shapes", 90)
    (made / "arrays").mkdir()
    np.save(made / "arrays" / "x.npy", x)
    np.save(made / "arrays" / "y.npy", x.sum(axis=1))
    known = [*COMMON, f"data.path={made / 'rows.csv'}", "data.target=a", "trainer.epochs=1"]
    train(*known, directory=made / "source")
    return made


@pytest.fixture(scope="module")
def killing() -> Iterator[Killing]:
    """Runs a command line in a folder until it was killed after 4 steps; the signal of its end.

    Modules that it imports are named, so that this happens once for all.
    """
    line = [sys.executable, str(KILLING), "many"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}  # with the classes of some runs
    with processes.Process(line, text=True, env=env, **pipes) as process:

        def killed(where: Path, words: Sequence[str], modules: Sequence[str]) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            print(json.dumps([[str(where), words, *modules]]), file=process.stdin, flush=True)
            (ended,) = json.loads(process.stdout.readline())
            return int(ended)

        yield killed


def place(folder: Path, name: str, together: bool) -> Path:
    return folder / f"{list(FEATURES).index(name)}{'s' if together else ''}"


def words(folder: Path, name: str, together: bool) -> list[str]:
    where = f"data.path={folder / 'rows.csv'}"
    fuse = ["sweep.fuse=always"] if together and name not in SINGLY else []
    places = {f"{{{name}}}": folder / name for name in ("source", "shapes", "arrays")}
    own = FEATURES[name]
    for mark, path in places.items():
        own = [one.replace(mark, str(path)) for one in own]
    common = (
        COMMON[2:] if {"data=dataset", "data=images", "data=npy"} & {*own} else [*COMMON, where]
    )
    return [*(TOGETHER if together else ALONE), *fuse, *common, *own]


def content(run: Path) -> tuple[list[str], dict[str, torch.Tensor], object]:
    """The history without the seconds, the weights, and the metrics."""
    history = (run / "history.csv").read_text().splitlines()
    result = json.loads((run / "result.json").read_text())
    weights = torch.load(run / "model.pth", weights_only=True)
    return [line.rpartition(",")[0] for line in history], weights, result["metrics"]


def same(one: Path, other: Path) -> bool:
    first, second = content(one), content(other)
    alike = all(torch.equal(value, second[1][name]) for name, value in first[1].items())
    return alike and (first[0], first[2]) == (second[0], second[2])


def cells(seedbed: Command, killing: Killing, folder: Path, name: str) -> list[str]:
    """What comes of a feature: alone, in a stack, resumed, reproduced."""
    found: dict[str, list[bool]] = {"made": [], "resumed": [], "reproduced": []}
    fused = ""
    for together in (False, True):
        killed, whole = (place(folder, name, together) / one for one in ("killed", "whole"))
        for one in (killed, whole):
            one.mkdir(parents=True)
        line = ["train", *words(folder, name, together)]
        assert killing(killed, line, IMPORTED.get(name, [])) == signal.SIGKILL
        made = whole / "made"
        asked = [one.replace("dir=made", f"dir={made}") for one in words(folder, name, together)]
        result = seedbed("train", *asked)
        found["made"].append(result.code == 0)
        runs = sorted(path.parent for path in made.rglob("model.pth"))
        assert len(runs) == (2 if together else 1), result.err
        assert not list(killed.rglob("model.pth")), "it was over before it was killed"
        assert seedbed("resume", killed / "made").code == 0
        pairs = [(run, killed / "made" / run.relative_to(made)) for run in runs]
        found["resumed"].append(all(same(*pair) for pair in pairs))
        again = seedbed("reproduce", runs[-1])
        found["reproduced"].append(again.out.splitlines()[-1] == "identical")
        if together:
            engine = json.loads((runs[0] / "result.json").read_text())["engine"]
            fused = "yes" if engine == "fused" else "no"
    yes = {name: "yes" if all(each) else "no" for name, each in found.items()}
    return [yes["made"], fused, yes["resumed"], yes["reproduced"]]


@pytest.mark.slow
@pytest.mark.parametrize("name", FEATURES)
def test_table_tells_what_comes_of_each(
    seedbed: Command, killing: Killing, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_ALLOW", "support")
    row = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", PAGE.read_text(), flags=re.M)
    assert row is not None
    told = [re.sub(r" \(.*", "", one.strip()) for one in row[1].split("|")]
    assert told == cells(seedbed, killing, folder, name)
