"""Modules that a program built: what they are known by, and what is asked of them."""

import pickle
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from seedbed.errors import ModelError
from seedbed.raised import reason

if TYPE_CHECKING:
    from torch import nn


def built_module(model: Any) -> Any:
    """A module.

    Raises:
        ModelError: if it is none.
    """
    if model is None:
        return None
    from torch import jit, nn
    from torch.nn.parameter import is_lazy

    if isinstance(model, type) and issubclass(model, nn.Module):
        raise ModelError(f"model is a class; build it: model={model.__name__}(...)")
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"model must be a built torch.nn.Module, got {type(model).__name__}; a style of "
            "Seedbed's is an override, such as 'model=manual'"
        )
    if any(is_lazy(one) for one in (*model.parameters(), *model.buffers())):
        raise ModelError(
            f"model: {type(model).__name__} has layers without sizes; let a batch through it first"
        )
    if any(isinstance(one, jit.ScriptModule) for one in model.modules()):
        raise ModelError(
            "model: torch copies no scripted module so that the copy can be trained; give the "
            "module that it was scripted from"
        )
    return model


def fingerprint_of(module: "nn.Module") -> str:
    """A fingerprint of a module: of its class, its form, its weights and what of them is frozen."""
    import torch

    digest = sha256(f"{class_of(module)}\n{module}".encode())
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            digest.update(f"{name} is frozen".encode())
    return digest.hexdigest()


def class_of(module: "nn.Module") -> str:
    """The dotted name of its class."""
    return f"{type(module).__module__}.{type(module).__qualname__}"


def refuse_unreachable(module: "nn.Module | None", workers: int) -> None:
    """Refuses a module that worker processes cannot be given.

    Args:
        module: that was handed in, or None.
        workers: processes that are asked for.

    Raises:
        ModelError: with what to do.
    """
    if module is None or not workers:
        return
    named = [type(one) for one in module.modules()]
    why = next(
        (f"{kind.__name__} is a class of this program itself" for kind in named if _is_main(kind)),
        "",
    )
    if not why:
        try:
            pickle.dumps(module)
        except Exception as err:  # of any kind: the class is the user's
            why = f"{type(module).__name__} cannot be pickled: {reason(err)}"
    if why:
        raise ModelError(
            f"sweep.workers={workers}: the model does not reach other processes, as {why}; put "
            "its class into a module that can be imported, or type sweep.workers=0"
        )


def _is_main(kind: type) -> bool:
    return kind.__module__ == "__main__"
