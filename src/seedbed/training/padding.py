"""Whether a model looks at what shorter rows were filled with."""

import torch
from torch import Tensor, nn

from seedbed.data.nested import Padded, padded_further
from seedbed.data.row_form import RowForm
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded

FURTHER = 3
"""Places that rows are filled up by beyond the longest, to see whether a model tells."""

DIFFERENT = 1e-4
"""In parts of the largest output; rounding makes less of more places."""


def notes_on_padding(model: nn.Module, x: Padded, form: RowForm) -> list[str]:
    """A sentence on a model whose outputs for a row depend on how far it is padded.

    Args:
        model: a twin, which is put into evaluation mode.
        x: a batch.
        form: of its rows.
    """
    apart, largest = changed_by_padding(model, x, form)
    if apart <= DIFFERENT * largest:
        return []
    return [
        f"the model looks at what shorter rows are filled with: {FURTHER} places more change its "
        f"outputs, of {largest:.3g} at most, by {apart:.2g}; so a row is predicted otherwise "
        "beside longer ones; let forward take `lengths` or `mask`, and leave out what is beyond"
    ]


def changed_by_padding(model: nn.Module, x: Padded, form: RowForm) -> tuple[float, float]:
    """By how much more padding changes outputs at most, and the largest of them.

    Both are 0 where the model does not take longer rows, or gives no finite number.

    Args:
        model: left in evaluation mode.
        x: a batch.
        form: of its rows.
    """
    model.eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        try:
            one, other = (_outputs(model, batch) for batch in (x, padded_further(x, form, FURTHER)))
        except (
            Exception,
            SystemExit,
        ):  # of any kind: the model is the user's, and takes what it takes
            return 0.0, 0.0
    apart = float((one - other).abs().max()) if one.shape == other.shape else torch.inf
    largest = float(one.abs().max())
    return (apart, largest) if largest < torch.inf else (0.0, 0.0)


def _outputs(model: nn.Module, x: Padded) -> Tensor:
    return output_of(forwarded(model, x)).double()
