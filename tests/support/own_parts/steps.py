"""Steps as people write them: right ones, and each with one thing wrong."""

from typing import Any

import torch
from torch import Tensor, nn

Given = dict[str, Any]
COUNTED = 0


def plain(model: nn.Module, batch: Any, loss: Any) -> Given:
    x, y = batch
    return {"loss": loss(model(x), y)}


def penalized(model: nn.Module, batch: Any, loss: Any, weight: float = 0.01) -> Given:
    x, y = batch
    fit = loss(model(x), y)
    size = sum(one.square().sum() for one in model.parameters())
    return {"loss": fit + weight * size, "fit": fit, "size": size, "rows": len(x)}


def weighted(model: nn.Module, batch: Any, loss: Any) -> Given:
    x, y, weights = batch
    return {"loss": loss(model(x), y, weights), "weight": weights.mean()}


def embedded(model: nn.Module, batch: Any) -> Given:
    """A contrastive loss: of outputs that are no predictions."""
    x, y = batch
    near = nn.functional.normalize(model(x), dim=1)
    same = (y[:, None] == y[None, :]).float()
    return {"loss": (near @ near.mT - same).square().mean()}


def shrunk(model: nn.Module, batch: Any, loss: Any) -> Given:
    """Draws in training alone."""
    x, y = batch
    return {"loss": loss(model(x * torch.rand(()) if model.training else x), y)}


def noisy(model: nn.Module, batch: Any, loss: Any) -> Given:
    """Draws in evaluation alone."""
    given = plain(model, batch, loss)
    return given if model.training else {"loss": given["loss"] + torch.rand(())}


def counting(model: nn.Module, batch: Any, loss: Any) -> Given:
    global COUNTED
    COUNTED += 1
    return plain(model, batch, loss)


def branching(model: nn.Module, batch: Any, loss: Any) -> Given:
    given = plain(model, batch, loss)
    return given if given["loss"] > 0 else {"loss": given["loss"] * 2}


def no_loss(model: nn.Module, batch: Any) -> Given:
    return {"los": model(batch[0]).mean()}


def no_mapping(model: nn.Module, batch: Any) -> Tensor:
    return model(batch[0]).mean()


def of_rows(model: nn.Module, batch: Any) -> Given:
    return {"loss": model(batch[0]).flatten().repeat(2)}


def cut_off(model: nn.Module, batch: Any) -> Given:
    return {"loss": model(batch[0]).mean().detach()}


def backward(model: nn.Module, batch: Any) -> Given:
    loss = model(batch[0]).mean()
    loss.backward(retain_graph=True)
    return {"loss": loss}


def moving(model: nn.Module, batch: Any) -> Given:
    with torch.no_grad():
        next(model.parameters()).mul_(0.5)
    return {"loss": model(batch[0]).mean()}


def adding(model: nn.Module, batch: Any, loss: Any) -> Given:
    if not hasattr(model, "seen"):
        model.register_buffer("seen", torch.zeros(()))
    return plain(model, batch, loss)


def freezing(model: nn.Module, batch: Any, loss: Any) -> Given:
    next(model.parameters()).requires_grad_(False)
    return plain(model, batch, loss)


def left_in_evaluation(model: nn.Module, batch: Any, loss: Any) -> Given:
    given = plain(model, batch, loss)
    sure = model.eval()(batch[0]).detach().abs().mean()
    return {**given, "sure": sure}


def left_in_training(model: nn.Module, batch: Any, loss: Any) -> Given:
    return plain(model.train(), batch, loss)


def text(model: nn.Module, batch: Any) -> Given:
    return {"loss": model(batch[0]).mean(), "kind": "good"}


def taken(model: nn.Module, batch: Any) -> Given:
    return {"loss": model(batch[0]).mean(), "lr": 1.0}


def column(model: nn.Module, batch: Any) -> Given:
    return {"loss": model(batch[0]).mean(), "r2": 1.0}


def no_name(model: nn.Module, batch: Any) -> Given:
    return {"loss": model(batch[0]).mean(), "my loss": 1.0}


def raising(model: nn.Module, batch: Any) -> Given:
    return {"loss": {}["loss"]}  # this line


def exact(model: nn.Module, batch: Any, loss: Any) -> Given:
    """Gives numbers that no float32 holds."""
    numbers = {"large": 1e39, "count": 2**24 + 1, "counted": torch.tensor(2**24 + 1)}
    return {**plain(model, batch, loss), **numbers}


def changing(model: nn.Module, batch: Any, loss: Any) -> Given:
    given = plain(model, batch, loss)
    return {**given, "full": 1.0} if len(batch[0]) == 8 else given


class AsClass:
    pass
