"""Lazy, normalised, pruned and scripted models, and losses with parameters: as in plain torch."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.own_parts import learning, losses
from support.stacked_runs import variants
from torch import nn

from seedbed.components import AllowList
from seedbed.errors import ModelError
from seedbed.models.build import build_model
from seedbed.training.build_run import build_run
from seedbed.training.single import SingleEngine
from seedbed.views.trained import load_trained

pytestmark = pytest.mark.filterwarnings("ignore:.*(weight_norm|jit).*deprecated")

IRIS = ["data=sklearn", "data.split.validation=0.2", "seed=3", "allow=[support]"]
DIABETES = ["data=sklearn", "data.dataset=diabetes", "loader.batch_size=64", "allow=[support]"]
OWN = "model._target_=support.own_parts"

MODELS = ["OldWeightNorm", "OldSpectralNorm", "Pruned", "Scripted", "Lazy", "WeightNorm"]


@pytest.fixture
def own(seedbed: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seedbed  # which clears the environment
    monkeypatch.setenv("SEEDBED_ALLOW", "support")


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("model", MODELS)
def test_a_run_is_resumed_reproduced_and_read(model: str, seedbed: Callable) -> None:
    words = [*IRIS, f"{OWN}.learning.{model}"]
    full = seedbed("train", *words, "trainer.epochs=4", "hydra.run.dir=full").run
    half = seedbed("train", *words, "trainer.epochs=2", "hydra.run.dir=half").run
    assert seedbed("resume", half, "trainer.epochs=4").code == 0
    expected = torch.load(full / "model.pth", weights_only=True)
    found = torch.load(half / "model.pth", weights_only=True)
    assert all(torch.equal(one, found[name]) for name, one in expected.items())
    assert seedbed("reproduce", full).code == 0
    for command in (["summary", full], ["inspect", full, "--weights"]):
        assert seedbed(*command).code == 0
    trained = load_trained(full)
    assert predicts_as_torch(trained.model, expected, getattr(learning, model))


def predicts_as_torch(model: nn.Module, weights: dict[str, Any], kind: Any) -> bool:
    """Whether a model of the class, with these weights, gives the same in plain torch."""
    x = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    plain = kind(out_features=3) if kind is learning.Lazy else kind(4, 3)
    plain.eval()(x)
    plain.load_state_dict(weights)
    with torch.no_grad():
        return torch.equal(model(x), plain(x))


def test_lazy_layers_have_their_sizes_before_anything_is_counted() -> None:
    (config,) = variants([*IRIS, f"{OWN}.learning.Lazy"], [{}], seeds=False)
    assert build_run(config, AllowList(["support"])).parameters == 4 * 8 + 8 + 2 * 8 + 8 * 3 + 3


def test_weights_of_lazy_layers_are_those_of_the_seed() -> None:
    def weights(seed: int) -> list[torch.Tensor]:
        spec = {"_target_": "support.own_parts.learning.Lazy"}
        return list(build_model(spec, AllowList(["support"]), (4,), 3, seed).parameters())

    state = torch.get_rng_state()
    one, again, other = weights(5), weights(5), weights(6)
    assert all(torch.equal(first, second) for first, second in zip(one, again, strict=True))
    assert not torch.equal(one[0], other[0])
    assert torch.equal(state, torch.get_rng_state())


def test_a_lazy_layer_that_is_not_called_is_named() -> None:
    spec = {"_target_": "support.own_parts.learning.Forgotten"}
    with pytest.raises(ModelError, match=r"model: 'late.weight' has no size: its lazy layer"):
        build_model(spec, AllowList(["support"]), (4,), 3, 0)


@pytest.mark.usefixtures("own")
def test_what_a_seed_draws_beside_weights_is_there_in_predictions(seedbed: Callable) -> None:
    """The model is built anew to predict; of another seed, it would be another."""
    words = [*IRIS, f"{OWN}.sharing.RandomFeatures", "trainer.epochs=1", "hydra.run.dir=run"]
    run = seedbed("train", *words).run
    (config,) = variants([*IRIS, f"{OWN}.sharing.RandomFeatures"], [{}], seeds=False)
    model = build_run(config, AllowList(["support"])).model.eval()
    model.load_state_dict(torch.load(run / "model.pth", weights_only=True))
    x = torch.randn(7, 4)
    with torch.no_grad():
        assert torch.equal(load_trained(run).model(x), model(x))


@pytest.mark.parametrize("name", ["NumpysGenerator", "PythonNumber"])
def test_numpy_and_python_draw_by_the_seed_while_a_model_is_built(name: str) -> None:
    spec = {"_target_": f"support.own_parts.sharing.{name}"}
    built = [build_model(spec, AllowList(["support"]), (4,), 3, seed) for seed in (1, 1, 2)]
    first, again, other = (torch.as_tensor(one.scale) for one in built)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("sharing.MovingAttribute", "mean"),
        ("sharing.Counter", "step"),
        ("learning.Unsaved", "mean"),
    ],
)
def test_what_no_checkpoint_holds_is_said(model: str, path: str, seedbed: Callable) -> None:
    result = seedbed("train", *IRIS, f"{OWN}.{model}", "trainer.epochs=1")
    assert result.code == 0
    assert f"the model's '{path}' changed in training, and no checkpoint holds it" in result.out


@pytest.mark.parametrize(
    ("part", "path"),
    [("loss", "calls"), ("optimizer", "steps")],
    ids=["loss", "optimizer"],
)
def test_what_a_loss_or_an_optimizer_loses_is_said(part: str, path: str, seedbed: Callable) -> None:
    own = {"loss": "losses", "optimizer": "optimizers"}[part]
    words = [*DIABETES, f"{part}._target_=support.own_parts.{own}.Counting", "trainer.epochs=1"]
    result = seedbed("train", *words)
    assert f"the {part}'s '{path}' changed in training, and no checkpoint holds it" in result.out


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("part", "path"),
    [("scheduler._target_=Counting", "calls"), ("optimizer._target_=Steps", "steps")],
)
def test_what_a_state_dict_of_ones_own_leaves_out_is_said(
    part: str, path: str, seedbed: Callable
) -> None:
    word = part.replace("=", "=support.own_parts.schedules.")
    result = seedbed("train", *DIABETES, word, "trainer.epochs=2")
    assert result.code == 0, result.err
    what = part.partition(".")[0]
    assert f"the {what}'s '{path}' changed in training, and no checkpoint holds it" in result.out
    more = seedbed("resume", result.run, "trainer.epochs=3")
    assert f"the {what}'s '{path}' changed" in more.out


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "part",
    [
        "scheduler._target_=Saving",
        "scheduler._target_=WithTorchsOwn",
        "optimizer._target_=SavedSteps",
    ],
)
def test_a_state_dict_of_ones_own_that_holds_all_is_resumed(part: str, seedbed: Callable) -> None:
    words = [*DIABETES, part.replace("=", "=support.own_parts.schedules."), "data.split.test=0"]
    full = seedbed("train", *words, "trainer.epochs=4", "hydra.run.dir=full")
    half = seedbed("train", *words, "trainer.epochs=2", "hydra.run.dir=half")
    assert (full.code, half.code) == (0, 0), full.err + half.err
    assert "no checkpoint holds it" not in full.out
    assert seedbed("resume", half.run, "trainer.epochs=4").code == 0
    weights = [torch.load(one.run / "model.pth", weights_only=True) for one in (full, half)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


@pytest.mark.parametrize(
    "part", ["loss._target_=losses.MovingInPlace", "optimizer._target_=optimizers.CountingInGroups"]
)
@pytest.mark.parametrize("scheduler", ["none", "step"])
def test_nothing_is_said_of_a_loss_or_an_optimizer_that_is_saved(
    part: str, scheduler: str, seedbed: Callable
) -> None:
    word = part.replace("=", "=support.own_parts.")
    result = seedbed("train", *DIABETES, word, f"scheduler={scheduler}", "trainer.epochs=1")
    assert result.code == 0
    assert "no checkpoint holds it" not in result.out


@pytest.mark.parametrize(
    "model", ["sharing.Harmless", "learning.MovingBuffer", "learning.ExtraState"]
)
def test_nothing_is_said_where_nothing_is_lost(model: str, seedbed: Callable) -> None:
    result = seedbed("train", *IRIS, f"{OWN}.{model}", "trainer.epochs=1")
    assert "no checkpoint holds it" not in result.out


def test_parameters_of_a_loss_are_trained_as_in_plain_torch() -> None:
    words = [*DIABETES, "loss._target_=support.own_parts.losses.Uncertain", "optimizer=adam"]
    (config,) = variants(words, [{}])
    plan = build_run(config, AllowList(["support"]))
    model, loss = copy.deepcopy(plan.model), losses.Uncertain()
    optimizer = torch.optim.Adam(
        [*model.parameters(), *loss.parameters()], lr=config.optimizer["lr"]
    )
    for x, y in plan.train.epoch(0):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
    engine = SingleEngine(plan)
    for x, y in plan.train.epoch(0):
        engine.step(x, y)
    assert loss.log_scale.item() != 0
    assert torch.equal(plan.head.loss_function.log_scale, loss.log_scale)
    assert all(
        torch.equal(a, b) for a, b in zip(plan.model.parameters(), model.parameters(), strict=True)
    )


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("loss", ["Uncertain", "MovingInPlace"])
def test_the_state_of_a_loss_is_resumed(loss: str, seedbed: Callable) -> None:
    words = [*DIABETES, f"loss._target_=support.own_parts.losses.{loss}", "optimizer=adam"]
    words += ["data.split.validation=0.2"]
    full = seedbed("train", *words, "trainer.epochs=4", "hydra.run.dir=full").run
    half = seedbed("train", *words, "trainer.epochs=2", "hydra.run.dir=half").run
    assert seedbed("resume", half, "trainer.epochs=4").code == 0
    last = [torch.load(run / "checkpoints" / "last.pt", weights_only=True) for run in (full, half)]
    assert all(torch.equal(one, last[1]["loss"][name]) for name, one in last[0]["loss"].items())
    told = [json.loads((Path(run) / "result.json").read_text())["metrics"] for run in (full, half)]
    assert told[0] == told[1]
