"""Brings objects of rows to this machine, each version of one once.

What is read then is a file like any other, by the same readers and within the same bounds. A copy
is known by when its object was written and by its size, and is named by its content.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

from seedbed.config.hints import did_you_mean
from seedbed.remote.cache import data_folder, refuse_no_room, remove_unused
from seedbed.remote.store import Store, Stored, StoreError, store
from seedbed.remote.urls import STORES, Url
from seedbed.runs.files import write_json, write_pieces, writing

KNOWN = "known.json"
"""Which copy is which version."""

TRIES = 3
"""How often one is read that changes while it is."""


def brought(url: Url) -> Path:
    """The file that an object was copied into.

    Raises:
        StoreError: if it is not there, or cannot be read.
        SeedbedError: if there is no room for it, or it cannot be written here.
    """
    place = store(url)
    folder = data_folder(url)
    for _ in range(TRIES):
        found = place.look(url)
        if found is None:
            raise StoreError(f"no object '{url}'{_hint(place, url)}")
        copy = _known_copy(folder, url, found) or _copied(place, url, folder, found)
        if copy is not None:
            os.utime(copy.parent)
            remove_unused(folder, copy.parent)
            return copy
    raise StoreError(f"'{url}' changes again and again while it is read; wait until it is written")


def _known_copy(folder: Path, url: Url, found: Stored) -> Path | None:
    """The copy of this version, if there is one that cannot be another."""
    with suppress(OSError, ValueError, AttributeError, TypeError):
        known = json.loads((folder / KNOWN).read_text())
        copy = folder / str(known["digest"]) / url.name
        same = known["version"] == list(astuple(found)) and None not in known["version"]
        if same and known["settled"] and copy.stat().st_size == found.size:
            return copy
    return None


def _copied(place: Store, url: Url, folder: Path, found: Stored) -> Path | None:
    """A new copy; None if the object was another at the end of it than at its beginning."""
    refuse_no_room(folder, found.size, url)
    arrived = folder / f".brought.{os.getpid()}"
    try:
        write_pieces(arrived, place.pieces(url))
        if found.size not in (None, arrived.stat().st_size) or place.look(url) != found:
            return None
        with arrived.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()[:32]
        copy = folder / digest / url.name
        with writing(copy):
            copy.parent.mkdir(exist_ok=True)
            arrived.replace(copy)
    finally:
        arrived.unlink(missing_ok=True)
    known: Mapping[str, Any] = {
        "url": str(url), "version": astuple(found), "digest": digest, "settled": found.is_settled,
    }  # fmt: skip
    write_json(folder / KNOWN, known)
    return copy


def _hint(place: Store, url: Url) -> str:
    """The object beside it whose name is most alike; or that there is no bucket."""
    above, _, name = url.place.rpartition("/")
    if url.scheme not in STORES:
        return ""
    if not above:
        return f"; type {url}/NAME"
    with suppress(StoreError):
        if not place.has_bucket(url):
            return f"; there is no bucket '{url.place.partition('/')[0]}'"
        return did_you_mean(name, place.below(Url(url.scheme, above), deep=False))
    return ""
