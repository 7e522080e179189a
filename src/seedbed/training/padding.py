"""Whether a model looks at what shorter rows were filled with."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seedbed.data.nested import Padded, mapped, padded_further
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
    model.eval()
    apart, largest = changed_by_padding(lambda rows: output_of(forwarded(model, rows)), x, form)
    if apart <= DIFFERENT * largest:
        return []
    return [
        f"the model looks at what shorter rows are filled with: {FURTHER} places more change its "
        f"outputs, of {largest:.3g} at most, by {apart:.2g}; so a row is predicted otherwise "
        "beside longer ones; let forward take `lengths` or `mask`, and leave out what is beyond"
    ]


def changed_by_padding(
    numbers_of: Callable[[Padded], Tensor], x: Padded, form: RowForm
) -> tuple[float, float]:
    """By how much more padding changes what comes of rows at most, and the largest of it.

    Both are 0 where longer rows are not taken, or numbers are drawn or are not finite.

    Args:
        numbers_of: what comes of a batch: outputs, or a loss.
        x: a batch.
        form: of its rows.
    """
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        try:
            one, other = (
                numbers_of(mapped(Tensor.clone, rows)).double()
                for rows in (x, padded_further(x, form, FURTHER))
            )
        except (Exception, SystemExit):  # of any kind: the code is the user's
            return 0.0, 0.0
        if not torch.equal(before, torch.get_rng_state()):
            return 0.0, 0.0
    apart = float((one - other).abs().max()) if one.shape == other.shape else torch.inf
    largest = float(one.abs().max())
    return (apart, largest) if largest < torch.inf else (0.0, 0.0)
