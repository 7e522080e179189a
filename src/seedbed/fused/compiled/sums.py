"""Sums over dimensions of one run, in the order in which torch adds.

Source: `cascade_sum` in ATen/native/cpu/SumKernel.cpp.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from seedbed.fused.compiled.loops import nest
from seedbed.fused.compiled.places import NotWritableError, Place


@dataclass(frozen=True)
class _Dimension:
    size: int
    step_in: int
    step_out: int


def total(out: Place, given: Place, dims: Any, *, lanes: int) -> str:
    """The sum over some dimensions.

    Args:
        out: the result.
        given: what is added.
        dims: these, as torch counts them, the runs being the first.
        lanes: runs side by side; 1 if one is computed at a time.
    """
    kept, added = _dimensions(out, given, dims, lanes)
    where_in = _index(given.offset, [one.step_in for one in kept])
    target = f"{out.buffer}[{_index(out.offset, [one.step_out for one in kept])}]"
    start = f"&{given.buffer}[{where_in}]"
    if lanes > 1:
        line = f"sum_lanes(&{target}, {start}, {added.step_in}, {added.size});"
    elif added.size == 1:
        line = f"{target} = 0 + {given.buffer}[{where_in}];"
    elif added.step_in == 1:
        line = f"{target} = sum_inner({start}, {added.size});"
    elif kept and min(one.step_in for one in kept) < added.step_in:
        raise NotWritableError("a sum across rows")
    else:
        line = f"{target} = sum_apart({start}, {added.step_in}, {added.size});"
    return nest(kept, line)


def mean(out: Place, given: Place, dims: Any, *, lanes: int) -> str:
    """The sum, divided by how many there are."""
    kept, added = _dimensions(out, given, dims, lanes)
    where = _index(out.offset, [one.step_out for one in kept])
    number = float(added.size)
    divide = f"{out.buffer}[{where}] /= {number}f;"
    if lanes > 1:
        divide = f"for (long l = 0; l < {lanes}; l++) {out.buffer}[{where} + l] /= {number}f;"
    return f"{total(out, given, dims, lanes=lanes)}\n{nest(kept, divide)}"


def _dimensions(
    out: Place, given: Place, dims: Any, lanes: int
) -> tuple[list[_Dimension], _Dimension]:
    """Those that stay, and all that are added up as one."""
    count = len(given.sizes) - (lanes > 1)
    chosen = {dim % (count + 1) for dim in ([dims] if isinstance(dims, int) else dims)}
    if 0 in chosen:
        raise NotWritableError("a sum over runs")
    outs = list(out.strides[: len(out.sizes) - (lanes > 1)])
    keeps_dims = len(outs) == count
    kept: list[_Dimension] = []
    added: list[_Dimension] = []
    for at in range(count):
        is_added = at + 1 in chosen
        step_out = 0 if is_added and not keeps_dims else outs.pop(0)
        one = _Dimension(given.sizes[at], given.strides[at], step_out)
        if one.size > 1:
            (added if is_added else kept).append(one)
    return kept, _joined(added)


def _joined(added: list[_Dimension]) -> _Dimension:
    added = sorted(added, key=lambda one: one.step_in)
    for inner, outer in pairwise(added):
        if inner.size * inner.step_in != outer.step_in:
            raise NotWritableError("a sum over dimensions that are apart")
    if not added:
        return _Dimension(1, 0, 0)
    return _Dimension(math.prod(one.size for one in added), added[0].step_in, 0)


def _index(offset: int, steps: Sequence[int]) -> str:
    terms = [f"{step} * i{at}" for at, step in enumerate(steps) if step]
    return " + ".join([str(offset), *terms]) if offset or not terms else " + ".join(terms)
