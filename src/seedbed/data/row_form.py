"""The form of an input: one tensor, or tensors in tuples and mappings, nested.

It is kept with what was fitted, so that rows to predict are read as those of training were. Nothing
here imports torch.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, prod
from typing import Any, TypeVar

from seedbed.config.hints import joined

T = TypeVar("T")

VARIES = -1
"""The first size of a tensor whose length is not the same in all rows."""

FLOAT = "float32"

MOST_VALUES = 2**26
"""Of a row, as `training/bounds.py` has it of outputs."""

_WHOLE = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
DTYPES = ("float32", "bool", "complex64", "complex128", *_WHOLE)
"""Of tensors in a row, as torch names them; real numbers are float32."""

Nest = Any
"""A `Leaf`, a tuple of nests, or a mapping of names to nests."""


@dataclass(frozen=True)
class Leaf:
    """One tensor of a row.

    Args:
        shape: its first size is `VARIES` where rows have different ones.
        dtype: as torch names it.
    """

    shape: tuple[int, ...]
    dtype: str = FLOAT

    @property
    def values(self) -> int:
        """Numbers of a row, or of one place of it."""
        return prod(size for size in self.shape if size != VARIES)

    @property
    def varies(self) -> bool:
        """Whether rows have different lengths."""
        return self.shape[:1] == (VARIES,)

    def __str__(self) -> str:
        sizes = ["any" if size == VARIES else str(size) for size in self.shape]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''}) {self.dtype}"


@dataclass(frozen=True)
class RowForm:
    """Of the inputs of a run.

    Args:
        nest: a leaf, or tuples and mappings of them.
        together: whether all tensors of varying length have one length in each row.
        pad_value: what shorter rows are filled with.
    """

    nest: Nest
    together: bool = True
    pad_value: float = 0

    @cached_property
    def leaves(self) -> dict[str, Leaf]:
        """By their names, which are the keys and places on the way to each, with points between."""
        return by_names(self.nest, Leaf)

    @cached_property
    def varying(self) -> list[str]:
        """The names of the leaves whose length is not the same in all rows."""
        return [name for name, leaf in self.leaves.items() if leaf.varies]

    @cached_property
    def names_of_lengths(self) -> list[str]:
        """The leaves whose lengths are told: one of all, where they are the same in each row."""
        return self.varying[:1] if self.together else self.varying

    @property
    def is_single(self) -> bool:
        """Whether an input is one tensor, of one shape in all rows."""
        return isinstance(self.nest, Leaf) and not self.nest.varies

    @property
    def is_default(self) -> bool:
        """Whether the shape alone says all of it."""
        return self.is_single and self.nest.dtype == FLOAT

    @property
    def shape(self) -> Any:
        """Of a row: a list of sizes, or lists and mappings of such lists."""
        return _shapes(self.nest)

    @property
    def features(self) -> int | None:
        """How many numbers a row has; None where it is no tensor of one shape."""
        return prod(self.nest.shape) if self.is_single else None

    def different_lengths(self, lengths: Mapping[str, int]) -> str:
        """Those of the tensors of a row, where they should be one and are not; or nothing."""
        own = {name: lengths[name] for name in self.varying}
        if not self.together or len(set(own.values())) <= 1:
            return ""
        return joined(f"{place_of(name)} {length}" for name, length in own.items())

    def to_plain(self) -> dict[str, Any]:
        """Plain containers for `preprocessing.json`."""
        return {
            "form": _to_plain(self.nest),
            "together": self.together,
            "pad_value": self.pad_value,
        }

    @classmethod
    def from_plain(cls, plain: Any) -> "RowForm":
        """The reverse of `to_plain`.

        Raises:
            KeyError, TypeError, ValueError: if it was not written by `to_plain`.
        """
        together, pad_value = plain["together"], plain["pad_value"]
        if type(together) is not bool or type(pad_value) not in (int, float):
            raise ValueError("its form is damaged")
        form = cls(_from_plain(plain["form"]), together, pad_value)
        if not isfinite(pad_value) or sum(one.values for one in form.leaves.values()) > MOST_VALUES:
            raise ValueError("shapes of its form must be whole numbers > 0, and not huge")
        return form


def as_form(shape: "Sequence[int] | RowForm") -> RowForm:
    """The form of rows; those of a bare shape are single tensors of real numbers."""
    return shape if isinstance(shape, RowForm) else RowForm(Leaf(tuple(shape)))


def by_names(nest: Any, kind: type[T], name: str = "") -> dict[str, T]:
    """What a nest holds of a kind, by names such as `tokens` or `images.left`.

    Args:
        nest: mappings and tuples of these, or a single one, whose name is empty.
        kind: of what is in it.
        name: of the nest.
    """
    if isinstance(nest, kind):
        return {name: nest}
    found: dict[str, T] = {}
    for key, one in items(nest):
        found |= by_names(one, kind, f"{name}.{key}" if name else str(key))
    return found


def rebuilt(nest: Nest, make: Callable[[str, Leaf], Any], name: str = "") -> Any:
    """The same tuples and mappings with something else in place of each leaf.

    Args:
        nest: of leaves.
        make: gives it for the name of a leaf, as `by_names` has it, and the leaf.
        name: of the nest.
    """
    if isinstance(nest, Leaf):
        return make(name, nest)
    parts = {
        key: rebuilt(one, make, f"{name}.{key}" if name else str(key)) for key, one in items(nest)
    }
    return parts if isinstance(nest, Mapping) else tuple(parts.values())


def named_twice(nest: Nest) -> str | None:
    """A name that two leaves have, as `{"a": {"b": …}, "a.b": …}` has them; None if none is."""
    names: list[str] = []
    rebuilt(nest, lambda name, _: names.append(name))
    return next((name for name, times in Counter(names).items() if times > 1), None)


def place_of(name: str) -> str:
    """How errors name a leaf."""
    return f"x.{name}" if name else "x"


def items(nest: Any) -> list[tuple[Any, Any]]:
    """The keys, or places, of a mapping or a tuple, and what is there."""
    return list(nest.items()) if isinstance(nest, Mapping) else list(enumerate(nest))


def text_of(nest: Nest) -> str:
    """A form in words."""
    if isinstance(nest, Leaf):
        return str(nest)
    if isinstance(nest, Mapping):
        return f"{{{', '.join(f'{key}: {text_of(one)}' for key, one in nest.items())}}}"
    return f"({', '.join(map(text_of, nest))}{',' if len(nest) == 1 else ''})"


def _shapes(nest: Nest) -> Any:
    if isinstance(nest, Leaf):
        return list(nest.shape)
    parts = {key: _shapes(one) for key, one in items(nest)}
    return parts if isinstance(nest, Mapping) else list(parts.values())


def _to_plain(nest: Nest) -> dict[str, Any]:
    if isinstance(nest, Leaf):
        return {"shape": list(nest.shape), "dtype": nest.dtype}
    if isinstance(nest, Mapping):
        return {"mapping": {key: _to_plain(one) for key, one in nest.items()}}
    return {"tuple": [_to_plain(one) for one in nest]}


def _from_plain(plain: Any, depth: int = 0) -> Nest:
    if depth > 32 or not isinstance(plain, dict):
        raise ValueError("its form is damaged")
    if "mapping" in plain:
        return {str(key): _from_plain(one, depth + 1) for key, one in plain["mapping"].items()}
    if "tuple" in plain:
        return tuple(_from_plain(one, depth + 1) for one in plain["tuple"])
    sizes, dtype = plain["shape"], plain["dtype"]
    if not isinstance(sizes, list) or dtype not in DTYPES:
        raise ValueError("its form has no shape or type")
    fixed = sizes[1:] if sizes[:1] == [VARIES] else sizes
    if not all(type(size) is int and size > 0 for size in fixed):
        raise ValueError("shapes of its form must be whole numbers > 0")
    return Leaf(tuple(sizes), dtype)
