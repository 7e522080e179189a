"""Where the parameters of a model lie in a row of weights.

Each begins at a multiple of `LANES` numbers, and so does each row. Which kernel computes a number,
and with it its last bit, may depend on where it lies; in such rows all runs lie alike. The numbers
between are zero and stay so unless an optimizer divides by them; no one reads them.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from seedbed.fused.lanes import LANES

Named = dict[str, Tensor]


class Layout:
    """Where each parameter lies in a row that holds all of a run's.

    A tensor under two names is told by the first; `saved` says which that is of each name in the
    `state_dict`, and `strange` names what else is in there. `group_of` and `numbers` tell the
    optimizer's group of each parameter, and its number in the optimizer's `state_dict`.

    Args:
        model: whose parameters they are; those without a gradient are kept with the buffers.
        runs_last: whether the runs lie inside in memory, without gaps; see `runs_last.py`.
        groups: the names in each of the optimizer's groups, or None if all are in one.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        runs_last: bool = False,
        groups: Sequence[Sequence[str]] | None = None,
    ) -> None:
        self.runs_last = runs_last
        named = dict(model.named_parameters())
        self.trainable = [name for name, one in named.items() if one.requires_grad]
        self.order = list(named)
        self.kept = [name for name in named if name not in set(self.trainable)]
        self.kept += [name for name, _ in model.named_buffers()]
        self.shapes = {name: named[name].shape for name in self.trainable}
        self.sizes = [named[name].numel() for name in self.trainable]
        self._pieces = [one for n in self.sizes for one in (n, 0 if runs_last else -n % LANES)]
        self.width = sum(self._pieces)
        self.groups = [list(one) for one in groups] if groups else [self.order]
        self.group_of = {name: at for at, group in enumerate(self.groups) for name in group}
        self.numbers = {name: at for at, name in enumerate(n for one in self.groups for n in one)}
        names = {id(one): name for name, one in [*model.named_buffers(), *named.items()]}
        saved = model.state_dict(keep_vars=True)
        self.saved = {name: names[id(one)] for name, one in saved.items() if id(one) in names}
        self.strange = [name for name in saved if name not in self.saved]

    @property
    def columns(self) -> Tensor | None:
        """The optimizer's group of each number in a row, gaps included; None if there is one."""
        if len(self.groups) == 1:
            return None
        widths = [
            size + gap for size, gap in zip(self._pieces[::2], self._pieces[1::2], strict=True)
        ]
        groups = [self.group_of[name] for name in self.trainable]
        return torch.tensor(groups).repeat_interleave(torch.tensor(widths))

    @property
    def leaders(self) -> list[int | None]:
        """The number of a trainable parameter of each group; None of a group that has none."""
        first: dict[int, int] = {}
        for name in self.trainable:
            first.setdefault(self.group_of[name], self.numbers[name])
        return [first.get(group) for group in range(len(self.groups))]

    def views(self, rows: Tensor) -> Named:
        """The parameters in the rows.

        Shape:
            (runs, width) -> each (runs, *shape)
        """
        return self._named(rows.split(self._pieces, dim=-1)[::2])

    def packed(self, row: Tensor) -> Named:
        """Copies of the parameters in the rows, that lie in one storage without gaps."""
        parts = row.split(self._pieces, dim=-1)[::2]
        return self._named(torch.cat(parts, dim=-1).split(self.sizes, dim=-1))

    def padded(self, rows: Tensor) -> Tensor:
        """Rows without gaps, as the others are.

        Shape:
            (runs, parameters) -> (runs, width)
        """
        return self.row(self._named(rows.split(self.sizes, dim=-1)))

    def _named(self, parts: Sequence[Tensor]) -> Named:
        shapes = self.shapes.values()
        return {
            name: part.unflatten(-1, shape) if shape else part.squeeze(-1)
            for name, part, shape in zip(self.trainable, parts, shapes, strict=True)
        }

    def arranged(self, rows: Tensor) -> Tensor:
        """Rows, laid out in memory as training wants them; (runs, width)."""
        return rows.t().contiguous().t() if self.runs_last else rows.contiguous()

    def row(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """The reverse of `views`, with or without a first dimension of runs."""
        parts = []
        for (name, shape), gap in zip(self.shapes.items(), self._pieces[1::2], strict=True):
            runs = tensors[name].shape[: -len(shape) or None]
            parts += [tensors[name].reshape(*runs, -1), tensors[name].new_zeros(*runs, gap)]
        return torch.cat(parts, dim=-1)
