"""Weights and intermediate values of trained runs, against what one computes by hand."""

from pathlib import Path

import pytest
import torch
from support.article_nets import X
from support.single_runs import train
from torch.nn import functional

from seedbed.errors import ArgumentError
from seedbed.views import layers
from seedbed.views.trained import TrainedModel, load_trained

STYLES = ["custom", "manual", "sequential"]
HIDDEN = {
    "custom": ("input_to_hidden_layer", "hidden_layer_activation", "hidden_to_output_layer"),
    "manual": ("input_to_hidden_layer", "hidden_layer_activation", "hidden_to_output_layer"),
    "sequential": ("0", "1", "2"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrainedModel]:
    """One short run of each style, opened from its directory alone."""
    folder = tmp_path_factory.mktemp("styles")
    for style in STYLES:
        train(folder / style, f"model={style}", "trainer.epochs=3")
    return {style: load_trained(folder / style) for style in STYLES}


def by_hand(trained: TrainedModel) -> list[torch.Tensor]:
    """The hidden layer, its activation and the output, from the bare weights."""
    weights = list(trained.model.state_dict().values())
    if len(weights) == 2:
        hidden = X @ weights[0]
        return [hidden, hidden.relu(), hidden.relu() @ weights[1]]
    hidden = functional.linear(X, weights[0], weights[1])
    return [hidden, hidden.relu(), functional.linear(hidden.relu(), weights[2], weights[3])]


@pytest.mark.parametrize("style", STYLES)
def test_the_values_of_every_layer_are_those_computed_by_hand(
    runs: dict[str, TrainedModel], style: str
) -> None:
    values = layers.layer_values(runs[style], X)
    assert tuple(values) == HIDDEN[style]
    assert values[HIDDEN[style][1]].shape == (4, 8)
    for value, expected in zip(values.values(), by_hand(runs[style]), strict=True):
        assert torch.equal(value, expected)


@pytest.mark.parametrize("style", STYLES)
def test_both_ways_of_the_article_give_the_same_hidden_values(
    runs: dict[str, TrainedModel], style: str
) -> None:
    values = layers.layer_values(runs[style], X)
    returned = layers.returned_hidden(runs[style], X)
    assert returned is not None
    assert torch.equal(returned, values[HIDDEN[style][1]])
    assert torch.equal(layers.output(runs[style], X), values[HIDDEN[style][2]])


@pytest.mark.parametrize("style", STYLES)
def test_weights_are_those_of_the_state_dict(runs: dict[str, TrainedModel], style: str) -> None:
    told = layers.weights(runs[style])
    state = runs[style].model.state_dict()
    assert list(told) == list(state)
    for name, tensor in state.items():
        assert told[name] == {"shape": list(tensor.shape), "values": tensor.tolist()}


def test_weights_of_the_manual_style_have_the_article_s_shapes(
    runs: dict[str, TrainedModel],
) -> None:
    shapes = {name: told["shape"] for name, told in layers.weights(runs["manual"]).items()}
    assert shapes == {"input_to_hidden_layer": [2, 8], "hidden_to_output_layer": [8, 1]}


@pytest.mark.parametrize("style", STYLES)
def test_names_are_told_with_the_shape_of_a_row(runs: dict[str, TrainedModel], style: str) -> None:
    names = layers.layer_names(runs[style], X)
    assert names == dict(zip(HIDDEN[style], [[8], [8], [1]], strict=True))


def test_a_layer_that_is_not_there_is_refused(runs: dict[str, TrainedModel]) -> None:
    values = layers.layer_values(runs["custom"], X)
    with pytest.raises(
        ArgumentError, match=r"no layer 'hiden_layer_activation'.*did you mean 'hid"
    ):
        layers.chosen(values, ["hiden_layer_activation"])


def test_an_activation_in_place_does_not_overwrite_the_layer_before(tmp_path: Path) -> None:
    words = ["model=sequential", "model.layers=[{Linear:8},{ReLU:{inplace:true}},Linear]"]
    train(tmp_path / "run", *words, "trainer.epochs=1")
    trained = load_trained(tmp_path / "run")
    values = layers.layer_values(trained, X)
    for value, expected in zip(values.values(), by_hand(trained), strict=True):
        assert torch.equal(value, expected)


def test_looking_leaves_no_hooks(runs: dict[str, TrainedModel]) -> None:
    layers.layer_values(runs["custom"], X)
    assert not any(layer._forward_hooks for layer in runs["custom"].model.modules())


def test_a_run_that_returns_its_hidden_values_predicts_and_shows_them(tmp_path: Path) -> None:
    both = train(tmp_path / "both", "model.return_hidden=true", "trainer.epochs=3")
    plain = train(tmp_path / "plain", "trainer.epochs=3")
    assert both.history == plain.history
    trained, other = load_trained(tmp_path / "both"), load_trained(tmp_path / "plain")
    assert torch.equal(layers.output(trained, X), layers.output(other, X))
    assert torch.equal(layers.returned_hidden(trained, X), layers.returned_hidden(other, X))
