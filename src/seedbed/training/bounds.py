"""Holds the model of a stranger's config to the size of the weights that came with it.

A line of YAML can ask for more memory than there is. So the model is first built without memory,
on torch's `meta` device, and given a row, while every weight, buffer, layer and operation is
counted as it comes.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import is_lazy

from seedbed.components import SHIPPED
from seedbed.config.schema import DatasetConfig, RunConfig
from seedbed.data.nested import zeros
from seedbed.data.row_form import RowForm, as_form
from seedbed.errors import ModelError
from seedbed.models.calling import forwarded
from seedbed.process.memory import memory_bytes
from seedbed.process.no_compiler import shapes_without_compiler
from seedbed.process.torch_private import DispatchMode, tree_leaves
from seedbed.runs.opening import allocated
from seedbed.runs.stored import is_stored

T = TypeVar("T")

UNKNOWN_MEMORY = 16 * 2**30
"""Bytes that a machine is taken to have which does not tell."""

MOST_LAYERS = 10_000
MOST_REPEATS = 1_000
"""Of a layer that repeats itself, by `num_layers` and the like, those within others multiplied."""

MOST_OPERATIONS = 100_000
"""Of torch, to build a model and let a row through it."""

LARGEST_OUTPUT = 2**26
"""Values that a layer may make of one row."""

SLACK = 4
"""A layer may make weights that it then replaces."""


def most_bytes(*files: Path) -> int:
    """How much the weights of a run may take.

    Args:
        files: that hold them; where there is none yet, it is a part of the machine's memory.
    """
    stored = [allocated(file) for file in files if is_stored(file)]
    if stored:
        return SLACK * max(stored) + 2**20
    memory = memory_bytes()
    return int(memory if math.isfinite(memory) else UNKNOWN_MEMORY) // 16


def built_within(
    most: int,
    spec: Mapping[str, Any],
    input_shape: Sequence[int] | RowForm,
    build: Callable[[], nn.Module],
) -> tuple[nn.Module, int]:
    """The model, if it stays within bounds; a class of the reader's own is trusted to.

    Returns:
        The model, and how many values it makes of a row in one place, 0 if that is not known.

    Args:
        most: bytes that its weights may take.
        spec: `model` of the config.
        input_shape: of one row.
        build: makes it.

    Raises:
        ModelError: if it has more weights or layers, or makes too much of one row.
    """
    if str(spec.get("_target_")).rpartition(".")[0] not in SHIPPED:
        return build(), 0
    values = refuse_larger(most, spec, input_shape, build)
    with bounded(most):
        return build(), values


def built_loss(most: int, build: Callable[[], T]) -> T:
    """What `build` makes, if its weights and buffers stay within bounds.

    Args:
        most: bytes that they may take.
        build: makes it.

    Raises:
        ModelError: if it has more.
    """
    with bounded(most), torch.device("meta"), shapes_without_compiler():
        build()
    with bounded(most):
        return build()


def is_trusted(config: RunConfig) -> bool:
    """Whether the run reads its data by a class that the reader allowed, which takes what it does.

    Args:
        config: checked.
    """
    data = config.data
    target = data.train.get("_target_") if isinstance(data, DatasetConfig) else None
    return target is not None and str(target).rpartition(".")[0] not in SHIPPED


def refuse_larger(
    most: int,
    spec: Mapping[str, Any],
    input_shape: Sequence[int] | RowForm,
    build: Callable[[], nn.Module],
) -> int:
    """The check of `built_within` alone; it takes no memory."""
    refuse_repeats(spec)
    with (
        bounded(most) as bounds,
        warnings.catch_warnings(),
        torch.device("meta"),
        shapes_without_compiler(),
        bounds,
    ):
        warnings.simplefilter("ignore")  # they come again when it is really built
        try:
            model = build().eval()
            bounds.whole(model)
            bounds.largest = 0
            with torch.no_grad():
                forwarded(model, zeros(as_form(input_shape), 1))
            return bounds.largest
        except Exception:
            if bounds.broken:
                raise  # not every layer works on `meta`, and the rest is told when it is built
    return 0


@contextmanager
def bounded(most: int) -> Iterator["_Bounds"]:
    """Counts every weight, buffer and layer that is made inside.

    Raises:
        ModelError: as soon as there are more than may be.
    """
    bounds = _Bounds(most)
    handles = [
        hooks.register_module_parameter_registration_hook(bounds.weight),
        hooks.register_module_buffer_registration_hook(bounds.weight),
        hooks.register_module_module_registration_hook(bounds.layer),
    ]
    try:
        yield bounds
    except Exception as err:
        if bounds.broken is None:
            raise
        raise ModelError(f"model: {bounds.broken}; the config is not of these weights") from err
    finally:
        for handle in handles:
            handle.remove()


class _Bounds(DispatchMode):
    """What is left of the bounds, and how they were broken; entered, it looks at every operation.

    Attributes:
        largest: values of the largest tensor that an operation made.
    """

    def __init__(self, most: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = self.left = most
        self.layers = self.operations = self.largest = 0
        self.broken: str | None = None

    def weight(self, layer: nn.Module, name: str, weight: Any) -> None:
        if isinstance(weight, Tensor) and not is_lazy(weight):
            self.left -= weight.numel() * weight.element_size()
        if self.left < 0:
            self._refuse_weights()

    def layer(self, layer: nn.Module, name: str, inner: Any) -> None:
        self.layers += 1
        self._refuse_layers(self.layers)

    def whole(self, model: nn.Module) -> None:
        """Counts again, with those that are copies, which nothing was told of."""
        self._refuse_layers(sum(1 for _ in model.modules()))
        held = [*model.parameters(), *model.buffers()]
        if sum(one.numel() * one.element_size() for one in held if not is_lazy(one)) > self.most:
            self._refuse_weights()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See torch's `TorchDispatchMode`."""
        self.operations += 1
        if self.operations > MOST_OPERATIONS:
            self._refuse(f"a row would take more than {MOST_OPERATIONS} operations")
        output = func(*args, **(kwargs or {}))
        for one in tree_leaves(output):
            if not isinstance(one, Tensor):
                continue
            self.largest = max(self.largest, one.numel())
            if one.numel() > 2 * max(LARGEST_OUTPUT, self.most):
                self._refuse(f"{func} would make {one.numel():.3g} values at once")
        return output

    def _refuse_layers(self, number: int) -> None:
        if number > MOST_LAYERS:
            self._refuse(f"it would have more than {MOST_LAYERS} layers")

    def _refuse_weights(self) -> None:
        self._refuse(f"it would have more than {self.most / 2**20:.3g} MiB of weights")

    def _refuse(self, why: str) -> None:
        self.broken = why
        raise ModelError(why)


def refuse_repeats(spec: Any, times: int = 1) -> None:
    """Refuses a number of equal layers that no weights file could hold.

    Args:
        spec: of a model, or a part of it.
        times: how often it is there itself.

    Raises:
        ModelError: naming the key.
    """
    if isinstance(spec, Mapping):
        repeats = {
            key: value
            for key, value in spec.items()
            if str(key).startswith("num_") and str(key).endswith("layers") and type(value) is int
        }
        times *= max(sum(repeats.values()), 1)
        if times > MOST_REPEATS:
            key = next(iter(repeats))
            raise ModelError(f"model: {key} repeats layers more than {MOST_REPEATS} times")
        for value in spec.values():
            refuse_repeats(value, times)
    elif isinstance(spec, list):
        for item in spec:
            refuse_repeats(item, times)
