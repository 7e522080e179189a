"""`model.layers`: torch.nn's layers in YAML, in every spelling, with what comes in inferred."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import nn

from seedbed.components import AllowList
from seedbed.compose.compose import composed
from seedbed.errors import SeedbedError
from seedbed.models.build import build_model


def built(layers: Sequence[Any] | str, shape: Sequence[int] = (2,), outputs: int = 1) -> nn.Module:
    """The model of a list of layers, as Python has it or as it is typed."""
    words = ["model=sequential", *([f"model.layers={layers}"] if isinstance(layers, str) else [])]
    spec = composed(words).resolved["model"]
    if not isinstance(layers, str):
        spec["layers"] = list(layers)
    return build_model(spec, AllowList(), shape, outputs, 5)


def same(ours: nn.Module, plain: Any, shape: Sequence[int]) -> None:
    """The layers, their settings, their starting weights and their output are the plain ones'."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected = plain()
    assert [repr(layer) for layer in ours] == [repr(layer) for layer in expected]
    assert list(ours.state_dict()) == list(expected.state_dict())
    for name, tensor in expected.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor)
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ours.eval()(x), expected.eval()(x))


def article() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))


@pytest.mark.parametrize(
    "layers",
    [
        "[{Linear:8},ReLU,Linear]",
        "[{Linear:[2,8]},{ReLU:null},{Linear:1}]",
        "[{Linear:{out_features:8}},{ReLU:{}},{Linear:{in_features:8,out_features:1}}]",
        "[{_target_:torch.nn.Linear,out_features:8},{_target_:torch.nn.ReLU},Linear]",
        "[{torch.nn.Linear:8},torch.nn.ReLU,torch.nn.Linear]",
    ],
    ids=["name and size", "all in order", "by name", "_target_", "dotted"],
)
def test_every_spelling_builds_the_article_s_network(layers: str) -> None:
    same(built(layers), article, (2,))


def test_a_bias_can_be_left_out() -> None:
    ours = built("[{Linear:{out_features:8,bias:false}},ReLU,Linear]")
    same(ours, lambda: nn.Sequential(nn.Linear(2, 8, bias=False), nn.ReLU(), nn.Linear(8, 1)), (2,))


def test_a_convolutional_network_has_its_sizes_inferred() -> None:
    layers = """[
        {Unflatten: [1, [1, 8, 8]]}, {Conv2d: {out_channels: 6, kernel_size: 3, padding: 1}},
        BatchNorm2d, ReLU, {MaxPool2d: 2}, {Conv2d: [6, 12, 3]}, {Dropout2d: 0.2}, Flatten,
        {Linear: 16}, {LayerNorm: {}}, GELU, {Dropout: 0.5}, BatchNorm1d, Linear]"""
    ours = built(" ".join(layers.split()), (64,), outputs=10)
    same(
        ours,
        lambda: nn.Sequential(
            nn.Unflatten(1, [1, 8, 8]), nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(),
            nn.MaxPool2d(2), nn.Conv2d(6, 12, 3), nn.Dropout2d(0.2), nn.Flatten(),
            nn.Linear(48, 16), nn.LayerNorm(16), nn.GELU(), nn.Dropout(0.5), nn.BatchNorm1d(16),
            nn.Linear(16, 10),
        ),
        (64,),
    )  # fmt: skip


def test_rows_of_higher_rank_reach_the_first_layer() -> None:
    ours = built([{"Conv2d": [3, 4, 3]}, "ReLU", "Flatten", "Linear"], (3, 5, 5), outputs=2)
    same(
        ours,
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2)),
        (3, 5, 5),
    )


def test_sizes_come_from_one_row_alone_and_leave_the_statistics_untouched() -> None:
    ours = built([{"Linear": 4}, "BatchNorm1d", {"Dropout": 0.5}, "Linear"])
    norm = ours[1]
    assert norm.num_batches_tracked == 0
    assert torch.equal(norm.running_mean, torch.zeros(4))
    assert all(layer.training for layer in ours)


def test_return_hidden_gives_what_goes_into_the_last_layer() -> None:
    spec = composed(["model=sequential", "model.return_hidden=true"]).resolved["model"]
    spec["layers"] = [{"Linear": 8}, "Tanh", "Linear"]
    output, hidden = build_model(spec, AllowList(), [2], 1, 5)(torch.ones(4, 2))
    assert hidden.shape == (4, 8)
    assert output.shape == (4, 1)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["Liner"], r"model\.layers\[0\].*Liner.*did you mean.*Linear"),
        (
            [{"Linear": 8}, {"Conv2d": [1, 4, 3]}],
            r"layers\[1\]: Conv2d does not take rows of \(8,\): they are no images; type data=",
        ),
        (
            [{"Linear": 8}, {"Conv1d": [1, 4, 3]}],
            r"Conv1d .* rows of \(8,\): they have no channels; put {Unflatten: \[1, \[1, 8\]\]} be",
        ),
        (["ReLU", {"ReLU": [1, 2, 3]}], r"layers\[1\]: ReLU takes 1 arguments, got 3"),
        ([{"Flatten": {"begin": 1}}], r"layers\[0\]\.begin.*takes start_dim, end_dim"),
        ([7], r"layers\[0\] must be a layer's name"),
        ([{"os.system": "ls"}], r"layers\[0\]: 'os\.system' is not allowed"),
        (
            [{"GRU": {"input_size": 2, "hidden_size": 4}}],
            r"layers\[0\]: GRU gives a tuple, and .* type model\._target_=my_package\.MyNet",
        ),
        ([{"LSTM": 4}, "Linear"], r"layers\[0\]: LSTM gives a tuple, and .* type model\._target_"),
        ([{"LSTMCell": 4}, "Linear"], r"layers\[0\]: LSTMCell gives a tuple"),
        (
            [
                {"Unflatten": [1, [1, 2]]},
                {"MaxPool1d": {"kernel_size": 2, "return_indices": True}},
            ],
            r"layers\[1\]: MaxPool1d gives a tuple",
        ),
        (
            [
                {"Unflatten": [1, [1, 2]]},
                {"TransformerEncoderLayer": {"d_model": 2, "nhead": 1, "batch_first": False}},
            ],
            r"layers\[1\]: .* would take the rows of a batch for .* leave batch_first out",
        ),
    ],
    ids=[
        "misspelt",
        "does not fit",
        "no channels",
        "too many",
        "unknown argument",
        "no layer",
        "not allowed",
        "GRU",
        "LSTM by its size",
        "LSTMCell",
        "indices",
        "rows for steps",
    ],
)
def test_a_layer_that_cannot_be_is_named(layers: list[Any], message: str) -> None:
    with pytest.raises(SeedbedError, match=message):
        built(layers)


def test_images_are_not_asked_for_where_there_are_some() -> None:
    layers = ["Flatten", {"Linear": 8}, {"Conv2d": [1, 4, 3]}]
    with pytest.raises(SeedbedError, match=r"Conv2d does not take rows of \(8,\): Expected 3D"):
        built(layers, shape=(1, 8, 8))


def test_attention_in_a_list_looks_at_one_row_alone() -> None:
    encoder = {"TransformerEncoderLayer": {"d_model": 2, "nhead": 1, "dim_feedforward": 4}}
    model = built([{"Unflatten": [1, [1, 2]]}, encoder, "Flatten", "Linear"]).eval()
    rows = torch.randn(5, 2)
    torch.testing.assert_close(model(rows)[:1], model(rows[:1]))
