"""Losses that are functions: the user's own, and those of torch.nn.functional."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.composing import composed_quickly
from support.single_runs import Trained, prepared, same_weights, train
from support.stacked_runs import fused, planned

from seedbed.errors import ConfigError, ModelError, NotAllowedError
from seedbed.fused.stackable import vmap_blocker

DIABETES = ["data=sklearn", "data.dataset=diabetes", "loader.batch_size=64", "trainer.epochs=2"]
OWN = "support.own_parts.metrics"
ALLOW = "allow=[support.own_parts]"


def own(name: str, *more: str) -> list[str]:
    return [*DIABETES, ALLOW, f"loss._target_={OWN}.{name}", *more]


def by_hand(run: Trained, scale: float) -> float:
    """The loss of the test rows, from the model and the rows alone."""
    x, y = run.plan.data.test.tensors
    with torch.no_grad():
        apart = run.plan.model.eval()(x) - y.reshape(len(y), -1)
    return float((scale * apart).cosh().log().mean())


def test_a_function_is_trained_by_with_its_arguments_alone_and_in_a_stack(tmp_path: Path) -> None:
    words = own("logcosh", "+loss.scale=0.5")
    run = train(tmp_path / "run", *words)
    assert run.result["metrics"]["test/loss"] == pytest.approx(by_hand(run, 0.5), rel=1e-5)
    assert run.history["train/loss"][1] < run.history["train/loss"][0]
    stack = fused([words, [*words, "seed=1"]])
    assert stack.metrics[0] == pytest.approx(run.result["metrics"], rel=1e-4)


def test_a_loss_is_in_evaluation_mode_where_rows_are_measured(tmp_path: Path) -> None:
    words = [*DIABETES, ALLOW, "loss._target_=support.own_parts.losses.Doubled"]
    run = train(tmp_path / "run", *words)
    x, y = run.plan.data.test.tensors
    with torch.no_grad():
        error = (run.plan.model.eval()(x) - y.reshape(len(y), -1)).square().mean()
    assert run.result["metrics"]["test/loss"] == pytest.approx(2 * float(error), rel=1e-6)
    plain = train(tmp_path / "plain", *DIABETES, "loss=mse")
    assert run.history["train/loss"] == pytest.approx(plain.history["train/loss"], rel=1e-6)
    stack = fused([words, [*words, "seed=1"]])
    assert stack.metrics[0] == pytest.approx(run.result["metrics"], rel=1e-4)


def test_a_sum_is_summed_over_the_epoch(tmp_path: Path) -> None:
    words = own("summed", "optimizer.lr=1e-5")
    run = train(tmp_path / "run", *words)
    torchs = ["loss._target_=torch.nn.MSELoss", "+loss.reduction=sum"]
    other = [*DIABETES, "optimizer.lr=1e-5", "loss._target_=torch.nn.SmoothL1Loss", *torchs[1:]]
    assert prepared(*other)[1].head.is_sum
    assert run.plan.head.is_sum
    assert run.history["train/loss"][0] > 100


REFUSED = {
    "nothing": ("loss: .*nothing gives nothing, training takes one number, .* line 54, in nothing"),
    "of_rows": ("gives 54 numbers for a batch of 54 rows, .*; return their mean .* line 74"),
    "plain_number": "gives a float, training takes one number, a tensor .* line 78, in plain",
    "detached": "a number without a gradient, .*without .item.., .detach.. or NumPy .* line 82",
    "raising": r"raises KeyError: 'x' \(.*metrics.py, line 51, in raising\)",
    "turned": r"turned takes \(y_true, y_pred\), and is called with the outputs and then the targ",
    "Turned": r"Turned takes \(target, output\), and is called with the outputs and then t",
    "summe": "no class and no function 'summe' .* did you mean 'summed'",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_loss_is_refused_with_its_line(name: str) -> None:
    with pytest.raises((ModelError, NotAllowedError), match=REFUSED[name]) as caught:
        prepared(*own(name))
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["+loss.scal=2"], "no key 'loss.scal': logcosh takes scale; did you mean 'scale'"),
        (
            ["data.weight=w"],
            "gives the loss of a batch, and rows are weighed by the loss of each",
        ),
    ],
)
def test_what_does_not_go_with_a_function_is_refused(words: list[str], told: str) -> None:
    Path("rows.csv").write_text("a,y,w\n" + "".join(f"{n},{n % 5},{n}\n" for n in range(40)))
    table = ["data=csv", "data.path=rows.csv", "data.target=y", *own("logcosh")[2:]]
    with pytest.raises((ConfigError, NotAllowedError), match=told):
        prepared(*table, *words)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("branching", "branches on data"),
        ("counting", "counted[0]' changes in training and is neither parameter nor buffer"),
        ("logcosh", None),
    ],
)
def test_a_function_is_stacked_where_it_gives_what_it_gives_alone(
    name: str, why: str | None
) -> None:
    words = own(name)
    configs = [composed_quickly([*words, f"seed={seed}"]).config for seed in (0, 1)]
    found = vmap_blocker(planned(configs))
    assert (found is None) == (why is None), found
    assert why is None or why in str(found)


def test_a_loss_of_functional_is_its_class(tmp_path: Path) -> None:
    words = ["loss._target_=torch.nn.functional.huber_loss", "loss.delta=2.0"]
    found = composed_quickly([*DIABETES, "loss=huber", "loss.delta=2.0"])
    named = composed_quickly([*DIABETES, words[0], "+loss.delta=2.0"])
    assert named.config.loss == found.config.loss
    assert "torch.nn.functional.huber_loss is torch.nn.HuberLoss" in named.notes
    assert same_weights(
        train(tmp_path / "one", *DIABETES, "loss=huber").weights,
        train(tmp_path / "other", *DIABETES, words[0]).weights,
    )


def test_a_loss_of_functional_is_refused_where_its_class_is(seedbed: Callable) -> None:
    result = seedbed("train", *DIABETES, "loss._target_=torch.nn.functional.cross_entropy")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "loss=cross_entropy does not fit the target 'target', which is real-valued" in result.err
    result = seedbed("train", *DIABETES, "loss._target_=torch.nn.functional.relu")
    assert "'torch.nn.functional.relu' is not allowed; of torch.nn.functional losses" in result.err


def test_a_model_without_a_gradient_is_told_apart_from_its_loss(seedbed: Callable) -> None:
    Path("still.py").write_text(
        "import torch\n\nclass Still(torch.nn.Linear):\n"
        "    def forward(self, x):\n        return super().forward(x).detach()\n"
    )
    result = seedbed("train", *DIABETES, "allow=[still]", "model._target_=still.Still")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "model: forward of Still gives an output without a gradient" in result.err
    assert "(still.py, line 4, in forward)" in result.err
