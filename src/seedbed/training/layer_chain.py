"""The loss and the gradients of layers that follow each other, without autograd's graph.

Autograd notes in each step which function comes after which, and looks it up again on the way back:
a third to a half of a small step. Of a chain of layers that are known this is known before. The
same kernels of torch are called, with what autograd would give them, so that the bits are the same:
those of the first batch are compared. What differs is left to autograd, as is every other model.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seedbed.models.custom import CustomMLP
from seedbed.models.manual import ManualMLP
from seedbed.models.sequential import SequentialMLP
from seedbed.process.torch_private import are_modules_hooked
from seedbed.tasks.head import TaskHead
from seedbed.training.loss_gradient import loss_gradient
from seedbed.training.pure import HOOKS, is_gradient_hooked, is_pure, is_pure_loss, refused_form
from seedbed.training.run_components import RunComponents

log = logging.getLogger("seedbed")
aten = torch.ops.aten


class Activation(NamedTuple):
    """A function of each value.

    Args:
        forward: of the layer and its input.
        backward: of the gradient, what is kept for it, and the layer.
        keeps_result: whether what came out is kept, else what went in.
    """

    forward: Callable[[Any, Tensor], Tensor]
    backward: Callable[[Tensor, Tensor, Any], Tensor]
    keeps_result: bool = False


ACTIVATIONS: dict[type[nn.Module], Activation] = {
    nn.ReLU: Activation(
        lambda of, x: torch.relu(x),
        lambda g, made, of: aten.threshold_backward(g, made, 0),
        keeps_result=True,
    ),
    nn.Tanh: Activation(
        lambda of, x: torch.tanh(x),
        lambda g, made, of: aten.tanh_backward(g, made),
        keeps_result=True,
    ),
    nn.Sigmoid: Activation(
        lambda of, x: torch.sigmoid(x),
        lambda g, made, of: aten.sigmoid_backward(g, made),
        keeps_result=True,
    ),
    nn.LeakyReLU: Activation(
        lambda of, x: functional.leaky_relu(x, of.negative_slope),
        lambda g, x, of: aten.leaky_relu_backward(g, x, of.negative_slope, False),
    ),
    nn.SiLU: Activation(
        lambda of, x: functional.silu(x),
        lambda g, x, of: aten.silu_backward(g, x),
    ),
    nn.GELU: Activation(
        lambda of, x: functional.gelu(x, approximate=of.approximate),
        lambda g, x, of: aten.gelu_backward(g, x, approximate=of.approximate),
    ),
    nn.Identity: Activation(lambda of, x: x, lambda g, x, of: g),
}
"""Of `torch.nn`; what is written in place of its input is not taken."""


class Product(NamedTuple):
    """A matrix product, and what is added to it.

    Args:
        weight: as it is kept, (outputs, inputs) if it is turned, else (inputs, outputs).
        bias: (outputs,), or None.
        turned: whether inputs are multiplied by its transpose, as `nn.Linear` does.
    """

    weight: Tensor
    bias: Tensor | None
    turned: bool

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs) -> (batch, outputs)."""
        matrix = self.weight.t() if self.turned else self.weight
        if self.bias is None:
            return torch.mm(x, matrix)
        return torch.addmm(self.bias, x, matrix) if self.turned else torch.mm(x, matrix) + self.bias

    def backward(self, gradient: Tensor, x: Tensor) -> None:
        """Gives the parameters their gradients.

        Shape:
            gradient (batch, outputs), x (batch, inputs)
        """
        if self.turned:
            self.weight.grad = torch.mm(gradient.t(), x)
        else:
            self.weight.grad = torch.mm(x.t(), gradient)
        if self.bias is not None:
            self.bias.grad = gradient.sum(0)

    def of_input(self, gradient: Tensor) -> Tensor:
        """(batch, outputs) -> (batch, inputs)."""
        return torch.mm(gradient, self.weight if self.turned else self.weight.t())


Layer = Product | tuple[nn.Module, Activation]

Graphed = Callable[[Tensor, Tensor], Tensor]
"""Gives the parameters the gradients of a batch, by autograd; its loss."""


def parameters_of(layers: Sequence[Layer]) -> list[Tensor]:
    """Of all products, in turn."""
    products = [layer for layer in layers if isinstance(layer, Product)]
    return [one for each in products for one in (each.weight, each.bias) if one is not None]


class LayerChain:
    """The chain of a run; see `layer_chain`.

    Args:
        layers: in the order of their calls; a product comes first.
        head: the loss.
        hooks: of the modules, by kind; none has any yet.
    """

    def __init__(
        self, layers: Sequence[Layer], head: TaskHead, hooks: Sequence[Mapping[int, Any]]
    ) -> None:
        self.layers, self._hooks = layers, hooks
        self._parameters = parameters_of(layers)
        self._loss_gradient = loss_gradient(head)
        self._is_compared = self._is_other = False

    def gradients(self, x: Any, y: Tensor, graphed: Graphed) -> Tensor:
        """Gives each parameter its gradient, or adds it to what an optimizer has left there.

        Args:
            x: inputs of a batch.
            y: its targets.
            graphed: does the same by autograd.

        Returns:
            The loss, ().
        """
        # A product of one row is told from its transpose by other rules.
        if self._is_other or type(x) is not Tensor or x.ndim != 2 or len(x) < 2:
            return graphed(x, y)
        if any(map(_is_looked_at, self._parameters)) or any(self._hooks) or are_modules_hooked():
            return graphed(x, y)
        if not self._is_compared:
            return self._compared(x, y, graphed)
        with torch.no_grad():
            return self._made(x, y)

    def _compared(self, x: Tensor, y: Tensor, graphed: Graphed) -> Tensor:
        """As autograd makes them, and whether these are the chain's to the bit."""
        self._is_compared = True
        with torch.no_grad():
            loss = self._made(x, y)
        made = [loss, *(one.grad for one in self._parameters)]
        for one in self._parameters:
            one.grad = None
        loss = graphed(x, y)
        told = [loss, *(one.grad for one in self._parameters)]
        self._is_other = not all(map(_have_same_bits, made, told))
        if self._is_other:
            log.debug("steps are made by autograd: the chain of layers has other bits")
        return loss

    def _made(self, x: Tensor, y: Tensor) -> Tensor:
        kept = []
        for layer in self.layers:
            given = x
            if isinstance(layer, Product):
                x = layer.forward(given)
                kept.append(given)
            else:
                x = layer[1].forward(layer[0], given)
                kept.append(x if layer[1].keeps_result else given)
        loss, gradient = self._loss_gradient(x, y)
        del given, x
        for layer in reversed(self.layers):
            held = kept.pop()
            if isinstance(layer, Product):
                layer.backward(gradient, held)
                if kept:
                    gradient = layer.of_input(gradient)
            else:
                gradient = layer[1].backward(gradient, held, layer[0])
        return loss


def layer_chain(plan: RunComponents) -> LayerChain | None:
    """The chain that a run's model is; None if it is none, or somebody looks into its steps."""
    trainer, loss = plan.config.trainer, plan.head.loss_function
    looked_into = trainer.compile or trainer.detect_anomaly or plan.callbacks or plan.step
    if looked_into or plan.ranks > 1 or plan.device.type != "cpu" or plan.mixed_precision:
        return None
    if not (is_pure(plan.model) and is_pure_loss(loss)) or refused_form(plan.model, loss):
        return None
    if are_modules_hooked() or any(map(_has_own_methods, plan.model.modules())):
        return None
    layers = _layers_of(plan.model)
    if not layers or not isinstance(layers[0], Product):
        return None
    learning = [one for one in plan.model.parameters() if one.requires_grad and _is_plain(one)]
    known = [id(one) for one in parameters_of(layers)]
    if len({*known}) != len(known) or {*known} != {*map(id, learning)}:
        return None
    hooks = [getattr(module, kind) for module in plan.model.modules() for kind in HOOKS]
    return LayerChain(layers, plan.head, hooks)


def _layers_of(model: nn.Module) -> Sequence[Layer]:
    """In the order of their calls; none where one is not known."""
    if getattr(model, "return_hidden", False):
        return ()
    if type(model) is ManualMLP:
        return _of_bare_parameters(model)
    if type(model) not in (CustomMLP, SequentialMLP, nn.Sequential):
        return ()
    found: list[Layer] = []
    for layer in model._modules.values():  # one that stands there twice is called twice
        if type(layer) is nn.Linear:
            found.append(Product(layer.weight, layer.bias, turned=True))
        elif layer is not None and type(layer) in ACTIVATIONS:
            if getattr(layer, "inplace", False):
                return ()
            found.append((layer, ACTIVATIONS[type(layer)]))
        else:
            return ()
    return found


def _of_bare_parameters(model: ManualMLP) -> Sequence[Layer]:
    activation = model.hidden_layer_activation
    if type(activation) not in ACTIVATIONS:
        return ()
    found: list[Layer] = []
    for name in model.weight_names:
        bias = model._parameters.get(f"{name}_bias")
        found.append(Product(getattr(model, name), bias, turned=False))
        found.append((activation, ACTIVATIONS[type(activation)]))
    return found[:-1]


def _is_looked_at(one: Tensor) -> bool:
    """Whether autograd does more for a parameter than to give it its gradient."""
    return one.grad is not None or is_gradient_hooked(one)


def _has_own_methods(module: nn.Module) -> bool:
    """Whether one of its class was replaced in this module alone."""
    return any(callable(getattr(type(module), name, None)) for name in vars(module))


def _is_plain(one: nn.Parameter) -> bool:
    return one.dtype == torch.float32 and one.is_contiguous()


def _have_same_bits(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
