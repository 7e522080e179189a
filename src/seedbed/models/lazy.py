"""Gives lazy layers their sizes, before anything counts their weights or draws them."""

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from seedbed.data.nested import zeros
from seedbed.data.row_form import RowForm, text_of
from seedbed.errors import ModelError
from seedbed.models.calling import forwarded


def materialize(model: nn.Module, form: RowForm) -> None:
    """Lets a batch of zeros through a model with lazy layers; any other is left as it is.

    What a layer draws is drawn from torch's generator as it stands, so that weights depend on the
    seed, the config and the shape of a row alone, and come out alike where there are no rows.

    Args:
        model: changed in place; its mode and statistics stay as they are.
        form: of one row.

    Raises:
        ModelError: if a layer has no size afterwards, or the batch does not go through.
    """
    if not _lazy_tensors(model):
        return
    training = model.training
    try:
        for mode in (False, True):  # in evaluation, statistics stay as they are
            model.train(mode)
            if _lazy_tensors(model):
                _let_through(model, form)
    finally:
        model.train(training)
    left = _lazy_tensors(model)
    if left:
        raise ModelError(
            f"model: '{left[0]}' has no size: its lazy layer is not called in forward; "
            "leave the layer out, or give it its sizes"
        )


def _lazy_tensors(model: nn.Module) -> list[str]:
    named = [*model.named_parameters(), *model.named_buffers()]
    return [name for name, one in named if is_lazy(one)]


def _let_through(model: nn.Module, form: RowForm) -> None:
    """Zeros, as numbers; where these are not taken, as indices."""
    single = form.is_single
    batch = torch.zeros(2, *form.shape) if single else zeros(form, 2)
    with torch.no_grad():
        try:
            forwarded(model, batch)
        except Exception as err:  # of any kind: the model is the user's
            try:
                if not single:
                    raise
                model(batch.long())
            except Exception:
                reason = " ".join(str(err).split())
                told = tuple(batch.shape) if single else text_of(form.nest)
                raise ModelError(
                    f"model has lazy layers, and a batch of {told} zeros, from which "
                    f"they take their sizes, gives {type(err).__name__}: {reason}"
                ) from err
