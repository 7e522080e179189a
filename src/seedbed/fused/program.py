"""Carries a list of tensor operations out again and again, in memory of its own.

Every result has one place for good. Then views are made once instead of each time, nothing is
allocated, and an operation writes over what nobody needs any more. `rewriting.py` has the rules by
which operations become others.

Where numbers lie decides their last bits: each run's part of a result begins at a multiple of
`LANES`, so that the bits of a run do not depend on which slot it is in, nor on how many there are.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx

from seedbed.fused.lanes import LANES, aligned, inside
from seedbed.fused.operation_list import OperationList
from seedbed.fused.operations import is_look
from seedbed.fused.values import Done, Value, now, plain, values_in


class Program:
    """A list of operations as a function of weights and further tensors.

    Args:
        written: the list; its first argument is the weights.
        rules: in the order in which they are tried; each gives the value of a node, or None.
        keeps: whether results have memory of their own. The first that is returned is then written
            over by the next call; the others are anew each time.
        runs_last: whether the runs lie inside, and all arguments in the same place in each call.
    """

    def __init__(
        self,
        written: OperationList,
        rules: Sequence["Rule"],
        *,
        keeps: bool = True,
        runs_last: bool = False,
    ) -> None:
        self.constants = written.constants
        self.rules = rules
        self.keeps = keeps
        self.runs_last = runs_last
        self.nodes = list(written.graph.nodes)
        self.weights_node = self.nodes[0]
        returned = self.nodes[-1].args[0]
        self.roots = _roots(self.nodes)
        self.last_use = _last_uses(self.nodes, self.roots)
        self.gradient_root = self.roots[returned[0]] if keeps else None
        self._fresh = {self.roots[one] for one in returned[1 if keeps else 0 :]}
        self.weights = torch.empty(0)

    def __call__(self, weights: Tensor, *others: Tensor) -> list[Tensor]:
        """The results; `others` are shaped and laid out as they were in the first call."""
        if not _is_same_place(weights, self.weights):
            self._build(weights, others)
        self._kept[: len(others)] = others
        for call in self._calls:
            call()
        return [one.tensor if one.slot is None else self._kept[one.slot] for one in self.results]

    def _build(self, weights: Tensor, others: Sequence[Tensor]) -> None:
        """Carries the list out once, and writes down what is to be done each time."""
        self.weights = weights
        self.given = (weights, *others)
        self._kept: list[Any] = list(others)
        self._calls: list[Callable[[], object]] = []
        self._views: dict[Any, Value] = {}
        self.done: list[Done] = []
        self.values: dict[fx.Node, Any] = {}
        places = [None if self.runs_last else slot for slot in range(len(others))]
        given = [Value(weights), *map(Value, others, places)]
        for node in self.nodes:
            if node.op == "placeholder":
                self.values[node] = given[len(self.values)]
            elif node.op == "get_attr":
                self.values[node] = Value(getattr(self.constants, str(node.target)), constant=True)
            elif node.op == "call_function":
                self.values[node] = self._value(node)
        self.results = self.arguments(self.nodes[-1].args[0])

    def _value(self, node: fx.Node) -> Any:
        args = self.arguments(node.args)
        for rule in self.rules:
            value = rule(self, node, args)
            if value is not None:
                return value
        raise NotImplementedError(str(node))

    def arguments(self, args: Any) -> Any:
        """The values of nodes."""
        return fx.node.map_aggregate(
            args, lambda a: self.values[a] if isinstance(a, fx.Node) else a
        )

    def is_fresh(self, node: fx.Node) -> bool:
        """Whether what it gives must not lie where the next call writes."""
        return not self.keeps or self.roots[node] in self._fresh

    def view(self, operation: Any, value: Value, *args: Any) -> Value:
        """What looks at a value otherwise; made once if the value stays in its place."""
        found = operation(value.tensor, *args)
        if value.slot is None:
            return Value(found, None, value.constant, value.owned)
        key = (operation, value.slot, *args)
        if key not in self._views:
            self._views[key] = self._each_time(operation, [value, *args], {}, found)
        return self._views[key]

    def anew(self, operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Value:
        """A result that every call allocates."""
        value = self._each_time(operation, args, kwargs, operation(*plain(args), **kwargs))
        self.done.append(Done(operation, args, kwargs, value.tensor))
        return value

    def anew_like(self, like: Tensor, operation: Any, args: Sequence[Any], name: str) -> Value:
        """The same, laid out as `aligned` has it; `name` is the operation's `out`."""
        shape = like.new_empty(()).expand(like.shape), like.stride()

        def call(*args: Any) -> Any:
            return operation(*args, **{name: aligned(*shape)})

        value = self._each_time(call, args, {}, call(*plain(args)))
        self.done.append(Done(operation, args, {}, value.tensor))
        return value

    def into(
        self, out: Tensor, operation: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Value:
        """A result in a place of its own.

        Args:
            out: the place.
            operation: that writes there.
            args: of it.
            kwargs: of it, and among them, under the name that it has there, `out`.
        """
        operation(*plain(args), **kwargs)
        self._calls.append(self._calling(operation, args, kwargs))
        self.done.append(Done(operation, args, kwargs, out))
        return Value(out, owned=True)

    def _each_time(self, operation: Any, args: Any, kwargs: Any, found: Any) -> Value:
        slot = len(self._kept)
        self._kept.append(found)
        kept, call = self._kept, self._calling(operation, args, kwargs)

        def keep() -> None:
            kept[slot] = call()

        self._calls.append(keep)
        return Value(found, slot)

    def _calling(self, operation: Any, args: Sequence[Any], kwargs: Any) -> Callable[[], Any]:
        """The operation with these arguments, each as it is in the call.

        What little Python does here counts: caches hold the tensors then.
        """
        kept, given = self._kept, plain(args)
        moving = [
            (place, one)
            for place, one in enumerate(args)
            if any(each.slot is not None for each in values_in([one]))
        ]
        if not moving:
            return partial(operation, *given, **kwargs)
        slots = [(place, one.slot or 0) for place, one in moving if isinstance(one, Value)]
        lists = [(place, one) for place, one in moving if not isinstance(one, Value)]

        def call() -> Any:
            for place, slot in slots:
                given[place] = kept[slot]
            for place, one in lists:
                given[place] = now(one, kept)
            return operation(*given, **kwargs)

        return call

    def place_for(self, node: fx.Node, like: Tensor, *, over: Sequence[Any] = ()) -> Tensor:
        """Memory for a result.

        Args:
            node: of the result.
            like: shaped and laid out like this.
            over: arguments that may be written over, if this is the last use of them.
        """
        for one, argument in zip(over, node.args, strict=False):
            if isinstance(one, Value) and self._is_free(one, argument, node):
                tensor: Tensor = one.tensor
                same = tensor.shape == like.shape and tensor.dtype == like.dtype
                if same and (self.runs_last or _lies_alike(tensor, like)):
                    return tensor
        return self.memory(like)

    def memory(self, like: Tensor) -> Tensor:
        """Memory of zeros that is laid out alike, or as all else is if the runs lie inside."""
        return inside(torch.zeros_like(like)) if self.runs_last else aligned(like)

    def _is_free(self, value: Value, argument: Any, node: fx.Node) -> bool:
        root = self.roots[argument]
        others = [one for one in node.args if isinstance(one, fx.Node) and self.roots[one] is root]
        return value.owned and self.last_use[root] is node and set(others) == {argument}


Rule = Callable[[Program, fx.Node, Any], Any]


def _lies_alike(one: Tensor, other: Tensor) -> bool:
    """Within each run, and each begins at a lane."""
    strides = one.stride()
    return one.ndim > 1 and strides[1:] == other.stride()[1:] and strides[0] % LANES == 0


def _is_same_place(one: Tensor, other: Tensor) -> bool:
    return one is other or (
        one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.stride() == other.stride()
    )


def _roots(nodes: Sequence[fx.Node]) -> dict[fx.Node, fx.Node]:
    """For each result the one in whose memory it may lie."""
    roots: dict[fx.Node, fx.Node] = {}
    for node in nodes:
        roots[node] = roots[node.all_input_nodes[0]] if is_look(node) else node
    return roots


def _last_uses(nodes: Sequence[fx.Node], roots: dict[fx.Node, fx.Node]) -> dict[fx.Node, fx.Node]:
    """The last node that takes each root, or something that may lie in its memory."""
    found = {}
    for node in nodes:
        for one in node.all_input_nodes:
            found[roots[one]] = node
    return found
