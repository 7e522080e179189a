"""The three styles: the article's names and shapes, and the same maths."""

from typing import Any

import pytest
import torch
from support.article_nets import ARTICLE_NETS, X
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.compose.compose import composed
from seedbed.models import CustomMLP, ManualMLP, SequentialMLP
from seedbed.models.activations import ACTIVATIONS
from seedbed.models.build import build_model

STYLES = list(ARTICLE_NETS)


def built(*overrides: str, inputs: int = 2, outputs: int = 1, seed: int = 0) -> nn.Module:
    """The model that overrides describe."""
    spec = composed(overrides).resolved["model"]
    return build_model(spec, AllowList(), [inputs], outputs, seed)


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def with_the_same_weights(**settings: Any) -> tuple[CustomMLP, ManualMLP, SequentialMLP]:
    """One network of each style, with custom's weights in all."""
    custom = CustomMLP(3, 2, **settings)
    manual, sequential = ManualMLP(3, 2, **settings), SequentialMLP(3, 2, **settings)
    weights = list(custom.state_dict().values())
    sequential.load_state_dict(dict(zip(sequential.state_dict(), weights, strict=True)))
    turned = [weight.t() if weight.ndim == 2 else weight for weight in weights]
    manual.load_state_dict(dict(zip(manual.state_dict(), turned, strict=True)))
    return custom, manual, sequential


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (
            "custom",
            {
                "input_to_hidden_layer.weight": (8, 2),
                "input_to_hidden_layer.bias": (8,),
                "hidden_to_output_layer.weight": (1, 8),
                "hidden_to_output_layer.bias": (1,),
            },
        ),
        ("manual", {"input_to_hidden_layer": (2, 8), "hidden_to_output_layer": (8, 1)}),
        ("sequential", {"0.weight": (8, 2), "0.bias": (8,), "2.weight": (1, 8), "2.bias": (1,)}),
    ],
    ids=STYLES,
)
def test_names_and_shapes_are_the_article_s(
    style: str, expected: dict[str, tuple[int, ...]]
) -> None:
    assert shapes(built(f"model={style}")) == expected
    assert shapes(ARTICLE_NETS[style]()) == expected


def test_the_layers_of_custom_have_the_article_s_names() -> None:
    names = [name for name, _ in built("model=custom").named_children()]
    assert names == ["input_to_hidden_layer", "hidden_layer_activation", "hidden_to_output_layer"]


def test_further_hidden_layers_stand_between() -> None:
    custom = built("model=custom", "model.hidden=[5,4]", inputs=3, outputs=2)
    assert [name for name, _ in custom.named_children()] == [
        "input_to_hidden_layer",
        "hidden_layer_activation",
        "hidden_to_hidden_layer_1",
        "hidden_layer_activation_1",
        "hidden_to_output_layer",
    ]
    assert shapes(built("model=manual", "model.hidden=[5,4]", inputs=3, outputs=2)) == {
        "input_to_hidden_layer": (3, 5),
        "hidden_to_hidden_layer_1": (5, 4),
        "hidden_to_output_layer": (4, 2),
    }
    sequential = shapes(built("model=sequential", "model.hidden=[5,4]", inputs=3, outputs=2))
    assert [shape for name, shape in sequential.items() if "weight" in name] == [
        (5, 3),
        (4, 5),
        (2, 4),
    ]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(8,), (5, 4, 6)], ids=str)
def test_the_three_compute_the_same(activation: str, hidden: tuple[int, ...]) -> None:
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    custom, manual, sequential = with_the_same_weights(
        hidden=hidden, activation=activation, bias=True
    )
    torch.testing.assert_close(sequential(x), custom(x), rtol=0, atol=0)
    torch.testing.assert_close(manual(x), custom(x))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_the_three_learn_the_same(bias: bool) -> None:
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    models = with_the_same_weights(hidden=(6,), bias=bias)
    for model in models:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
    custom, manual, sequential = models
    torch.testing.assert_close(sequential(x), custom(x), rtol=0, atol=0)
    torch.testing.assert_close(manual(x), custom(x))


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**63 - 1])
@pytest.mark.parametrize("style", STYLES)
def test_starting_weights_are_those_of_the_article_s_class_after_manual_seed(
    style: str, seed: int
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        plain = ARTICLE_NETS[style]()
    ours = built(f"model={style}", seed=seed)
    assert list(ours.state_dict()) == list(plain.state_dict())
    for name, tensor in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor)


def test_a_linear_start_of_manual_is_that_of_custom() -> None:
    manual = built("model=manual", "model.start=linear", "model.bias=true", seed=3)
    custom = built("model=custom", seed=3)
    turned = [w.t() if w.ndim == 2 else w for w in custom.state_dict().values()]
    for ours, expected in zip(manual.state_dict().values(), turned, strict=True):
        assert torch.equal(ours, expected)


@pytest.mark.parametrize(
    ("start", "filled"),
    [("xavier", nn.init.xavier_uniform_), ("kaiming", nn.init.kaiming_uniform_)],
)
def test_other_starts_of_manual_are_torch_s(start: str, filled: Any) -> None:
    manual = built("model=manual", f"model.start={start}", inputs=300, outputs=200, seed=3)
    extra = {"nonlinearity": "relu"} if start == "kaiming" else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        expected = filled(torch.empty(8, 300), **extra).t()
    assert torch.equal(manual.state_dict()["input_to_hidden_layer"], expected)


@pytest.mark.parametrize("style", STYLES)
def test_return_hidden_gives_the_activated_hidden_layer_beside_the_output(style: str) -> None:
    plain = built(f"model={style}")
    both = built(f"model={style}", "model.return_hidden=true")
    output, hidden = both(X)
    assert torch.equal(output, plain(X))
    assert hidden.shape == (4, 8)
    assert torch.equal(hidden, _hidden_by_hand(plain))


@pytest.mark.parametrize(
    "words",
    [
        ["model=custom", "model.dropout=0.5", "model.batch_norm=true"],
        ["model=manual"],
        ["model=sequential", "model.layers=[{Linear:4},{Dropout:0.5},BatchNorm1d,Linear]"],
    ],
    ids=STYLES,
)
def test_building_does_not_touch_torch_s_generator(words: list[str]) -> None:
    torch.manual_seed(99)
    before = torch.get_rng_state()
    built(*words)
    assert torch.equal(torch.get_rng_state(), before)


def test_batch_norm_and_dropout_follow_each_hidden_layer() -> None:
    words = ["model=custom", "model.hidden=[6,4]", "model.batch_norm=true", "model.dropout=0.3"]
    kinds = [type(layer) for layer in built(*words).children()]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout] * 2 + [nn.Linear]


def _hidden_by_hand(model: nn.Module) -> Tensor:
    first = next(iter(model.state_dict().values()))
    if isinstance(model, ManualMLP):
        return torch.relu(X @ first)
    layer = next(model.children())
    assert isinstance(layer, nn.Linear)
    return torch.relu(nn.functional.linear(X, first, layer.bias))
