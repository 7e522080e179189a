"""Writes a function of tensors out as the list of tensor operations that it makes.

Called again and again on tensors of the same shapes, the list spares most of Python's time, and
what `vmap` adds without need: views that change nothing, products with 1, a constant made anew. The
numbers stay the same, to the bit. torch's own `make_fx` does the recording too, but brings torch's
compiler, which takes a second to import.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from seedbed.fused.operation_list import OperationList
from seedbed.process.torch_private import DispatchMode

Function = Callable[..., Sequence[Tensor]]

aten = torch.ops.aten
RESHAPING = (
    aten.expand.default,
    aten.view.default,
    aten._unsafe_view.default,
    aten.transpose.int,
    aten.permute.default,
)
"""Operations that may give back what they were given."""


class NotRecordableError(Exception):
    """A function that is more than a list of operations on tensors."""


@dataclass(frozen=True)
class _Call:
    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any


class _Recorder(DispatchMode):
    """Sees the operations that are left once `vmap` and `grad` have done their part.

    The tensors are kept, so that each has an identity of its own until the list is written.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[_Call] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.calls.append(_Call(func, tuple(args), kwargs or {}, result))
        return result


def recorded(function: Function, examples: Sequence[Tensor]) -> OperationList:
    """The function as a list of operations, for arguments that are shaped and laid out alike.

    Args:
        function: of tensors alone; gives a sequence of tensors, the same operations each time.
        examples: its arguments.

    Raises:
        NotRecordableError: if it looks at a value, or the list does not give what it gives.
    """
    examples = [_copied(one) for one in examples]  # it may write into what it is given
    with _Recorder() as recorder:
        results = function(*examples)
    written = _Writer(recorder.calls, examples).written(results)
    others = [one * 1.0625 if one.is_floating_point() else one for one in examples]
    found, wanted = written(*others), function(*others)
    if not all(map(_is_equal, found, wanted)):
        raise NotRecordableError("it does more than its operations on tensors")
    return written


def _is_equal(one: Tensor, other: Tensor) -> bool:
    """To the bit; where a run has exploded, NaN is NaN."""
    both = one.isnan() & other.isnan()
    return one.shape == other.shape and bool(((one == other) | both).all())


def _copied(tensor: Tensor) -> Tensor:
    """The same numbers, laid out alike, in memory of its own; a clone is laid out anew."""
    storage = tensor.untyped_storage().clone()
    own = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return own.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())


class _Writer:
    """Writes the operations down, each once.

    Where one changes a tensor in place, two that look alike may differ, and nothing is left out but
    what is the very same tensor.
    """

    def __init__(self, calls: Sequence[_Call], examples: Sequence[Tensor]) -> None:
        self.calls = calls
        self.frozen = not any(call.operation._schema.is_mutable for call in calls)
        self.graph = fx.Graph()
        self.constants = torch.nn.Module()
        self.nodes = {
            id(one): self.graph.placeholder(f"tensor_{place}") for place, one in enumerate(examples)
        }
        self.same: dict[str, Any] = {}

    def written(self, results: Sequence[Tensor]) -> OperationList:
        for call in self.calls:
            self._write(call)
        self.graph.output(tuple(self._node(one) for one in results))
        self._leave_out_unused()
        return OperationList(self.graph, self.constants)

    def _leave_out_unused(self) -> None:
        """As `Graph.eliminate_dead_code`, which asks every node, used or not, and lints before."""
        for node in reversed(self.graph.nodes):
            if not node.users and not node.is_impure():
                self.graph.erase_node(node)

    def _write(self, call: _Call) -> None:
        args, kwargs = fx.node.map_aggregate((call.args, call.kwargs), self._named)
        known = self._known(call, args)
        if known is not None:
            self.nodes[id(call.result)] = known
            return
        key = repr((call.operation, args, kwargs))
        node = self.same.get(key) if self.frozen else None
        if node is None:
            node = self.same[key] = self.graph.call_function(call.operation, args, kwargs)
        self._name(call.result, node)

    def _known(self, call: _Call, args: Any) -> fx.Node | None:
        """What the operation gives, where that is there already."""
        given, result = call.args[0] if call.args else None, call.result
        if call.operation is aten.scalar_tensor.default:
            return self._node(result) if self.frozen else None
        if not isinstance(given, Tensor):
            return None
        if call.operation in RESHAPING:
            if _is_same(given, result):
                return self._node(given)
            before = args[0]
            turned_back = (
                call.operation is aten.transpose.int
                and before.target is aten.transpose.int
                and set(before.args[1:]) == set(args[1:])
            )
            return before.args[0] if turned_back else None
        by_one = call.operation is aten.mul.Scalar and call.args[1] == 1
        return self._node(given) if self.frozen and by_one and _is_same(given, result) else None

    def _name(self, result: Any, node: fx.Node) -> None:
        if isinstance(result, Tensor):
            self.nodes[id(result)] = node
        elif isinstance(result, tuple | list):
            for place, one in enumerate(result):
                self._name(one, self.graph.call_function(operator.getitem, (node, place)))
        elif result is not None:
            raise NotRecordableError("it looks at a value")

    def _named(self, value: Any) -> Any:
        return self._node(value) if isinstance(value, Tensor) else value

    def _node(self, tensor: Tensor) -> fx.Node:
        """The tensor's place in the list; one that was there before is a constant."""
        if id(tensor) not in self.nodes:
            name = f"constant_{len(self.nodes)}"
            self.constants.register_buffer(name, tensor)
            self.nodes[id(tensor)] = self.graph.get_attr(name)
        return self.nodes[id(tensor)]


def _is_same(one: Tensor, other: Tensor) -> bool:
    shaped_alike = one.shape == other.shape and one.stride() == other.stride()
    return shaped_alike and one.dtype == other.dtype
