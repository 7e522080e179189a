"""Reads the weights of a model from a file: `.pth` and `.pt` of torch, `.safetensors`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from seedbed.config.hints import joined
from seedbed.errors import CheckpointError
from seedbed.runs.checkpoint import load
from seedbed.runs.files import printable
from seedbed.runs.stored import open_stored

INSTALL = "pip install 'seedbed[safetensors]'"

AROUND = ("model", "state_dict", "model_state_dict")
"""Under which of these a checkpoint has the weights: ours, Lightning's, many a script's."""

LONGEST_NAME = 300
"""Characters of a tensor's name."""


def read_content(path: Path) -> Any:
    """What a file of weights holds, on the CPU; nothing in it is executed.

    Raises:
        CheckpointError: if it is damaged, or holds more than plain containers.
        RunDirectoryError: if it is no plain file.
    """
    return _safetensors(path) if path.suffix == ".safetensors" else load(path)


def weights_in(content: Any, path: Path) -> dict[str, Tensor]:
    """The tensors of a `state_dict`, by name.

    Args:
        content: of a file; whole checkpoints have the weights under one of `AROUND`.
        path: of the file, for errors.

    Raises:
        CheckpointError: if it holds anything else.
    """
    found = _state_dict(content)
    if found is None:
        held = joined(map(str, content), 6) if isinstance(content, Mapping) else "no mapping"
        raise CheckpointError(
            f"'{path}' holds no state_dict, which has a tensor by each name; it holds "
            f"{printable(held) or 'nothing'}"
        )
    if any(len(str(name)) > LONGEST_NAME for name in found):
        raise CheckpointError(f"'{path}' has a name of more than {LONGEST_NAME} characters")
    return {printable(str(name)): tensor for name, tensor in found.items()}


def _state_dict(content: Any) -> Mapping[str, Tensor] | None:
    """The tensors themselves, or those under the one name that may be around them."""
    if not isinstance(content, Mapping):
        return None
    if content and all(isinstance(one, Tensor) for one in content.values()):
        return content
    inside = [content[name] for name in AROUND if isinstance(content.get(name), Mapping)]
    if inside:
        tensors = {k: one for k, one in inside[0].items() if isinstance(one, Tensor)}
        return tensors or None
    return None


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load as parsed
    except ImportError as err:
        raise CheckpointError(
            f"'{path}': to read .safetensors takes a package that is not installed; type {INSTALL}"
        ) from err
    with open_stored(path) as file:
        content = file.read()
    try:
        tensors: dict[str, Tensor] = parsed(content)
    except Exception as err:  # safetensors raises kinds of its own
        reason = printable(" ".join(str(err).split()))[:160]
        raise CheckpointError(f"'{path}' is damaged, or no safetensors file: {reason}") from err
    return tensors
