"""Steps of layers that follow each other, without autograd's graph, held to autograd to the bit."""

import logging
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.composing import composed_quickly
from support.stacked_runs import alone
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from seedbed.components import AllowList
from seedbed.training import layer_chain, single
from seedbed.training.build_run import build_run
from seedbed.training.layer_chain import ACTIVATIONS, LayerChain
from seedbed.training.run_components import RunComponents
from seedbed.training.single import SingleEngine

DIABETES = ["data=sklearn", "data.dataset=diabetes", "data.split.test=0"]
WINE = ["data=sklearn", "data.dataset=wine", "data.split.test=0"]
CANCER = ["data=sklearn", "data.dataset=breast_cancer", "data.split.test=0"]

STYLES = ["custom", "manual", "sequential"]
NAMES = ["relu", "tanh", "sigmoid", "leaky_relu", "silu", "gelu", "identity"]
SHAPES = ["[1]", "[7]", "[16,1,5]"]
TASKS = {
    "mse": DIABETES,
    "l1": [*DIABETES, "loss=l1"],
    "huber": [*DIABETES, "loss=huber"],
    "entropy": [*WINE, "loss=cross_entropy"],
    "smoothed": [*WINE, "loss=cross_entropy", "loss.label_smoothing=0.1"],
    "weighed": [*WINE, "loss=cross_entropy", "loss.class_weights=auto"],
    "logit": [*CANCER, "loss=bce"],
    "focal": [*WINE, "loss=focal"],
}


def plan_of(*words: str) -> RunComponents:
    config = composed_quickly([*words]).config
    return build_run(config, AllowList(config.allow))


def engine_of(*words: str) -> SingleEngine:
    return SingleEngine(plan_of(*words))


def chain_of(engine: SingleEngine) -> LayerChain:
    assert engine.chain is not None
    return engine.chain


def whole(plan: RunComponents) -> tuple[Tensor, Tensor]:
    """All training rows as one batch."""
    batches = [*plan.train.epoch(0)]
    x, y = zip(*batches, strict=True)
    return torch.cat(x), torch.cat(y)


def by_autograd(engine: SingleEngine, x: Tensor, y: Tensor) -> list[Any]:
    """The loss and the gradients as torch makes them of the module itself."""
    engine.model.zero_grad()
    loss = engine.head.loss(engine.model(x), y)
    loss.backward()
    return bits(loss, engine)


def by_chain(engine: SingleEngine, x: Tensor, y: Tensor) -> list[Any]:
    """As a step makes them that is not the first."""
    chain = chain_of(engine)
    chain._is_compared = True
    engine.model.zero_grad()
    return bits(chain.gradients(x, y, engine._of_share), engine)


def bits(loss: Tensor, engine: SingleEngine) -> list[Any]:
    gradients = [one.grad for one in engine.model.parameters()]
    assert all(one is not None for one in gradients)
    made = [loss.detach(), *(one for one in gradients if one is not None)]
    return [(one.shape, one.stride(), one.numpy().tobytes()) for one in made]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("style", STYLES)
def test_gradients_are_autograd_s_for_any_loss_and_number_of_rows(style: str, task: str) -> None:
    words = [*TASKS[task], f"model={style}", "model.hidden=[7,3]"]
    engine = engine_of(*words)
    x, y = whole(engine.plan)
    for rows in (2, 3, 17, 64, len(x)):
        assert by_chain(engine, x[:rows], y[:rows]) == by_autograd(engine, x[:rows], y[:rows])


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("style", STYLES)
def test_gradients_are_autograd_s_for_any_activation_and_width(style: str, activation: str) -> None:
    for bias in ("true", "false"):
        for hidden in SHAPES:
            words = [f"model={style}", f"model.hidden={hidden}", f"model.activation={activation}"]
            engine = engine_of(*DIABETES, *words, f"model.bias={bias}")
            x, y = whole(engine.plan)
            for rows in (2, 33):
                some = x[:rows], y[:rows]
                assert by_chain(engine, *some) == by_autograd(engine, *some), (bias, hidden, rows)


def test_what_is_not_finite_comes_as_from_autograd() -> None:
    engine = engine_of(*DIABETES, "model=custom", "model.hidden=[5]")
    x, y = whole(engine.plan)
    for value in (float("nan"), float("inf"), 1e30, -0.0):
        x[3, 2] = value
        assert by_chain(engine, x[:20], y[:20]) == by_autograd(engine, x[:20], y[:20])


def test_every_activation_of_the_table_is_one_that_a_config_names() -> None:
    from seedbed.models import activations

    assert {*ACTIVATIONS} == {activations.ACTIVATIONS[name] for name in NAMES}


WHOLE_RUNS = {
    "uneven batches": ["loader.batch_size=60"],
    "a last batch of one row": ["loader.batch_size=397"],
    "clipped": ["trainer.gradient_clip=0.1", "optimizer=adam"],
    "averaged": ["trainer.select=ema", "optimizer.momentum=0.9"],
    "measured": ["trainer.log_gradients=true"],
    "accumulated": ["trainer.accumulate=2", "loader.batch_size=40"],
}


@pytest.mark.parametrize("name", WHOLE_RUNS)
@pytest.mark.parametrize("style", STYLES)
def test_a_run_has_the_bits_of_one_by_autograd(
    style: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*DIABETES, f"model={style}", "trainer.epochs=3", *WHOLE_RUNS[name]]
    config = composed_quickly(words).config
    assert len(build_run(config, AllowList(config.allow)).data.train) == 398
    chained = alone(config)
    monkeypatch.setattr(single, "layer_chain", lambda *_: None)
    graphed = alone(config)
    assert chained.metrics == graphed.metrics
    for one, other in zip(chained.history, graphed.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    for key, value in graphed.weights.items():
        assert torch.equal(chained.weights[key], value)


def test_batches_make_no_graph_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(*DIABETES, "model=custom")
    calls: list[int] = []
    of_share = engine._of_share
    monkeypatch.setattr(engine, "_of_share", lambda x, y: (calls.append(len(x)), of_share(x, y))[1])
    x, y = whole(engine.plan)
    for rows in (9, 8, 7, 1, 6):
        engine.step(x[:rows], y[:rows])
    assert calls == [9, 1]


def test_a_batch_is_not_held_after_its_step() -> None:
    """A stream reads the next rows into its memory."""
    import gc

    engine = engine_of(*DIABETES, "model=custom")
    x, y = whole(engine.plan)
    for _ in range(2):
        batch = x.clone()
        gone = weakref.ref(batch)
        loss = engine.step(batch, y)
        del batch
        gc.collect()
        assert gone() is None
        assert not loss.requires_grad


def test_other_bits_are_left_to_autograd(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = ACTIVATIONS[nn.ReLU]._replace(backward=lambda g, made, of: g)
    monkeypatch.setitem(layer_chain.ACTIVATIONS, nn.ReLU, wrong)
    words = [*DIABETES, "model=custom", "trainer.epochs=2"]
    config = composed_quickly(words).config
    with caplog.at_level(logging.DEBUG, "seedbed"):
        told = alone(config)
    assert "the chain of layers has other bits" in caplog.text
    monkeypatch.setattr(single, "layer_chain", lambda *_: None)
    for key, value in alone(config).weights.items():
        assert torch.equal(told.weights[key], value)


LOOKED_INTO = {
    "compiled": ["trainer.compile=true"],
    "watched": ["trainer.detect_anomaly=true"],
    "in halves": ["trainer.precision=bfloat16"],
    "normalised": ["model.batch_norm=true"],
    "dropped": ["model.dropout=0.2"],
    "an activation of several": ["model.activation=softplus"],
    "hidden values too": ["model.return_hidden=true"],
    "frozen": ["init.freeze=[input_to_hidden_layer]"],
}


@pytest.mark.parametrize("name", LOOKED_INTO)
def test_what_is_no_known_chain_is_autograd_s(name: str) -> None:
    assert engine_of(*DIABETES, "model=custom", *LOOKED_INTO[name]).chain is None


def _hook(model: nn.Module) -> None:
    next(model.children()).register_forward_hook(lambda *_: None)


def _own_forward(model: nn.Module) -> None:
    layer = next(model.children())
    layer.forward = lambda x: x  # type: ignore[method-assign]


def _own_forward_of_all(model: nn.Module) -> None:
    model.forward = lambda x: x  # type: ignore[method-assign]


def _own_activation(model: nn.Module) -> None:
    _, activation, *_ = model.children()
    activation.forward = lambda x: x  # type: ignore[method-assign]


def _of_gradient(model: nn.Module) -> None:
    next(model.parameters()).register_hook(lambda g: g * 2)


def _turned(model: nn.Module) -> None:
    one = next(model.parameters())
    one.data = one.data.t().contiguous().t()


def _shared(model: nn.Module) -> None:
    first, _, second, *_ = model.children()
    second.weight = first.weight


def _further(model: nn.Module) -> None:
    model.register_parameter("further", nn.Parameter(torch.zeros(3)))


def _replaced(model: nn.Module) -> None:
    class Other(nn.Linear):
        pass

    next(model.children()).__class__ = Other


CHANGES = [
    _hook,
    _own_forward,
    _own_forward_of_all,
    _own_activation,
    _of_gradient,
    _turned,
    _shared,
    _further,
    _replaced,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
def test_a_model_that_does_more_is_autograd_s(change: Callable[[nn.Module], None]) -> None:
    plan = plan_of(*DIABETES, "model=sequential", "model.hidden=[10,10]")
    assert SingleEngine(plan).chain is not None
    change(plan.model)
    assert SingleEngine(plan).chain is None


def _of_parameter(model: nn.Module, seen: list[int]) -> Any:
    return next(model.parameters()).register_hook(lambda g: seen.append(1))


def _of_accumulated(model: nn.Module, seen: list[int]) -> Any:
    one = next(model.parameters())
    return one.register_post_accumulate_grad_hook(lambda p: seen.append(1))


def _of_all_modules(model: nn.Module, seen: list[int]) -> Any:
    return nn.modules.module.register_module_forward_hook(lambda *_: seen.append(1))


@pytest.mark.parametrize("hook", [_of_parameter, _of_accumulated, _of_all_modules])
def test_hooks_that_come_while_a_run_trains_are_called(hook: Callable[..., Any]) -> None:
    engine = engine_of(*DIABETES, "model=custom")
    x, y = whole(engine.plan)
    for _ in range(2):
        engine.step(x, y)
    seen: list[int] = []
    handle = hook(engine.model, seen)
    try:
        engine.step(x, y)
    finally:
        handle.remove()
    called = len(seen)
    assert called
    engine.step(x, y)
    assert len(seen) == called


def test_a_layer_that_stands_there_twice_is_called_twice() -> None:
    """Two of these activations in a row are not one, where values are below 0."""
    engine = engine_of(*DIABETES, "model=sequential", "model.hidden=[7]")
    model: Any = engine.model
    again = nn.Linear(7, 7)
    model.insert(2, again)
    model.insert(3, model[1])
    engine = SingleEngine(replace(engine.plan, model=model))
    assert len(chain_of(engine).layers) == 5
    x, y = whole(engine.plan)
    assert by_chain(engine, x, y) == by_autograd(engine, x, y)
    model.append(model[-1])
    assert SingleEngine(engine.plan).chain is None


def test_hooks_of_all_modules_are_called() -> None:
    plan = plan_of(*DIABETES, "model=custom")
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        assert SingleEngine(plan).chain is None
    finally:
        handle.remove()
    assert SingleEngine(plan).chain is not None


def test_a_run_with_callbacks_is_autograd_s() -> None:
    plan = plan_of(*DIABETES, "model=custom")
    watched: Any = replace(plan, callbacks=[object()])
    assert SingleEngine(watched).chain is None


class Halving(torch.optim.SGD):
    """Keeps half of what the steps before gave."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        for group in self.param_groups:
            for one in group["params"]:
                if one.grad is not None:
                    one.grad.mul_(0.5)


LEFT: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "kept by an optimizer": lambda parameters: Halving(parameters, lr=0.1),
    "of what no optimizer has": lambda parameters: torch.optim.SGD(parameters[:2], lr=0.1),
}


@pytest.mark.parametrize("name", LEFT)
def test_gradients_are_added_to_those_that_are_left(name: str) -> None:
    """As autograd adds them; a norm that is clipped is of all."""
    x, y = whole(plan_of(*DIABETES))
    found = []
    for chained in (True, False):
        plan = plan_of(*DIABETES, "model=custom", "trainer.gradient_clip=0.1")
        optimizer = LEFT[name]([*plan.model.parameters()])
        engine = SingleEngine(replace(plan, optimizer=optimizer))
        if not chained:
            engine.chain = None
        for rows in (9, 8, 7):
            engine.step(x[:rows], y[:rows])
        found.append([one.detach().numpy().tobytes() for one in plan.model.parameters()])
    assert found[0] == found[1]


class Held(TorchDispatchMode):
    """Counts matrices of 64 rows that are alive at once."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self.alive: Any = weakref.WeakValueDictionary()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and made.ndim == 2 and len(made) == 64:
            self.alive[id(made)] = made
        self.most = max(self.most, len(self.alive))
        return made


@pytest.mark.parametrize("activation", NAMES)
def test_a_step_holds_no_more_values_than_autograd(activation: str) -> None:
    """What goes into a ReLU is not needed again; each is let go on the way back."""
    words = ["model.hidden=[9,9,9,9,9,9]", f"model.activation={activation}"]
    engine = engine_of(*DIABETES, "model=sequential", *words)
    x, y = whole(engine.plan)
    by_chain(engine, x, y)
    with Held() as graphed:
        engine.model.zero_grad()
        engine._of_share(x[:64], y[:64])
    with Held() as chained:
        engine.model.zero_grad()
        chain_of(engine).gradients(x[:64], y[:64], engine._of_share)
    assert chained.most <= graphed.most, (chained.most, graphed.most)


def test_a_hook_that_comes_later_is_called() -> None:
    engine = engine_of(*DIABETES, "model=custom")
    x, y = whole(engine.plan)
    engine.step(x[:9], y[:9])
    called: list[int] = []
    handle = next(engine.model.children()).register_forward_hook(lambda *_: called.append(1))
    engine.step(x[:9], y[:9])
    assert called == [1]
    handle.remove()
    engine.step(x[:9], y[:9])
    assert called == [1]
