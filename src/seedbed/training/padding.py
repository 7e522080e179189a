"""Whether a model looks at what shorter rows were filled with."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from seedbed.data.nested import Padded, mapped, padded_further, tensors_in
from seedbed.data.row_form import RowForm
from seedbed.data.trimming import of_equal_lengths, taken, trimmed
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded

FURTHER = 3
"""Places that rows are filled up by beyond the longest, to see whether a model tells."""

LENGTHS = 16
"""Of rows that are looked at by themselves."""

DIFFERENT = 1e-4
"""In parts of the largest output; rounding makes less of more places."""

NumbersOf = Callable[[Padded, Tensor], Tensor]
"""What comes of rows, and of their numbers in the batch: outputs, or a loss."""


def notes_on_padding(model: nn.Module, x: Padded, form: RowForm) -> list[str]:
    """A sentence on a model whose outputs for a row depend on how far it is padded.

    Args:
        model: a twin, which is put into evaluation mode.
        x: a batch.
        form: of its rows.
    """
    model.eval()

    def outputs_of(rows: Padded, _: Tensor) -> Tensor:
        return output_of(forwarded(model, rows))

    both = changed_by_padding(outputs_of, x, form), changed_beside_longer(outputs_of, x, form)
    apart, largest = most_of(both)
    if apart <= DIFFERENT * largest:
        return []
    return [
        "the model looks at what shorter rows are filled with: more places change its outputs, of "
        f"{largest:.3g} at most, by {apart:.2g}; so a row is predicted otherwise beside longer "
        "ones; let forward take `lengths` or `mask`, and leave out what is beyond"
    ]


def changed_by_padding(numbers_of: NumbersOf, x: Padded, form: RowForm) -> tuple[float, float]:
    """By how much padding changes what comes of rows at most, and the largest of it.

    They are filled up by some places more, and no further than to the longest of them. Both are 0
    where rows of other lengths are not taken, or numbers are drawn or are not finite.

    Args:
        numbers_of: what comes of a batch: outputs, or a loss.
        x: a batch.
        form: of its rows.
    """
    every = torch.arange(len(next(tensors_in(x.x))))
    others = (padded_further(x, form, FURTHER), trimmed(x, form))
    return most_of(_apart(numbers_of, (x, other), every) for other in others)


def changed_beside_longer(numbers_of: NumbersOf, x: Padded, form: RowForm) -> tuple[float, float]:
    """As `changed_by_padding`, of rows of each length by themselves, which nothing fills up.

    A model that pools without a mask may tell a row's filling only where the row has any.

    Args:
        numbers_of: of a model in evaluation mode.
        x: a batch.
        form: of its rows.
    """
    groups = of_equal_lengths(x, form, LENGTHS)
    return most_of(_apart(numbers_of, (taken(x, rows), own), rows) for rows, own in groups)


def most_of(found: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The largest difference, and the largest number of all."""
    aparts, largest = zip(*found, strict=True)
    return max(aparts), max(largest)


def _apart(numbers_of: NumbersOf, pair: tuple[Padded, Padded], rows: Tensor) -> tuple[float, float]:
    """How far the numbers of the same rows are apart, and the largest of them."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        try:
            one, other = (numbers_of(mapped(Tensor.clone, x), rows).double() for x in pair)
        except (Exception, SystemExit):  # of any kind: the code is the user's
            return 0.0, 0.0
        if not torch.equal(before, torch.get_rng_state()):
            return 0.0, 0.0
    apart = float((one - other).abs().max()) if one.shape == other.shape else torch.inf
    largest = float(one.abs().max())
    return (apart, largest) if largest < torch.inf else (0.0, 0.0)
