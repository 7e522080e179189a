"""Whether what a run of a stack comes to is what the run comes to on its own."""

from torch import Tensor

AGREEMENT, ROUNDING = 5e-3, 1e-5
"""Differences that rounding may make: in parts of the same tensor, and of the largest there is."""


class DiffersError(Exception):
    """A run alone and the same run in a stack are not alike; the text says where."""


def agree(what: str, found: Tensor, own: Tensor, slack: float = 0.0) -> None:
    """Compares two tensors.

    Args:
        what: they are, for the reason.
        found: in the stack.
        own: of the run on its own.
        slack: that is allowed beside `AGREEMENT` of the largest number.

    Raises:
        DiffersError: if they differ by more than rounding makes.
    """
    most = AGREEMENT * size(own) + slack if own.is_floating_point() else 0.0
    if found.shape != own.shape or not _within(found.detach(), own.detach(), most):
        raise DiffersError(f"{what} is another in a stack than alone")


def size(tensor: Tensor) -> float:
    """The largest magnitude among finite numbers."""
    if not tensor.numel():
        return 0.0
    return float(tensor.detach().double().nan_to_num(posinf=0.0, neginf=0.0).abs().max())


def _within(found: Tensor, own: Tensor, most: float) -> bool:
    same = found == own
    if own.is_floating_point():
        same |= found.isnan() & own.isnan()
    if own.is_floating_point() and most:
        same |= (found.double() - own.double()).abs() <= most
    return bool(same.all())
