"""A step on CUDA as one launch: its operations are captured once, and replayed.

Python hands over an operation in some microseconds, which is as long as a GPU takes for it where
networks are small. Never run, as no GPU was at hand; so it is asked for by `sweep.compile=always`,
and taken only if its first replay gives what the operations one by one give, to the bit. Source:
torch's notes on CUDA graphs.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from seedbed.fused.tracing import Function

WARM_UPS = 3
"""Calls before the capture, in which libraries set themselves up; torch's notes say so."""

Capture = Callable[[Function, Sequence[Tensor]], tuple[Callable[[], object], Sequence[Tensor]]]
"""Gives what carries the function out again, and where its results lie then."""


def captured(
    function: Function, given: Sequence[Tensor]
) -> tuple[Callable[[], object], Sequence[Tensor]]:
    """See `Capture`."""
    beside, here = torch.cuda.Stream(), torch.cuda.current_stream()
    beside.wait_stream(here)
    with torch.cuda.stream(beside):
        for _ in range(WARM_UPS):
            function(*given)
    here.wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = function(*given)
    return graph.replay, results


class Replayed:
    """A function whose operations are carried out at once.

    Args:
        function: of tensors, that makes the same operations each time and looks at no value.
        capture: as above.
    """

    def __init__(self, function: Function, capture: Capture = captured) -> None:
        self.function = function
        self.capture = capture
        self._weights = torch.empty(0)
        self._replay: Callable[[], object] | None = None

    def __call__(self, weights: Tensor, *others: Tensor) -> Sequence[Tensor]:
        """The results; the first is written over by the next call, the others are not.

        Args:
            weights: captured again where they lie elsewhere than in the call before.
            others: copied to where the operations read them.
        """
        if weights is not self._weights:
            self._begin(weights, others)
        if self._replay is None:
            return self.function(weights, *others)
        for mine, theirs in zip(self._given, others, strict=True):
            mine.copy_(theirs)
        self._replay()
        first, *rest = self._results
        return [first, *(one.clone() for one in rest)]

    def _begin(self, weights: Tensor, others: Sequence[Tensor]) -> None:
        self._weights = weights
        self._given = [one.clone() for one in others]
        wanted = [one.clone() for one in self.function(weights, *self._given)]
        try:
            self._replay, self._results = self.capture(self.function, [weights, *self._given])
        except RuntimeError:  # an operation that cannot be captured
            self._replay = None
            return
        self._replay()
        if not all(map(torch.equal, self._results, wanted)):
            self._replay = None
