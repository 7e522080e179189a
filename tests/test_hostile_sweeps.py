"""A stranger's sweep, and a run's neighbours in it, execute nothing and keep to the bounds."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hostile.bombs import BOMBS
from support.hostile.corpus import ATTACKS, Place
from support.hostile.forks import BOUNDS, forked, needs_linux
from support.hostile.strangers import STRANGERS, wide_layer

from seedbed.cli.main import main

ALL = {**ATTACKS, **BOMBS, **STRANGERS}

OF_NEIGHBOURS = [
    "target-of-the-model", "target-of-the-optimizer", "yaml: a billion laughs", "yaml: ones",
    "model: a billion wide", "model: clones of clones", "model: padding",
    "parquet: one long text",
]  # fmt: skip
"""What a neighbour's config can hold; its weights are not opened."""

OF_SWEEPS = {
    "a wide model": '{"overrides": ["model.hidden=[30000,30000]"]}',
    "a text of a model": '{"overrides": ["model.hidden=' + "[" * 2000 + '"]}',
    "overrides a number": '{"overrides": 5}',
    "overrides of numbers": '{"overrides": [5]}',
    "a number a list": '{"number": []}',
    "a status a list": '{"status": ["completed"]}',
    "an error a list": '{"error": [1]}',
    "a code": '{"overrides": ["+model._target_=os.system", "+model.command=touch canary"]}',
    "a resolver": '{"overrides": ["name=${oc.env:HOME}"]}',
    "a key of Hydra's": '{"overrides": ["hydra.searchpath=[/]"]}',
    "two of one number": '{"number": 1}',
}
"""Keys of the first job in `sweep.json`."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of three jobs that trained together."""
    folder = tmp_path_factory.mktemp("stack")
    before = Path.cwd()
    os.chdir(folder)
    try:
        words = ["seed=1,2,3", "trainer.epochs=2", "sweep.fuse=always", "hydra.sweep.dir=sweep"]
        assert main(["train", "-m", *words]) == 0
    finally:
        os.chdir(before)
    return folder / "sweep"


def told(code: int, err: str) -> bool:
    lines = err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    return code == 2 and bool(errors) and errors == lines and len(err) < 5000


@needs_linux
def test_a_hostile_neighbour_is_refused_within_bounds(stack: Path, tmp_path: Path) -> None:
    lines, attacks = [], {}
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("x")
    for number, name in enumerate(OF_NEIGHBOURS):
        sweep = tmp_path / f"sweep{number}"
        shutil.copytree(stack, sweep)
        ALL[name].make(Place(sweep / "1_seed=2", tmp_path / "outside", tmp_path / "canary"))
        run = str(sweep / "0_seed=1")
        attacks[run] = name
        lines.append(["reproduce", run])
    lines.append(["resume", run, "trainer.epochs=3"])  # opens no neighbour
    wrong = []
    for command, run, code, err, kilobytes in forked(lines, **BOUNDS):
        good = code == 0 if command == "resume" else told(code, err)
        if not good or kilobytes > 2 * 2**20:
            wrong.append(f"{attacks[run]}, {command}: {code}, {kilobytes} KiB: {err[:500]}")
    assert not wrong, "\n".join(wrong)
    assert not (tmp_path / "canary").exists()
    assert (tmp_path / "outside/precious").read_text() == "x"


@needs_linux
def test_a_hostile_sweep_is_not_resumed(stack: Path, tmp_path: Path) -> None:
    lines, attacks = [], {}
    for number, (name, more) in enumerate(OF_SWEEPS.items()):
        sweep = tmp_path / f"sweep{number}"
        shutil.copytree(stack, sweep)
        for file in (sweep / "0_seed=1/status.json", sweep / "0_seed=1/result.json"):
            file.unlink()
        content = json.loads((sweep / "sweep.json").read_text())
        content["jobs"][0].update(json.loads(more))
        (sweep / "sweep.json").write_text(json.dumps(content))
        attacks[str(sweep)] = name
        lines.append(["resume", str(sweep), "--changed"])
    wrong = []
    for _, sweep, code, err, kilobytes in forked(lines, **BOUNDS):
        if not told(code, err) or kilobytes > 2 * 2**20:
            wrong.append(f"{attacks[sweep]}: {code}, {kilobytes} KiB: {err[:500]}")
    assert not wrong, "\n".join(wrong)
    assert not (tmp_path / "canary").exists()
    assert not Path("canary").exists()


@needs_linux
def test_a_sweep_trains_beyond_the_bounds_of_opening(stack: Path, tmp_path: Path) -> None:
    """They hold while it is opened; a second of work is far more than that takes."""
    sweep = tmp_path / "sweep"
    shutil.copytree(stack, sweep)
    for file in (*sweep.glob("*/status.json"), *sweep.glob("*/result.json")):
        file.unlink()
    ((_, _, code, err, _),) = forked([["resume", str(sweep)]], SEEDBED_OPEN_GB="1")
    assert (code, err) == (0, "")
    assert len(list(sweep.glob("*/result.json"))) == 3


@needs_linux
@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ({"SEEDBED_OPEN_GB": "0.01"}, "takes more than 0.01 GB of memory"),
        ({"SEEDBED_OPEN_SECONDS": "0.001"}, "takes more than 0.001 s"),
    ],
)
def test_the_console_script_bounds_its_own_process(
    sum_run: Path, tmp_path: Path, bound: dict[str, str], said: str
) -> None:
    shutil.copytree(sum_run, tmp_path / "run")
    wide_layer(Place(tmp_path / "run", tmp_path, tmp_path / "canary"), 2**24)
    script = Path(sys.executable).with_name("seedbed")
    done = subprocess.run(
        [script, "predict", "run", "--input", "[[1, 2]]"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **bound},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: opening 'run' ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_stack_that_is_not_trained_together_any_more_is_told_in_one_line(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a run from before there was a rule against it, which a changed class breaks too."""
    code = "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self):\n"
    code += "        super().__init__(2, 1)\n"
    Path("mine.py").write_text(code)
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.setenv("SEEDBED_ALLOW", "mine")
    words = ["model._target_=mine.Net", "seed=1,2,3", "trainer.epochs=2", "sweep.fuse=always"]
    sweep = seedbed("train", "-m", *words).sweep
    sys.modules.pop("mine")
    Path("mine.py").write_text(
        code + "        import torch\n        self.order = torch.randperm(9).tolist()\n"
    )
    result = seedbed("reproduce", next(sweep.glob("0_*")))
    assert result.code == 2
    assert len(result.errors) == 1
    assert "its runs were trained together, and are not any more" in result.errors[0]
    assert "'order" in result.errors[0]
    assert "Traceback" not in result.err
