"""Whether what a run of a stack comes to is what the run comes to on its own."""

from torch import Tensor

AGREEMENT, ROUNDING = 5e-3, 1e-5
"""Differences that rounding may make: in parts of the same tensor, and of the largest there is."""

ROUNDING_ALONE = 0.1
"""A gradient that is so far from itself, in parts of it and over all steps, is made of rounding."""


class DiffersError(Exception):
    """A run alone and the same run in a stack are not alike; the text says where."""


class RoundingAlone:
    """Looks for gradients that are zero but for rounding: those that differ by what they are."""

    def __init__(self) -> None:
        self._apart: dict[str, Tensor] = {}
        self._sizes: dict[str, Tensor] = {}

    def take(self, name: str, found: Tensor, own: Tensor) -> None:
        """Takes in a gradient in a stack, and the same one alone."""
        apart, own_size = (found - own).detach().abs(), own.detach().abs()
        self._apart[name] = self._apart[name] + apart if name in self._apart else apart
        self._sizes[name] = self._sizes[name] + own_size if name in self._sizes else own_size

    def found(self) -> str | None:
        """The first parameter with such a number in its gradient, or None."""
        for name, apart in self._apart.items():
            if bool((apart > ROUNDING_ALONE * self._sizes[name]).any()):
                return name
        return None


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
