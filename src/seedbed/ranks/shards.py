"""The parameters of a model of which each rank holds a part, by torch's FSDP2.

Rows of the first dimension are dealt out in blocks of one size; the last ranks may have fewer, or
none. The optimizer moves plain tensors, which see the memory of this rank's parts.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from seedbed.ranks.group import Group
from seedbed.ranks.units import units_of
from seedbed.runs.checkpoint import Checkpoint

SPLIT = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Types of the parameters that are split."""

Change = Callable[[Any, torch.Size], Any]
"""What becomes of a tensor that is, or goes with, a parameter of this size."""


@dataclass(frozen=True)
class Held:
    """Says in a checkpoint that a tensor is told apart from it."""

    shape: torch.Size
    dtype: torch.dtype


class Shards:
    """Splits a model over the ranks, in place, and has the optimizer move this rank's parts.

    Args:
        model: whole, the same on each rank.
        optimizer: of its parameters, and of others that each rank holds whole.
        group: the ranks.
        least: numbers from which on a module is gathered by itself.

    Attributes:
        units: modules that are gathered by themselves, and the model.
        parameters: what this rank holds of those of the model, by name.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, group: Group, least: int) -> None:
        self.model, self.group = model, group
        before = dict(model.named_parameters(remove_duplicate=False))
        self.units = _split(model, group, least)
        self._parts: dict[int, tuple[Tensor, nn.Parameter]] = {}
        after = dict(model.named_parameters(remove_duplicate=False))
        held = {name: self._held(one) for name, one in after.items()}
        moved = {id(one): held[name] for name, one in before.items()}
        self.parameters = {name: held[name] for name, _ in model.named_parameters()}
        state = model.state_dict()
        self._whole = {n: one.shape for n, one in (after | state).items() if _is_split(one)}
        whole = {id(held[name]): size for name, size in self._whole.items() if name in held}
        self._moved = [moved.get(id(one), one) for one in _parameters_of(optimizer)]
        self._sizes = [whole.get(id(one)) for one in self._moved]
        self._move(optimizer, moved)

    def _held(self, parameter: nn.Parameter) -> nn.Parameter:
        """What this rank has of a parameter, as one that an optimizer can move."""
        if not isinstance(parameter, DTensor):
            return parameter
        if id(parameter) not in self._parts:
            own = nn.Parameter(_own(parameter), requires_grad=parameter.requires_grad)
            self._parts[id(parameter)] = (parameter, own)
        return self._parts[id(parameter)][1]

    def _move(self, optimizer: Optimizer, moved: Mapping[int, nn.Parameter]) -> None:
        """Has an optimizer move the parts, in place of what they are of."""
        sizes = {id(one): size for one, size in zip(self._moved, self._sizes, strict=True)}
        for one in [one for one in optimizer.state if id(one) in moved]:
            part = moved[id(one)]
            state = optimizer.state.pop(one)
            optimizer.state[part] = self._changed_state(state, sizes[id(part)], self.cut)
        for group in optimizer.param_groups:
            group["params"] = [moved.get(id(one), one) for one in group["params"]]

    @property
    def held_whole(self) -> list[nn.Parameter]:
        """Those that the optimizer moves on every rank alike."""
        return [one for one, size in zip(self._moved, self._sizes, strict=True) if size is None]

    @property
    def parts(self) -> list[nn.Parameter]:
        """What this rank has of the parameters that are split."""
        return [own for _, own in self._parts.values()]

    def take_gradients(self) -> list[Tensor]:
        """Hands the gradients, added over ranks, to the parts; all that there are."""
        found = []
        for split, own in self._parts.values():
            if split.grad is not None:
                own.grad = _own(split.grad)
                split.grad = None
                found.append(own.grad)
        return found

    def with_gradient(self) -> list[int]:
        """Which of the parameters have a gradient."""
        split = (one for one, _ in self._parts.values())
        return [number for number, one in enumerate(split) if one.grad is not None]

    def weights(self) -> dict[str, Any]:
        """The model's `state_dict`, with this rank's parts of what is split."""
        return {name: _own(one) for name, one in self.model.state_dict().items()}

    def take_weights(self, weights: Mapping[str, Any]) -> None:
        """Puts what `weights` gave into the model."""
        state = self.model.state_dict()
        for name, one in state.items():
            if isinstance(one, DTensor):
                _own(one).copy_(weights[name])
        split = {name: one for name, one in state.items() if isinstance(one, DTensor)}
        self.model.load_state_dict({**weights, **split})

    def changed(self, checkpoint: Checkpoint, change: Change) -> Checkpoint:
        """A checkpoint with all that belongs to split parameters changed, in its own order."""
        of: dict[str, Callable[[Any], Any]] = {
            "model": lambda one: self.changed_weights(one, change),
            "optimizer": lambda one: {**one, "state": self._changed_states(one["state"], change)},
            "average": lambda one: {**one, "weights": self.changed_weights(one["weights"], change)},
        }
        found: Any = {key: of.get(key, lambda it: it)(one) for key, one in checkpoint.items()}
        return found  # type: ignore[no-any-return]

    def _changed_states(self, states: Mapping[int, Any], change: Change) -> dict[int, Any]:
        return {
            number: self._changed_state(one, self._sizes[number], change)
            for number, one in states.items()
        }

    def _changed_state(self, state: Any, size: torch.Size | None, change: Change) -> Any:
        if size is None:
            return state
        sizes = (size, self._own_size(size))

        def goes_with(value: Any) -> bool:
            return isinstance(value, Held) or getattr(value, "shape", None) in sizes

        return {key: change(one, size) if goes_with(one) else one for key, one in state.items()}

    def changed_weights(self, weights: Mapping[str, Any], change: Change) -> dict[str, Any]:
        """As `changed`, of weights by name."""
        return {
            name: change(one, self._whole[name]) if name in self._whole else one
            for name, one in weights.items()
        }

    def _rows(self, size: torch.Size) -> list[int]:
        """How many rows of a parameter each rank has."""
        ranks = self.group.place.ranks
        most = -(-size[0] // ranks)
        return [min(max(size[0] - rank * most, 0), most) for rank in range(ranks)]

    def _own_size(self, size: torch.Size) -> torch.Size:
        return torch.Size([self._rows(size)[self.group.place.rank], *size[1:]])

    def cut(self, tensor: Any, size: torch.Size) -> Any:
        """What this rank has of a tensor; one that is cut already stays as it is."""
        if tensor.shape != size:
            return tensor
        rank, rows = self.group.place.rank, self._rows(size)
        return tensor.narrow(0, sum(rows[:rank]), rows[rank]).clone()

    def gathered(self, own: Tensor, size: torch.Size) -> Tensor | None:
        """On the first rank the whole of a tensor, on the CPU; elsewhere nothing."""
        sent = own.to(self.group.device).contiguous()
        whole = self.group.rows_of_all(sent, self._rows(size))
        return None if whole is None else whole.cpu()

    def spread(self, checkpoints: Sequence[Checkpoint | None]) -> list[Checkpoint | None]:
        """The first rank's checkpoints, on every rank; on the others, its own parts of them.

        A tensor is sent at a time, so that no other rank ever holds a checkpoint whole.
        """
        tensors: list[Tensor] = []

        def hold(tensor: Tensor, size: torch.Size) -> Held:
            tensors.append(tensor)
            return Held(tensor.shape, tensor.dtype)

        told = [None if one is None else self.changed(one, hold) for one in checkpoints]
        told = self.group.from_first(told)
        if self.group.is_first:
            for tensor in tensors:
                self.group.take_first(tensor.to(self.group.device).contiguous())
            return list(checkpoints)

        def receive(held: Held, size: torch.Size) -> Tensor:
            whole = torch.empty(held.shape, dtype=held.dtype, device=self.group.device)
            self.group.take_first(whole)
            own: Tensor = self.cut(whole, size)
            return own.cpu()

        return [None if one is None else self.changed(one, receive) for one in told]


def _split(model: nn.Module, group: Group, least: int) -> list[FSDPModule]:
    """Splits a model, the innermost units first; each leaves the memory as its parts are there."""
    mesh = init_device_mesh(group.device.type, (group.place.ranks,))
    whole = _held_whole(model)
    for one in model.parameters():
        one.data = one.data.contiguous()
    for one in whole:
        one.data = one.data.to(group.device)
    # Sums of half precision would lose what ranks have in common.
    policy = MixedPrecisionPolicy(reduce_dtype=_sums(model, whole))
    units = [*units_of(model, least), model]
    for unit in units:
        left = [one for one in unit.parameters() if one not in whole and not _is_split(one)]
        fully_shard(
            unit, mesh=mesh, reshard_after_forward=True, mp_policy=policy, ignored_params=whole
        )
        for one in left:  # the optimizer still has them
            one.data = one.data.new_empty(0)
    split: list[FSDPModule] = [unit for unit in units if isinstance(unit, FSDPModule)]
    for one_unit in split:
        one_unit.set_gradient_divide_factor(1.0)
        one_unit.set_force_sum_reduction_for_comms(True)
    return split


def _held_whole(model: nn.Module) -> set[nn.Parameter]:
    """Parameters that are not split: single numbers, none, and those of another type than most.

    What is gathered together has one type.
    """
    types = Counter({torch.float32: 0})
    for one in model.parameters():
        types[one.dtype] += one.numel() if one.dtype in SPLIT else 0
    common = types.most_common(1)[0][0]
    return {
        one
        for one in model.parameters()
        if not one.ndim or not one.numel() or one.dtype is not common
    }


def _sums(model: nn.Module, whole: set[nn.Parameter]) -> torch.dtype | None:
    types = {one.dtype for one in model.parameters() if one not in whole}
    return torch.float32 if types & {torch.float16, torch.bfloat16} else None


def _parameters_of(optimizer: Optimizer) -> list[nn.Parameter]:
    return [one for group in optimizer.param_groups for one in group["params"]]


def _is_split(one: Any) -> bool:
    return isinstance(one, DTensor)


def _own(one: Any) -> Any:
    """What this rank holds of a tensor."""
    return one.to_local().detach() if isinstance(one, DTensor) else one
