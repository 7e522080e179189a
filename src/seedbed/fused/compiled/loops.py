"""C loops over numbers that lie in some order in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from seedbed.fused.compiled.places import NotWritableError, Number, Place


@dataclass(frozen=True)
class _Loop:
    size: int
    strides: tuple[int, ...]


def each(statement: str, out: Place, args: Sequence[Place | Number]) -> str:
    """A number of `out` at a time.

    Args:
        statement: of the arguments `{0}`, `{1}`, …, and `{out}`.
        out: what is assigned to.
        args: which are broadcast to it.
    """
    places = [out, *(_broadcast(one, out) for one in args if isinstance(one, Place))]
    around = joined(places)
    indices = [_index(around, at) for at in range(len(places))]
    texts = iter(
        f"{place.buffer}[{_sum(place.offset, index)}]"
        for place, index in zip(places, indices, strict=True)
    )
    target = next(texts)
    words = [next(texts) if isinstance(one, Place) else one.text for one in args]
    return nest(around, statement.format(*words, out=target))


class Sized(Protocol):
    """What is gone through."""

    @property
    def size(self) -> int:
        """Its length."""
        ...


def nest(around: Sequence[Sized], line: str) -> str:
    """A statement in loops over `i0`, `i1` and so on."""
    heads = [
        f"for (long i{at} = 0; i{at} < {loop.size}; i{at}++)" for at, loop in enumerate(around)
    ]
    if not heads:
        return line
    if around[-1].size > 1:
        heads[-1] = f"EACH {heads[-1]}"
    return " ".join(heads) + f"\n    {line}"


def joined(places: Sequence[Place]) -> list[_Loop]:
    """Loops over numbers that lie alike, the innermost last: as few as can be."""
    sizes = places[0].sizes
    found = [
        _Loop(size, tuple(place.strides[at] for place in places))
        for at, size in enumerate(sizes)
        if size > 1
    ]
    found.sort(key=lambda loop: loop.strides, reverse=True)
    merged: list[_Loop] = []
    for loop in found:
        if merged and merged[-1].strides == tuple(loop.size * one for one in loop.strides):
            merged[-1] = _Loop(merged[-1].size * loop.size, loop.strides)
        else:
            merged.append(loop)
    return merged


def dense(place: Place) -> int:
    """How many numbers there are; they lie one after the other.

    Raises:
        NotWritableError: if there are gaps between them.
    """
    loops = joined([place])
    if not loops:
        return 1
    if len(loops) > 1 or loops[0].strides != (1,):
        raise NotWritableError("numbers with gaps between them")
    return loops[0].size


def _broadcast(place: Place, out: Place) -> Place:
    if len(place.sizes) != len(out.sizes):
        raise NotWritableError("tensors of other dimensions")
    strides = tuple(
        stride if size == wanted else 0
        for size, stride, wanted in zip(place.sizes, place.strides, out.sizes, strict=True)
    )
    return replace(place, sizes=out.sizes, strides=strides)


def _index(around: Sequence[_Loop], which: int) -> str:
    terms = [
        f"i{at}" if loop.strides[which] == 1 else f"{loop.strides[which]} * i{at}"
        for at, loop in enumerate(around)
        if loop.strides[which]
    ]
    return " + ".join(terms)


def _sum(offset: int, index: str) -> str:
    if not index:
        return str(offset)
    return f"{offset} + {index}" if offset else index
