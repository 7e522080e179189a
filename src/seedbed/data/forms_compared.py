"""Two forms of rows: what holds for both, whether one fits the other, and where they part."""

from collections.abc import Mapping

from seedbed.config.hints import joined
from seedbed.data.row_form import VARIES, Leaf, Nest, items, text_of


def merged(one: Nest, other: Nest, *, pads: bool) -> Nest | None:
    """The form that holds for the rows of both; None if there is none.

    Args:
        one: of some rows.
        other: of another.
        pads: whether tensors may differ in their first size.
    """
    if isinstance(one, Leaf) and isinstance(other, Leaf):
        if one == other:
            return one
        if not pads or not _differ_in_length(one, other):
            return None
        return Leaf((VARIES, *one.shape[1:]), one.dtype)
    if not _alike(one, other):
        return None
    parts = {key: merged(part, other[key], pads=pads) for key, part in items(one)}
    if any(part is None for part in parts.values()):
        return None
    return parts if isinstance(one, Mapping) else tuple(parts.values())


def fits(form: Nest, given: Nest) -> bool:
    """Whether a row of the form `given` is one of `form`."""
    if isinstance(form, Leaf) and isinstance(given, Leaf):
        return form == given or (form.varies and _differ_in_length(form, given))
    return _alike(form, given) and all(fits(part, given[key]) for key, part in items(form))


def differ_in_length(one: Nest, other: Nest) -> bool:
    """Whether padding would make one form of two."""
    return merged(one, other, pads=True) is not None and merged(one, other, pads=False) is None


def difference(one: Nest, other: Nest, name: str = "x") -> tuple[str, str, str]:
    """Where two forms part: the name of the place, and what is there in either."""
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() != other.keys():
        own, others = (f"with the keys {joined(keys)}" for keys in (one, other))
        return name, own, others
    if not _alike(one, other):
        return name, text_of(one), text_of(other)
    for key, part in items(one):
        if not fits(part, other[key]):
            return difference(part, other[key], f"{name}.{key}")
    return name, text_of(one), text_of(other)


def _differ_in_length(one: Leaf, other: Leaf) -> bool:
    """Whether nothing but the first size can differ."""
    same = one.dtype == other.dtype and one.shape[1:] == other.shape[1:]
    return same and bool(one.shape) and bool(other.shape)


def _alike(one: Nest, other: Nest) -> bool:
    """Whether both are mappings of the same keys, or tuples of as many."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys()
    return isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other)
