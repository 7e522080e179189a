"""Layers of `torch.nn` from a list in YAML, with input sizes inferred.

Each element is a name (`ReLU`), a name with its first size (`Linear: 64`, `Dropout: 0.2`), with all
arguments in order (`Conv2d: [1, 8, 3]`), or with named ones (`Conv2d: {out_channels: 8,
kernel_size: 3}`). `_target_: torch.nn.Linear` beside named arguments works as well.

The size that comes in is taken from the layer before, by letting an empty batch through. A `Linear`
without `out_features` gives as many outputs as the data asks for. `batch_first` is true where a
layer has it, as the rows come first in a batch.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from seedbed.components import AllowList
from seedbed.raised import first_line

INPUT_SIZES = ("in_features", "in_channels", "num_features", "input_size", "normalized_shape")
"""Arguments that say what comes in. Channels are dimension 0 of a row, features its last."""


def layers_from_list(
    layers: Sequence[Any], input_shape: Sequence[int], out_features: int
) -> list[nn.Module]:
    """Builds the layers, in order.

    Args:
        layers: see the module.
        input_shape: of one row.
        out_features: of the whole; for a `Linear` that does not say.

    Raises:
        ValueError: naming the layer that is not one, or does not take what comes in.
    """
    built: list[nn.Module] = []
    sample = torch.zeros(2, *input_shape)
    for index, layer in enumerate(layers):
        module = _built(layer, sample, out_features, f"layers[{index}]")
        sample = _passed(module, sample, f"layers[{index}]", is_flat=len(input_shape) == 1)
        built.append(module)
    return built


def _built(layer: Any, sample: torch.Tensor, out_features: int, where: str) -> nn.Module:
    name, arguments = _read(layer, where)
    target = name if "." in name else f"torch.nn.{name}"
    found = AllowList().find(target, where)
    if issubclass(found, nn.RNNBase | nn.LSTMCell):
        raise _more_than_a_tensor(f"{where}: {name}", "a tuple")
    parameters = [
        key for key in inspect.signature(found).parameters if key not in ("args", "kwargs")
    ]
    if isinstance(arguments, list):
        named = dict(zip(parameters, arguments, strict=False))
        if len(arguments) > len(parameters):
            raise ValueError(
                f"{where}: {name} takes {len(parameters)} arguments, got {len(arguments)}"
            )
    elif isinstance(arguments, Mapping):
        named = {str(key): value for key, value in arguments.items()}
    else:
        free = [key for key in parameters if key not in INPUT_SIZES]
        if arguments is not None and not free:
            raise ValueError(f"{where}: {name} takes no argument, got {arguments}")
        named = {} if arguments is None else {free[0]: arguments}
    for size in INPUT_SIZES:
        if size in parameters and size not in named:
            named[size] = (
                sample.shape[1] if size in ("in_channels", "num_features") else sample.shape[-1]
            )
    if "out_features" in parameters:
        named.setdefault("out_features", out_features)
    if "batch_first" in parameters and named.setdefault("batch_first", True) is not True:
        raise ValueError(
            f"{where}: {name} with batch_first={named['batch_first']} would take the rows of a "
            "batch for the steps of one sequence; leave batch_first out"
        )
    module = AllowList().build({"_target_": target, **named}, where)
    assert isinstance(module, nn.Module)
    return module


def _read(layer: Any, where: str) -> tuple[str, Any]:
    if isinstance(layer, str):
        return layer, None
    if isinstance(layer, Mapping):
        if "_target_" in layer:
            return str(layer["_target_"]), {k: v for k, v in layer.items() if k != "_target_"}
        if len(layer) == 1:
            ((name, arguments),) = layer.items()
            return str(name), arguments
    raise ValueError(f"{where} must be a layer's name, or one name with its arguments, got {layer}")


def _passed(module: nn.Module, sample: torch.Tensor, where: str, *, is_flat: bool) -> torch.Tensor:
    """What the layer makes of the sample; its statistics and random numbers stay untouched.

    Args:
        module: the layer.
        sample: what comes in.
        where: the layer's place, for errors.
        is_flat: whether the data's rows have no other dimension than that of their features.
    """
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            passed = module(sample)
    except Exception as err:
        shape = tuple(sample.shape[1:])
        told = _hint(type(module).__name__, shape, is_flat=is_flat) or first_line(err)
        raise ValueError(
            f"{where}: {type(module).__name__} does not take rows of {shape}: {told}"
        ) from err
    module.train(was_training)
    if not isinstance(passed, torch.Tensor):
        raise _more_than_a_tensor(f"{where}: {type(module).__name__}", f"a {type(passed).__name__}")
    return passed


def _hint(layer: str, shape: tuple[int, ...], *, is_flat: bool) -> str:
    """What to type where a convolution is given rows without channels; empty of anything else."""
    if len(shape) != 1 or not layer.startswith("Conv"):
        return ""
    if layer.endswith("1d"):
        unflatten = f"{{Unflatten: [1, [1, {shape[0]}]]}}"
        return f"they have no channels; put {unflatten} before it, which makes one"
    if layer.endswith("2d") and is_flat:
        return "they are no images; type data=images, or another model, such as model=custom"
    return ""


def _more_than_a_tensor(layer: str, given: str) -> ValueError:
    return ValueError(
        f"{layer} gives {given}, and each layer of a list hands one tensor to the next; write a "
        "class of your own whose forward calls it, and type model._target_=my_package.MyNet "
        "allow=[my_package]"
    )
