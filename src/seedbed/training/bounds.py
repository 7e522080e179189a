"""Holds the model of a stranger's config to the size of the weights that came with it.

A line of YAML can ask for more memory than there is. So the model is first built without memory,
on torch's `meta` device, while every weight and layer is counted as it is made.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import is_lazy

from seedbed.config.build import SHIPPED
from seedbed.errors import ModelError

MOST_LAYERS = 10_000
MOST_REPEATS = 1_000
"""Of a layer that repeats itself, by `num_layers` and the like."""

LARGEST_OUTPUT = 2**26
"""Values that a layer may make of one row."""

SLACK = 4
"""A layer may make weights that it then replaces."""


def most_bytes(*files: Path) -> int:
    """How much the weights of a run may take.

    Args:
        files: that hold them; where there is none yet, it is a part of the machine's memory.
    """
    stored = [file.stat().st_size for file in files if file.is_file()]
    return SLACK * max(stored) + 2**20 if stored else memory() // 16


def memory() -> int:
    """Bytes of this machine's memory."""
    if not hasattr(os, "sysconf"):  # Windows
        return 16 * 2**30
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def built_within(
    most: int,
    spec: Mapping[str, Any],
    input_shape: Sequence[int],
    build: Callable[[], nn.Module],
) -> nn.Module:
    """The model, if it stays within bounds; a class of the reader's own is trusted to.

    Args:
        most: bytes that its weights may take.
        spec: `model` of the config.
        input_shape: of one row.
        build: makes it.

    Raises:
        ModelError: if it has more weights or layers, or makes too much of one row.
    """
    if str(spec.get("_target_")).rpartition(".")[0] not in SHIPPED:
        return build()
    refuse_larger(most, spec, input_shape, build)
    with bounded(most):
        return build()


def refuse_larger(
    most: int,
    spec: Mapping[str, Any],
    input_shape: Sequence[int],
    build: Callable[[], nn.Module],
) -> None:
    """The check of `built_within` alone; it takes no memory."""
    _refuse_repeats(spec)
    with bounded(most) as bounds, warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")  # they come again when it is really built
        try:
            build().eval()(torch.zeros(1, *input_shape))
        except Exception:
            if bounds.broken:
                raise  # not every layer works on `meta`, and the rest is told when it is built


@contextmanager
def bounded(most: int) -> Iterator["_Bounds"]:
    """Counts every weight and layer that is made inside.

    Raises:
        ModelError: as soon as there are more than may be.
    """
    bounds = _Bounds(most)
    handles = [
        hooks.register_module_parameter_registration_hook(bounds.weight),
        hooks.register_module_module_registration_hook(bounds.layer),
        hooks.register_module_forward_hook(bounds.output),
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


class _Bounds:
    """What is left of the bounds, and how they were broken."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most
        self.layers = 0
        self.broken: str | None = None

    def weight(self, layer: nn.Module, name: str, weight: Any) -> None:
        if isinstance(weight, Tensor) and not is_lazy(weight):
            self.left -= weight.numel() * weight.element_size()
        if self.left < 0:
            self._refuse(f"it would have more than {self.most / 2**20:.3g} MiB of weights")

    def layer(self, layer: nn.Module, name: str, inner: Any) -> None:
        self.layers += 1
        if self.layers > MOST_LAYERS:
            self._refuse(f"it would have more than {MOST_LAYERS} layers")

    def output(self, layer: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.is_meta and output.numel() > 2 * LARGEST_OUTPUT:
            self._refuse(f"{type(layer).__name__} would make {output.numel():.3g} values of a row")

    def _refuse(self, why: str) -> None:
        self.broken = why
        raise ModelError(why)


def _refuse_repeats(spec: Any) -> None:
    """Refuses a number of equal layers that no weights file could hold."""
    if isinstance(spec, Mapping):
        for key, value in spec.items():
            repeats = str(key).startswith("num_") and str(key).endswith("layers")
            if repeats and isinstance(value, int) and value > MOST_REPEATS:
                raise ModelError(f"model: {key} must be <= {MOST_REPEATS}, got {value:.3g}")
            _refuse_repeats(value)
    elif isinstance(spec, list):
        for item in spec:
            _refuse_repeats(item)
