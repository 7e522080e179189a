"""What the layers of a trained model hold, and what they make of an input.

Intermediate values both ways that the article shows (section 1.4): by calling the layers one after
another, and by a `forward` that returns them.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from seedbed.config.hints import did_you_mean, joined
from seedbed.data.nested import mapped
from seedbed.errors import ArgumentError
from seedbed.models.build import build_model, output_of
from seedbed.models.calling import forwarded
from seedbed.models.manual import ManualMLP
from seedbed.views.trained import TrainedModel


def weights(trained: TrainedModel) -> dict[str, dict[str, Any]]:
    """Every tensor of the `state_dict`: its shape and values."""
    return {
        name: {"shape": list(tensor.shape), "values": tensor.tolist()}
        for name, tensor in trained.model.state_dict().items()
    }


def layer_names(trained: TrainedModel, inputs: Any) -> dict[str, list[int] | None]:
    """The names that have values, with the shape of one row's."""
    values = layer_values(trained, inputs)
    return {
        name: list(value.shape[1:]) if isinstance(value, Tensor) else None
        for name, value in values.items()
    }


def layer_values(trained: TrainedModel, inputs: Any) -> dict[str, Tensor]:
    """What every layer makes of the input, in the order in which they compute.

    Shape:
        (rows, *input_shape) -> (rows, …) for each layer
    """
    model = trained.model
    with torch.no_grad():
        if isinstance(model, ManualMLP):
            return model.layer_values(inputs)
        return _hooked(model, mapped(Tensor.clone, inputs))  # a layer may write into its input


def chosen(
    values: dict[str, Tensor], names: Sequence[str], key: str = "--layer"
) -> dict[str, Tensor]:
    """Only the layers asked for.

    Args:
        values: of all layers.
        names: of some.
        key: the argument that names them, for the error.

    Raises:
        ArgumentError: for a name that is no layer.
    """
    for name in names:
        if not isinstance(name, str):
            raise ArgumentError(f"{key}: the name of a layer is a text such as '0', got {name!r}")
        if name not in values:
            raise ArgumentError(
                f"{key}: no layer '{name}'; there are {joined(values)}{did_you_mean(name, values)}"
            )
    return {name: values[name] for name in names}


def output(trained: TrainedModel, inputs: Any) -> Tensor:
    """The model's output."""
    with torch.no_grad():
        return output_of(forwarded(trained.model, mapped(Tensor.clone, inputs)))


def returned_hidden(trained: TrainedModel, inputs: Any) -> Tensor | None:
    """The hidden values as a `forward` returns them: the article's second way.

    A model of ours is built once more with `return_hidden=true` and given the same weights; for a
    class of the user's own, whatever its `forward` returns second, or None.
    """
    model = trained.model
    if not getattr(model, "return_hidden", True):
        spec = {**trained.config["model"], "return_hidden": True}
        outputs = trained.head.outputs
        shape, seed = trained.preprocessing.row_form, trained.config.get("seed", 0)
        model = build_model(spec, trained.allow, shape, outputs, seed)
        model.load_state_dict(trained.model.state_dict())
        model.eval()
    with torch.no_grad():
        returned = forwarded(model, mapped(Tensor.clone, inputs))
    second = returned[1] if isinstance(returned, tuple | list) and len(returned) > 1 else None
    return second if isinstance(second, Tensor) else None


def _hooked(model: nn.Module, inputs: Any) -> dict[str, Tensor]:
    values: dict[str, Tensor] = {}

    def keep(name: str, value: Any) -> None:
        first = value[0] if isinstance(value, tuple | list) and value else value
        if isinstance(value, PackedSequence) or isinstance(first, PackedSequence):
            packed = value if isinstance(value, PackedSequence) else first
            first, _ = pad_packed_sequence(packed, batch_first=True)
        if isinstance(first, Tensor):
            values[name] = first.clone()  # a layer after it may work in place

    hooks = [
        layer.register_forward_hook(lambda _, __, value, name=name: keep(name, value))
        for name, layer in model.named_modules()
        if name and not isinstance(layer, torch.jit.ScriptModule)  # which takes no hooks
    ]
    try:
        forwarded(model, inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return values
