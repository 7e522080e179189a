"""Where the numbers of a run begin, so that its bits do not depend on its slot in a stack."""

import math
from collections.abc import Sequence

from torch import Tensor

LANES = 32
"""Numbers that torch's kernels take at once, twice the widest register's; the rest of a tensor is
computed one by one. MKL's products look at the alignment to half of it."""


def aligned(like: Tensor, strides: Sequence[int] | None = None) -> Tensor:
    """New memory of zeros, laid out alike but for gaps between the parts of runs.

    Args:
        like: shaped like this, (runs, …).
        strides: laid out like what has these; `like` itself by default.
    """
    strides = strides or like.stride()
    runs, size = len(like), like[0].numel() if like.ndim > 1 else 0
    if not size or max(strides[1:]) > strides[0]:
        return like.new_zeros(like.shape).as_strided(like.shape, strides)
    padded = math.ceil(size / LANES) * LANES
    return like.new_zeros(runs * padded).as_strided(like.shape, [padded, *strides[1:]])


def in_lanes(tensor: Tensor) -> Tensor:
    """A tensor whose parts of each run lie alike: itself or a copy."""
    unit = LANES // 2 * tensor.element_size()
    if tensor.data_ptr() % unit == 0 and tensor.stride(0) * tensor.element_size() % unit == 0:
        return tensor
    like = tensor.contiguous() if 0 in tensor.stride() else tensor  # runs may share their rows
    return aligned(like).copy_(tensor)


def inside(tensor: Tensor) -> Tensor:
    """The same numbers, laid out with the first dimension, the runs, inside."""
    return tensor.movedim(0, -1).contiguous().movedim(-1, 0)
