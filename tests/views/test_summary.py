"""The table of layers: torchsummary's where it can, the right totals always."""

import contextlib
import io

import pytest
import torch
import torchsummary
from support.article_nets import sequential_net
from support.single_runs import prepared
from torch import Tensor, nn

from seedbed.views.summary import layer_rows, model_table, totals


class Recurrent(nn.Module):
    """torchsummary fails on a GRU's pair of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 4, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(x)[0][:, -1])


class Dictionary(nn.Module):
    """torchsummary fails on outputs that are no tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ModuleDict({"a": nn.Linear(5, 3)})
        self.pair = _Pair()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.pair(self.inner["a"](x))


class _Pair(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"x": x, "twice": 2 * x}


class Shared(nn.Module):
    """torchsummary counts a layer as often as it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 5)
        self.again = self.layer

    def forward(self, x: Tensor) -> Tensor:
        return self.again(torch.relu(self.layer(self.layer(x))))


class Bare(nn.Module):
    """torchsummary sees only what is called weight or bias, and not in the root."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(5))
        self.inner = nn.Linear(5, 1)
        self.inner.extra = nn.Parameter(torch.ones(7))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x * self.scale)


class Whole(nn.Module):
    """Takes whole numbers, so that no row of zeros in float32 goes through."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.words(x).mean(dim=1))


USERS = {
    "GRU": (Recurrent, (7, 3), 3 * 4 * 3 + 3 * 4 * 4 + 2 * 3 * 4 + 4 * 2 + 2),
    "dict": (Dictionary, (5,), 18),
    "shared": (Shared, (5,), 30),
    "bare": (Bare, (5,), 5 + 6 + 7),
    "whole numbers": (Whole, (4,), 66 + 7),
}


@pytest.mark.parametrize(
    ("words", "total"),
    [
        (["model=custom"], 33),
        (["model=sequential"], 33),
        (["model=manual"], 24),
        (["model=manual", "model.bias=true"], 33),
        (["model=custom", "model.hidden=[6,4]", "model.batch_norm=true"], 18 + 12 + 28 + 8 + 5),
    ],
    ids=["custom", "sequential", "manual", "manual with bias", "deep"],
)
def test_totals_are_true_for_every_style(words: list[str], total: int) -> None:
    _, plan = prepared(*words)
    assert totals(plan.model) == (total, total)
    table = model_table(plan.model, [2])
    assert f"Total params: {total}\n" in table
    assert f"Trainable params: {total}\n" in table
    assert sum(row.parameters for row in layer_rows(plan.model, [2])) == total


def test_the_table_of_the_article_is_torchsummary_s() -> None:
    _, plan = prepared("model=sequential")
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        torchsummary.summary(sequential_net(), (2,), device="cpu")
    table = model_table(plan.model, [2])
    assert table.strip() == text.getvalue().strip()
    for line in ("Linear-1 [-1, 8] 24", "ReLU-2 [-1, 8] 0", "Linear-3 [-1, 1] 9"):
        assert line in " ".join(table.split())


@pytest.mark.parametrize("style", ["custom", "sequential"])
def test_rows_are_those_of_torchsummary(style: str) -> None:
    _, plan = prepared(f"model={style}")
    rows = [(row.name, row.shape, row.parameters) for row in layer_rows(plan.model, [2])]
    assert rows == [("Linear-1", [-1, 8], 24), ("ReLU-2", [-1, 8], 0), ("Linear-3", [-1, 1], 9)]


def test_rows_of_the_manual_style_are_its_parameters() -> None:
    _, plan = prepared("model=manual")
    rows = [(row.path, row.shape, row.parameters) for row in layer_rows(plan.model, [2])]
    assert rows == [
        ("input_to_hidden_layer", [-1, 8], 16),
        ("hidden_layer_activation", [-1, 8], 0),
        ("hidden_to_output_layer", [-1, 1], 8),
    ]


@pytest.mark.parametrize("name", USERS)
def test_a_model_that_torchsummary_cannot_count_has_its_true_total(name: str) -> None:
    made, shape, total = USERS[name]
    model = made()
    assert totals(model)[0] == total == sum(p.numel() for p in model.parameters())
    assert f"Total params: {total}\n" in model_table(model, shape)


@pytest.mark.parametrize("name", ["GRU", "dict", "bare", "whole numbers"])
def test_its_rows_add_up_to_the_total(name: str) -> None:
    made, shape, total = USERS[name]
    assert sum(row.parameters for row in layer_rows(made(), shape)) == total


def test_what_does_not_learn_is_told_apart() -> None:
    model = sequential_net()
    model[0].weight.requires_grad_(False)
    assert totals(model) == (33, 17)
    assert "Non-trainable params: 16\n" in model_table(model, [2])


@pytest.mark.parametrize("name", [*USERS, "batch norm"])
def test_looking_leaves_no_trace(name: str) -> None:
    class Normed(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))

    made, shape, _ = {**USERS, "batch norm": (Normed, (5,), 0)}[name]
    model = made().train()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    model_table(model, shape)
    layer_rows(model, shape)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    for layer in model.modules():
        assert layer.training
        assert not layer._forward_hooks
