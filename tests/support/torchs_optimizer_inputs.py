"""The settings with which torch's own tests build its optimizers, read from their source.

The module itself is not imported: it takes seconds, and locks torch's switches for the process.
"""

import ast
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

RIGHT, WRONG = "optim_inputs_func_", "optim_error_inputs_func_"

Settings = Mapping[str, Any]


def right_inputs() -> dict[str, list[Settings]]:
    """By optimizer in lower case, the keyword arguments of each of torch's own test inputs."""
    return {name: [_plain(one.kwargs) for one in all_of] for name, all_of in _made(RIGHT).items()}


def wrong_inputs() -> dict[str, list[Settings]]:
    """Likewise, those that torch's tests want refused by a ValueError, for what is in them."""
    return {
        name: [
            _plain(one.optimizer_error_input.kwargs)
            for one in all_of
            if one.error_type is ValueError and one.optimizer_error_input.kwargs
        ]
        for name, all_of in _made(WRONG).items()
    }


def _made(prefix: str) -> dict[str, list[Any]]:
    spec = importlib.util.find_spec("torch.testing._internal")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).with_name("common_optimizers.py").read_text(encoding="utf-8")
    nodes = [one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef)]
    names: dict[str, Any] = {
        "torch": torch,
        "Parameter": torch.nn.Parameter,
        "OptimizerInput": SimpleNamespace,
        "ErrorOptimizerInput": lambda made, **rest: SimpleNamespace(
            optimizer_error_input=made, **{"error_type": RuntimeError, **rest}
        ),
        "CUDA_CONFIG_GPUS": (),
        "_get_device_type": str,
        "OptimizerErrorEnum": SimpleNamespace(CONSTRUCTION_ERROR=0, STEP_ERROR=1),
    }
    for node in nodes:
        node.returns = None
    exec(compile(ast.Module(list(nodes), []), "common_optimizers.py", "exec"), names)
    found = {
        one.name.removeprefix(prefix): names[one.name]("cpu", torch.float64)
        for one in nodes
        if one.name.startswith(prefix)
    }
    assert len(found) >= 14, "torch has them elsewhere"
    return found


def _plain(settings: Settings) -> Settings:
    """As YAML has them."""

    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return float(value) if value.numel() == 1 else value.tolist()
        return list(value) if isinstance(value, tuple) else value

    return {key: plain(value) for key, value in settings.items()}
