"""What a stack computes, written out once for each shape of its tensors."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from seedbed.fused.cuda_graph import Replayed
from seedbed.fused.rewriting import faster
from seedbed.fused.runs_last import RunsLast
from seedbed.fused.tracing import Function, NotRecordableError, recorded

STEP, OUTPUTS = "step", "outputs"
"""What is written out: a step, and predictions in evaluation."""


class WrittenSteps:
    """Functions of tensors, each as a list of faster operations from its first call on.

    Args:
        enabled: whether anything is written out; else functions stay as they are.
        runs_last: whether the runs lie inside.
    """

    def __init__(self, *, enabled: bool, runs_last: bool) -> None:
        self.enabled = enabled
        self.captures = False  # steps as graphs of CUDA
        self.functions: dict[tuple[Any, ...], Function] = {}
        self._runs_last = runs_last
        self._not_recordable: set[str] = set()

    def known(self, name: str, tensors: Sequence[Tensor]) -> Function | None:
        """What was written out for tensors of these shapes."""
        return self.functions.get(_key(name, tensors))

    def of(self, name: str, function: Function, tensors: Sequence[Tensor]) -> Function:
        """A function written out; itself where it cannot be.

        Args:
            name: `STEP` or `OUTPUTS`.
            function: of tensors alone.
            tensors: that it is called with.
        """
        if not self.enabled or name in self._not_recordable:
            return function
        key = _key(name, tensors)
        if key not in self.functions:
            try:
                self.functions[key] = self._as_fast(name, function, tensors)
            except NotRecordableError:
                self._not_recordable.add(name)
                return function
        return self.functions[key]

    def _as_fast(self, name: str, function: Function, tensors: Sequence[Tensor]) -> Function:
        if name == STEP and self._runs_last:
            return RunsLast(function, tensors)
        fast = faster(recorded(function, tensors), tensors, keeps=name == STEP)
        return Replayed(fast) if self.captures and name == STEP else fast

    def forget(self) -> None:
        """Drops what was written out for another number of runs."""
        self.functions.clear()


def _key(name: str, tensors: Sequence[Tensor]) -> tuple[Any, ...]:
    return (name, *((one.shape, one.stride()) for one in tensors))
