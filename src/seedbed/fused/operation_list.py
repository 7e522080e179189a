"""A list of tensor operations as a function of tensors: what `tracing.py` writes out.

Most lists are called twice, to be compared with what they were written from and with what they
become. So the first calls go through the list; only one that is called again becomes Python code,
which takes longer to write than all else that tracing does.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from torch import Tensor, fx, nn

CALLS = 2
"""Calls that compare; whatever is called after these is called in every step."""


class OperationList:
    """See above.

    Args:
        graph: the operations.
        constants: module that holds the tensors which are no arguments.
    """

    def __init__(self, graph: fx.Graph, constants: nn.Module) -> None:
        self.graph = graph
        self.constants = constants
        self.calls = 0

    def __call__(self, *tensors: Tensor) -> Sequence[Tensor]:
        """The results, for arguments that are shaped and laid out as those it was traced with."""
        self.calls += 1
        called = self._gone_through if self.calls <= CALLS else self._code.forward
        results: Sequence[Tensor] = called(*tensors)
        return results

    @cached_property
    def _code(self) -> fx.GraphModule:
        return fx.GraphModule(self.constants, self.graph)

    def _gone_through(self, *tensors: Tensor) -> Any:
        """Each operation in turn; its results are dropped after their last use."""
        values: dict[fx.Node, Any] = {}
        given = iter(tensors)
        uses = {node: len(node.users) for node in self.graph.nodes}
        for node in self.graph.nodes:
            args, kwargs = fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
            if node.op == "placeholder":
                values[node] = next(given)
            elif node.op == "get_attr":
                values[node] = getattr(self.constants, str(node.target))
            elif node.op == "output":
                break
            else:
                values[node] = node.target(*args, **kwargs)
            for one in node.all_input_nodes:
                uses[one] -= 1
                if not uses[one]:
                    del values[one]
        return args[0]
