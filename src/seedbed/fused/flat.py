"""Where the parameters of a model lie in a row of weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

Named = dict[str, Tensor]


class Layout:
    """Where each parameter lies in a row that holds all of a run's.

    A tensor under two names is told by the first; `saved` says which that is of each name in the
    `state_dict`, and `strange` names what else is in there.

    Args:
        model: whose parameters they are; those without a gradient are kept with the buffers.
    """

    def __init__(self, model: nn.Module) -> None:
        named = dict(model.named_parameters())
        self.trainable = [name for name, one in named.items() if one.requires_grad]
        self.order = list(named)
        self.kept = [name for name in named if name not in set(self.trainable)]
        self.kept += [name for name, _ in model.named_buffers()]
        self.shapes = {name: named[name].shape for name in self.trainable}
        self.sizes = [named[name].numel() for name in self.trainable]
        self.width = sum(self.sizes)
        names = {id(one): name for name, one in [*model.named_buffers(), *named.items()]}
        saved = model.state_dict(keep_vars=True)
        self.saved = {name: names[id(one)] for name, one in saved.items() if id(one) in names}
        self.strange = [name for name in saved if name not in self.saved]

    def views(self, rows: Tensor) -> Named:
        """The parameters in the rows.

        Shape:
            (runs, width) -> each (runs, *shape)
        """
        parts = rows.split(self.sizes, dim=-1)
        shapes = self.shapes.values()
        return {
            name: part.unflatten(-1, shape) if shape else part.squeeze(-1)
            for name, part, shape in zip(self.trainable, parts, shapes, strict=True)
        }

    def row(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """The reverse, with or without a first dimension of runs."""
        parts = [
            tensors[name].reshape(*tensors[name].shape[: -len(shape) or None], -1)
            for name, shape in self.shapes.items()
        ]
        return torch.cat(parts, dim=-1)
