"""Padded rows cut to a length: to the longest of them, or to the one that rows of a group have."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from seedbed.data.nested import Padded, mapped, named_tensors, padded
from seedbed.data.row_form import Leaf, RowForm, rebuilt


def trimmed(x: Padded, form: RowForm) -> Padded:
    """The same rows, filled up to the longest of them alone.

    Args:
        x: of rows of the form, filled up to any length.
        form: of them.
    """
    lengths = _by_name(x, form)
    most = {name: int(one.max()) if len(one) else 0 for name, one in lengths.items()}
    first, tensors = most[form.varying[0]], named_tensors(x.x)

    def cut(name: str, leaf: Leaf) -> Tensor:
        own = tensors[name]
        return (own[:, : most.get(name, first)] if leaf.varies else own).contiguous()

    return padded(rebuilt(form.nest, cut), form, lengths, most)


def of_equal_lengths(x: Padded, form: RowForm, most: int) -> Iterator[tuple[Tensor, Padded]]:
    """Rows by their lengths, the numbers of each group beside it: none has a place to fill up.

    Args:
        x: of rows of the form.
        form: of them.
        most: groups, at least 2; of more those that are evenly spaced, the shortest among them.
    """
    lengths = torch.stack([*_by_name(x, form).values()], dim=1)
    for rows in rows_alike(lengths, most):
        yield rows, trimmed(taken(x, rows), form)


def rows_alike(lengths: Tensor, most: int) -> Iterator[Tensor]:
    """The numbers of rows of one length; arguments and groups as of `of_equal_lengths`.

    Shape:
        (rows, tensors of varying length)
    """
    different, group = torch.unique(lengths, dim=0, return_inverse=True)
    chosen = torch.linspace(0, len(different) - 1, min(most, len(different))).round().long()
    for number in chosen.tolist():
        yield torch.nonzero(group == number)[:, 0]


def taken(x: Padded, rows: Tensor) -> Padded:
    """Some of the rows, filled up as they were."""
    found: Padded = mapped(lambda one: one[rows], x)
    return found


def _by_name(x: Padded, form: RowForm) -> Mapping[str, Tensor]:
    """The lengths of tensors; of one in place of all, where a row has one length."""
    return {form.names_of_lengths[0]: x.lengths} if form.together else x.lengths
