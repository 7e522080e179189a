"""A module that a program built is trained as it is: its weights, and a copy of it."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import processes
from torch import nn

import seedbed as front
from seedbed import errors

X = np.random.default_rng(0).normal(size=(24, 3))
PAIR = (X, X.sum(axis=1))
WORDS = ("trainer.epochs=2", "data.split.test=0")
ROWS = [[1.0, 2.0, 3.0]]


class Net(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first = nn.Linear(3, width)
        self.last = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x).relu())


def state_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def half_frozen() -> Net:
    net = Net()
    net.first.requires_grad_(False)
    return net


@pytest.fixture(scope="module")
def built() -> Net:
    torch.manual_seed(11)
    return Net()


@pytest.fixture(scope="module")
def run(built: Net, tmp_path_factory: pytest.TempPathFactory) -> front.Run:
    folder = tmp_path_factory.mktemp("built") / "run"
    return front.train(*WORDS, model=built, data=PAIR, directory=folder)


def test_a_copy_is_trained_from_the_weights_as_they_are(run: front.Run, built: Net) -> None:
    torch.manual_seed(11)
    assert equal(state_of(built), state_of(Net()))
    assert built.training
    start = torch.load(run.path / "checkpoints" / "start.pt", weights_only=True)
    assert equal(start, state_of(built))
    model = run.model()
    assert isinstance(model, Net)
    assert not model.training
    assert not equal(state_of(model), start)
    expected = model(torch.tensor(run_inputs(run), dtype=torch.float32)).item()
    mean, scale = (preprocessing(run)[key][0] for key in ("target_mean", "target_scale"))
    assert run.predict(ROWS)[0] == pytest.approx([expected * scale + mean], rel=1e-6)


def preprocessing(run: front.Run) -> Any:
    import json

    return json.loads((run.path / "preprocessing.json").read_text())


def run_inputs(run: front.Run) -> list[list[float]]:
    features = preprocessing(run)["features"]
    return [
        [(v - one["mean"]) / one["scale"] for v, one in zip(row, features, strict=True)]
        for row in ROWS
    ]


def test_the_steps_are_those_of_the_same_class_by_its_name(
    tmp_path: Path, seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.py").write_text("from torch import nn\nclass Net(nn.Linear): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SEEDBED_ALLOW", "mine")
    import mine

    words = [*WORDS, "seed=5", "model._target_=mine.Net"]
    by_name = front.train(*words, data=PAIR)
    torch.manual_seed(5)
    by_hand = front.train(*WORDS, "seed=5", data=PAIR, model=mine.Net(3, 1))
    assert equal(state_of(by_name.model()), state_of(by_hand.model()))


def test_the_config_tells_that_it_cannot_build_it(run: front.Run) -> None:
    model = run.config["model"]
    assert model["_target_"].endswith("test_built_models.Net")
    assert set(model) == {"_target_", "handed_in"}


def test_elsewhere_a_module_is_handed_in(run: front.Run, seedbed: Callable) -> None:
    opened = front.load_run(run.path)
    assert opened.metrics == run.metrics
    with pytest.raises(errors.ModelError, match=r"seedbed.load_run\(RUN, model=module\)") as caught:
        opened.predict(ROWS)
    assert len(caught.value.problems) == 1
    assert front.load_run(run.path, model=Net()).predict(ROWS) == run.predict(ROWS)
    with pytest.raises(errors.CheckpointError, match=r"model\.pth"):
        front.load_run(run.path, model=Net(5)).predict(ROWS)
    for words in (["predict", run.path, "--input", "[[1,2,3]]"], ["summary", run.path]):
        said = seedbed(*words)
        assert (said.code, len(said.errors)) == (2, 1)
        assert "a Python program built it" in said.errors[0]


def test_it_goes_on_and_is_reproduced_with_any_module_of_its_form(
    tmp_path: Path, built: Net
) -> None:
    run = front.train(*WORDS, model=built, data=PAIR, directory=tmp_path / "run")
    assert front.reproduce(run.path, data=PAIR, model=Net())
    longer = front.resume(run.path, "trainer.epochs=4", data=PAIR, model=Net())
    whole = front.train(*WORDS, "trainer.epochs=4", model=built, data=PAIR)
    assert equal(state_of(longer.model()), state_of(whole.model()))
    assert front.reproduce(run.path, data=PAIR, model=Net())
    with pytest.raises(errors.CheckpointError, match=r"start\.pt"):
        front.reproduce(run.path, data=PAIR, model=Net(5))
    for call in (
        front.reproduce,
        lambda path, **more: front.resume(path, "trainer.epochs=5", **more),
    ):
        with pytest.raises(errors.ModelError, match="a Python program built it"):
            call(run.path, data=PAIR)


def test_it_goes_on_only_where_the_same_parameters_learn(tmp_path: Path) -> None:
    run = front.train(*WORDS, model=half_frozen(), data=PAIR, directory=tmp_path / "run")
    start = torch.load(run.path / "checkpoints" / "start.pt", weights_only=True)
    trained = state_of(run.model())
    assert torch.equal(trained["first.weight"], start["first.weight"])
    assert not torch.equal(trained["last.weight"], start["last.weight"])
    for other in (Net(), Net().double()):
        with pytest.raises(errors.ModelError, match="which parameters learn"):
            front.resume(run.path, "trainer.epochs=3", data=PAIR, model=other)
        with pytest.raises(errors.ModelError, match="which parameters learn"):
            front.reproduce(run.path, data=PAIR, model=other)
    assert equal(state_of(run.model()), trained)
    assert front.resume(run.path, "trainer.epochs=3", data=PAIR, model=half_frozen())
    assert front.load_run(run.path, model=Net()).predict(ROWS)  # nothing learns in predictions


def test_every_job_of_a_sweep_begins_with_its_weights(
    tmp_path: Path, built: Net, seedbed: Callable
) -> None:
    words = (*WORDS, "seed=1,2", "optimizer.lr=0.01,0.001", "sweep.fuse=always")
    sweep = front.sweep(*words, model=built, data=PAIR, directory=tmp_path / "sweep")
    assert sweep.statuses == {"completed": 4}
    assert equal(torch.load(sweep.path / "start.pt", weights_only=True), state_of(built))
    single = front.train(*WORDS, "seed=2", "optimizer.lr=0.001", model=built, data=PAIR)
    assert sweep[3].metrics["train/loss"] == pytest.approx(single.metrics["train/loss"], rel=1e-4)
    assert isinstance(sweep[0].model(), Net)
    assert front.reproduce(sweep[0].path, data=PAIR, model=Net())
    assert front.load_sweep(sweep.path, model=Net())[1].predict(ROWS) == sweep[1].predict(ROWS)
    (sweep[2].path / "status.json").write_text('{"status": "failed"}')
    said = seedbed("resume", sweep.path)
    assert (said.code, len(said.errors)) == (2, 1)
    with pytest.raises(errors.ModelError, match="trains a module that a Python program built"):
        front.resume(sweep.path, data=PAIR)
    again = front.resume(sweep.path, data=PAIR, model=Net())
    assert again.statuses == {"completed": 4}
    assert again[2].status == "completed"


class Drawing(Net):
    """Draws from all global generators."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        import random

        noise = random.random() + np.random.rand() + torch.rand(1)
        return super().forward(x) + (0.01 * noise if self.training else 0.0)


def test_what_its_code_draws_is_the_run_s_own() -> None:
    torch.manual_seed(1)
    module = Drawing()
    np.random.seed(3)
    one = front.train(*WORDS, model=module, data=PAIR)
    np.random.rand(5)
    other = front.train(*WORDS, model=module, data=PAIR)
    assert equal(state_of(one.model()), state_of(other.model()))


class Sum(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(dim=1, keepdim=True)


class Locked(nn.Linear):
    def __init__(self) -> None:
        super().__init__(3, 1)
        self.lock = threading.Lock()


WRONG: dict[str, tuple[Any, tuple[str, ...], type[Exception], str]] = {
    "a class": (Net, (), errors.ModelError, r"model is a class; build it: model=Net\(...\)"),
    "no module": ("manual", (), errors.ModelError, "got str; a style of Seedbed's is an override"),
    "other width": (
        nn.Linear(7, 1),
        (),
        errors.ModelError,
        "model does not take the data: a batch",
    ),
    "other outputs": (nn.Linear(3, 2), (), errors.ModelError, "forward gives"),
    "lazy": (lambda: nn.LazyLinear(1), (), errors.ModelError, "let a batch through it first"),
    "no copy": (lambda: Locked(), (), errors.ModelError, "Locked cannot be copied: TypeError"),
    "scripted": (
        lambda: nn.Sequential(torch.jit.script(nn.Linear(3, 1))),
        (),
        errors.ModelError,
        "give the module that it was scripted from",
    ),
    "frozen": (Net().requires_grad_(False), (), errors.ModelError, "all 4 parameters of Net are"),
    "nothing to learn": (Sum(), (), errors.ModelError, "Sum has no parameters, so there"),
    "a style beside": (Net(), ("model=manual",), errors.ArgumentError, "or 'model=manual'"),
    "a key beside": (
        Net(),
        ("model.hidden=[3]",),
        errors.ArgumentError,
        "leave out it or 'model.h",
    ),
}


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize(("model", "words", "kind", "message"), WRONG.values(), ids=WRONG)
def test_wrong_modules_are_refused(model: Any, words: tuple, kind: type, message: str) -> None:
    model = model() if not isinstance(model, type) and "lambda" in repr(model) else model
    with pytest.raises(kind, match=message) as caught:
        front.train(*WORDS, *words, model=model, data=PAIR)
    assert len(caught.value.problems) == 1
    assert not Path("outputs").exists()


def test_a_module_is_not_asked_for_where_the_config_builds_the_model(tmp_path: Path) -> None:
    run = front.train("trainer.epochs=1", directory=tmp_path / "run")
    for call in (front.reproduce, front.resume):
        with pytest.raises(errors.ArgumentError, match="describes its model; leave out model="):
            call(run.path, model=Net())
        with pytest.raises(errors.ArgumentError, match="not trained on rows in memory; leave out"):
            call(run.path, data=PAIR)
    with pytest.raises(errors.ArgumentError, match="describes its model; leave out model="):
        front.load_run(run.path, model=Net()).predict([[1, 2]])


def test_worker_processes_are_handed_rows_and_modules(tmp_path: Path) -> None:
    words = (*WORDS, "seed=1,2", "sweep.workers=2", "sweep.fuse=never")
    sweep = front.sweep(*words, model=nn.Linear(3, 1), data=PAIR, directory=tmp_path / "sweep")
    assert (sweep.statuses, sweep.failed) == ({"completed": 2}, {})
    with pytest.raises(errors.ModelError, match=r"sweep\.workers=2: .* is a class of this program"):
        front.sweep(*words, model=OfMain(3, 1), data=PAIR)
    with pytest.raises(errors.ModelError, match="Unpicklable cannot be pickled: "):
        front.sweep(*words, model=Unpicklable(3, 1), data=PAIR)


class OfMain(nn.Linear):
    """As if its program had been started as a script."""


OfMain.__module__ = "__main__"


class Unpicklable(nn.Linear):
    def __reduce__(self) -> Any:
        raise TypeError("no")


NOTEBOOK = """
import seedbed, torch
from torch import nn

class Net(nn.Linear):
    pass

run = seedbed.train("trainer.epochs=1", model=Net(2, 1))
print(run.config["model"]["_target_"], run.predict([[1, 2]]).values, flush=True)
"""


def test_a_class_of_the_main_module_needs_no_allowing() -> None:
    done = processes.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout.startswith("__main__.Net [["), done.stderr
