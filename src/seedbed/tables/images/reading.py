"""Decodes the files of a set, once: what was decoded before is taken from the cache."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import __version__ as pillow

from seedbed.config.hints import counted
from seedbed.errors import DataError
from seedbed.process.cores import usable_cores
from seedbed.process.memory import memory_bytes
from seedbed.tables.images.cache import IN_MEMORY, ImageCache
from seedbed.tables.images.decoding import (
    Decoded,
    ImageForm,
    Undecodable,
    decoded,
    has_colours,
    strictly,
)
from seedbed.tables.images.kept_digests import digests_of
from seedbed.tables.images.pixels import Levels, Pixels, digest_of

FEW = 16
"""Files that are decoded without threads."""

AHEAD = 64
"""Images that threads have ready before they are put in their places."""

R = TypeVar("R")


class ImageFiles(NamedTuple):
    """Files to decode.

    Args:
        paths: of each.
        shown: what an error calls each, by its number: `data.path: 'pets/cat/1.png'`.
    """

    paths: Sequence[Path]
    shown: Callable[[int], str]


def read_images(files: ImageFiles, form: ImageForm) -> Pixels:
    """All images, from the cache if they were decoded before.

    Args:
        files: of a set.
        form: what they are made into.

    Raises:
        DataError: naming the first that cannot be read, or has another size than the first.
    """
    digests = digests_of(files.paths, lambda again: _mapped(lambda at: _digest(files, at), again))
    cache, key = ImageCache(), _key(digests, form)
    known = cache.find(key)
    if known is not None:
        return known
    whole = hashlib.sha256("\n".join(digests).encode()).hexdigest()
    with strictly():
        if form.channels is None:
            form = replace(form, channels=3 if _any_colours(files) else 1)
        levels, notes = _decoded(files, form, digests, cache)
    pixels = Pixels(levels, digest_of(levels), whole, notes)
    cache.keep(key, pixels)
    return pixels


def decoded_images(files: ImageFiles, form: ImageForm) -> Pixels:
    """Images that are asked for once, such as those to predict; arguments as `read_images`."""
    with strictly():
        levels, notes = _decoded(files, form, [], None)
    return Pixels(levels, "", "", notes)


def _key(digests: Sequence[str], form: ImageForm) -> str:
    """Names images of one form: by what their files hold, and by what decodes them."""
    told = [f"Pillow {pillow}", str(form.size), str(form.channels), *digests]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _content(files: ImageFiles, at: int) -> bytes:
    try:
        return files.paths[at].read_bytes()
    except (OSError, ValueError) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise DataError(f"{files.shown(at)} cannot be read: {reason}") from err


def _digest(files: ImageFiles, at: int) -> str:
    return hashlib.sha256(_content(files, at)).hexdigest()


def _any_colours(files: ImageFiles) -> bool:
    return any(_told(files, at, has_colours) for at in range(len(files.paths)))


def _told(files: ImageFiles, at: int, ask: Callable[[bytes], R]) -> R:
    """What is asked of a file's content, with its name in the error."""
    try:
        return ask(_content(files, at))
    except Undecodable as err:
        raise DataError(f"{files.shown(at)} {err}") from err


def _decoded(
    files: ImageFiles, form: ImageForm, digests: Sequence[str], cache: ImageCache | None
) -> tuple[Levels, list[str]]:
    """The levels of all, and notes on them.

    Args:
        files: of the set.
        form: with the number of channels.
        digests: of the files as they were read first; none where that was not asked.
        cache: which has room for sets that are too large for memory.
    """

    def one(at: int) -> Decoded:
        content = _content(files, at)
        if digests and hashlib.sha256(content).hexdigest() != digests[at]:
            raise DataError(f"{files.shown(at)} has changed while it was read; try again")
        try:
            return decoded(content, form)
        except Undecodable as err:
            raise DataError(f"{files.shown(at)} {err}") from err

    first = one(0)
    levels = _room(files, (len(files.paths), *first.levels.shape), cache)
    transparent = deep = 0
    try:
        for at, image in enumerate(_mapped(one, range(len(files.paths)))):
            if image.levels.shape != first.levels.shape:
                raise _other_size(files, at, first.levels, image.levels)
            levels[at] = image.levels
            transparent += image.is_transparent
            deep += image.is_deep
    except BaseException:
        if cache is not None:
            cache.forget()
        raise
    return levels, _notes(len(levels), transparent, deep)


def _room(files: ImageFiles, shape: tuple[int, ...], cache: ImageCache | None) -> Levels:
    """Memory for the levels, or a file where they are too many.

    Raises:
        DataError: if there is neither.
    """
    size = int(np.prod(shape))
    if size > IN_MEMORY and cache is not None:
        mapped = cache.file_for(shape)
        if mapped is not None:
            return mapped
    if size > memory_bytes():
        raise DataError(
            f"{files.shown(0)} and the others take {size / 2**30:.3g} GiB as levels, this "
            f"machine's memory has {memory_bytes() / 2**30:.3g} GiB, and the disk of the cache no "
            "room for them; type a smaller data.size, or XDG_CACHE_HOME=FOLDER before the command"
        )
    return np.empty(shape, dtype=np.uint8)


def _other_size(files: ImageFiles, at: int, first: Levels, other: Levels) -> DataError:
    (_, height, width), (_, high, wide) = first.shape, other.shape
    return DataError(
        f"{files.shown(at)} is {high} x {wide} (height x width) and the first image {height} x "
        f"{width}, and a model takes one size; with 'data.size=[{height},{width}]' in training all "
        "of them are resized"
    )


def _notes(images: int, transparent: int, deep: int) -> list[str]:
    notes = []
    if transparent:
        notes.append(
            f"{transparent} of {counted(images, 'image')} let something through, and lie on white"
        )
    if deep:
        notes.append(
            f"{deep} of {counted(images, 'image')} have 16 bits a channel, of which the upper 8 "
            "are taken"
        )
    return notes


def _mapped(work: Callable[[int], R], numbers: Sequence[int]) -> Iterator[R]:
    """What comes of each number, in order; Pillow and hashing leave Python's lock to other threads.

    The threads have ended when this has: none is there where a process is forked.
    """
    threads = min(usable_cores(), len(numbers) // FEW)
    if threads < 2:
        yield from map(work, numbers)
        return
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(numbers), AHEAD):
            yield from pool.map(work, numbers[start : start + AHEAD])
