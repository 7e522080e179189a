"""Puts the weights of another model into a new one by their names, and tells which went where."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seedbed.config.hints import counted, joined
from seedbed.errors import ModelError
from seedbed.runs.files import printable

LOADED, RESET, NEW, UNUSED = "loaded", "reset", "new", "not in the model"

LISTED = 40
"""Tensors from which on those that are simply loaded are counted and not listed."""


@dataclass(frozen=True)
class Fate:
    """What became of a tensor.

    Args:
        name: in the model, or in the source where the model has none.
        shape: likewise.
        outcome: one of `LOADED`, `RESET`, `NEW`, `UNUSED`, or why it is not loaded.
        fits: whether that is as it was asked for.
        frozen: whether it is not trained.
    """

    name: str
    shape: tuple[int, ...]
    outcome: str
    fits: bool
    frozen: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.shape}: {self.outcome}"


@dataclass(frozen=True)
class Matched:
    """The tensors of a source beside those of a model.

    Args:
        tensors: that fit, by their names in the model.
        fates: of all tensors of either.
    """

    tensors: Mapping[str, Tensor]
    fates: Sequence[Fate]

    @property
    def misfits(self) -> list[Fate]:
        """Those that `init.strict` refuses."""
        return [one for one in self.fates if not one.fits]

    def summary(self) -> str:
        """How much was loaded."""
        own = [one for one in self.fates if one.outcome != UNUSED]
        return f"{len(self.tensors)} of {counted(len(own), 'tensor')} loaded"

    def table(self) -> list[str]:
        """A line for each tensor, in columns."""
        fates = list(self.fates)
        listed = fates
        if len(fates) > LISTED:
            listed = [one for one in fates if one.outcome != LOADED or one.frozen][:LISTED]
        rows = [
            (one.name, str(one.shape), one.outcome + (", frozen" if one.frozen else ""))
            for one in listed
        ]
        widths = [max((len(row[at]) for row in rows), default=0) for at in range(2)]
        lines = [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]
        more = len(fates) - len(listed)
        return [*lines, *([f"  and {more} more"] if more else [])]


def matched(
    model: nn.Module,
    source: Mapping[str, Tensor],
    *,
    reset: Collection[str] = (),
    other: Mapping[str, str] | None = None,
    frozen: Collection[str] = (),
) -> Matched:
    """Compares the tensors of a source with a model's, by name and shape.

    Args:
        model: with its fresh start.
        source: the tensors of another, by name, see `without_prefix`.
        reset: names that keep their fresh start, of the model or left out of the source.
        other: names that mean something else in the source, and why.
        frozen: names of parameters that are not trained.
    """
    own = {k: one for k, one in model.state_dict().items() if isinstance(one, Tensor)}
    tensors, fates = {}, []
    for name, tensor in own.items():
        outcome, fits = _outcome(name, tensor, source.get(name), reset, other or {})
        if outcome == LOADED:
            tensors[name] = source[name]
        fates.append(Fate(printable(name), tuple(tensor.shape), outcome, fits, name in frozen))
    fates += [
        Fate(name, tuple(tensor.shape), UNUSED, name in reset)
        for name, tensor in source.items()
        if name not in own
    ]
    return Matched(tensors, fates)


def _outcome(
    name: str,
    own: Tensor,
    there: Tensor | None,
    reset: Collection[str],
    other: Mapping[str, str],
) -> tuple[str, bool]:
    """What becomes of a tensor of the model, and whether that is as it was asked for."""
    if name in reset:
        return RESET, True
    if there is None:
        return NEW, False
    if there.shape != own.shape:
        return f"other shape, {tuple(there.shape)} there", False
    if name in other:
        return other[name], False
    if there.is_floating_point() != own.is_floating_point() or there.is_complex():
        return f"other type, {there.dtype} there".replace("torch.", ""), False
    return LOADED, True


def without_prefix(
    source: Mapping[str, Tensor], own: Collection[str]
) -> tuple[dict[str, Tensor], str]:
    """The source with the model's names, and what its names have in front of them.

    Where no name of the source is one of the model's, and all that have a dot begin with the same
    part, such as `module.` or `_orig_mod.`, that part is taken off. One without a dot stays: some
    files count there, as torch's `AveragedModel` does in `n_averaged`.
    """
    prefix, found = "", dict(source)
    while found and not any(name in own for name in found):
        firsts = {name.partition(".")[0] for name in found if "." in name}
        if len(firsts) != 1:
            return dict(source), ""
        first = f"{firsts.pop()}."
        prefix += first
        found = {name.removeprefix(first): tensor for name, tensor in found.items()}
    return (found, prefix) if len(found) == len(source) else (dict(source), "")


def put_into(model: nn.Module, match: Matched, origin: str) -> None:
    """Loads what fits.

    Args:
        model: that is to start with it.
        match: of this model.
        origin: of the tensors, for errors.

    Raises:
        ModelError: if nothing fits, or the model does not take it.
    """
    if not match.tensors:
        own = [one.name for one in match.fates if one.outcome != UNUSED]
        there = [one.name for one in match.fates if one.outcome == UNUSED]
        raise ModelError(
            f"{origin}: nothing in it fits the model, which has {joined(own, 4)}"
            + (f"; it holds {joined(there, 4)}" if there else "")
        )
    try:
        with torch.no_grad():
            model.load_state_dict(dict(match.tensors), strict=False)
    except Exception as err:  # of any kind: the model may be the user's
        reason = printable(" ".join(str(err).split()))[:200]
        raise ModelError(f"{origin}: the model does not take these weights: {reason}") from err


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of tensors with a value that is NaN or infinite."""
    return [
        name for name, one in tensors.items() if one.is_floating_point() and not _is_finite(one)
    ]


def _is_finite(tensor: Tensor) -> bool:
    """For numbers of a byte torch has no operation; they are looked at in another type."""
    small = tensor.element_size() == 1
    return bool((tensor.float() if small else tensor).isfinite().all())
