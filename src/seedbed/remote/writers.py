"""Who writes a run at a URL: a mark of each writer, as a store of objects has no locks.

A writer puts its mark there and only then looks for those of others; any that lives has it go away
again. As stores show what was written to whoever looks later, of two writers one at least sees the
other: both may be refused, never none. A mark is written again as long as its writer lives, and all
times are the store's, so that clocks of machines do not matter. A writer that was not heard of in a
while, as its connection was lost or its machine slept, may have a successor: it writes no more.
"""

import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from seedbed.remote.names import WRITERS
from seedbed.remote.store import Store, Stored, StoreError
from seedbed.remote.urls import Url
from seedbed.runs.files import printable
from seedbed.runs.owner import this_host

BEAT_SECONDS = 30.0
"""Between two writings of a mark."""

JOIN_SECONDS = 5.0
"""For which the end waits for a writing that a store keeps waiting."""

STALE_SECONDS = 120.0
"""Without one, after which a writer is no more."""

OWNER = ".seedbed_owner"
"""The object that each writer replaces as it begins."""


class SuccessorError(StoreError):
    """Another writer has begun since, and what lies there is its own."""


class Mark:
    """The mark of this writer.

    Args:
        store: that has the run.
        url: of the run or the sweep.
    """

    def __init__(self, store: Store, url: Url) -> None:
        self.store, self.url = store, url
        self.place = url.below(f"{WRITERS}/{uuid.uuid4().hex}")
        self._owner = b""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, this writer is alone, and its mark is young, however long anything takes.

        Raises:
            StoreError: as `claim`.
        """
        self.claim()
        ended = Event()
        beating = Thread(target=self._beat, args=(ended,), daemon=True)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join(JOIN_SECONDS)
            self.remove()

    def _beat(self, ended: Event) -> None:
        while not ended.wait(BEAT_SECONDS):
            with suppress(StoreError):  # it is written again later, or by nobody
                self.refuse_succeeded()
                self.put()

    def put(self) -> None:
        """Writes it, at first or again.

        Raises:
            StoreError: if that is refused.
        """
        told = {
            "host": this_host(), "pid": os.getppid(),
            "machine": _machine(), "writer": os.getpid(),
        }  # fmt: skip
        try:
            self.store.write_bytes(self.place, json.dumps(told).encode())
        except StoreError as err:
            reason = str(err).replace(str(self.place), str(self.url))
            raise StoreError(reason, passing=err.passing) from err

    def take_over(self) -> str:
        """Notes there that what lies there is this writer's from now on; the note.

        Raises:
            StoreError: if it cannot be written.
        """
        note = uuid.uuid4().hex
        self.store.write_bytes(self.url.below(OWNER), note.encode())
        self._owner = note.encode()
        return note

    def refuse_succeeded(self) -> None:
        """Before anything is written.

        Raises:
            SuccessorError: if another writer has taken over since.
            StoreError: if that is not to be known.
        """
        now = owner(self.store, self.url)
        if self._owner and now not in (None, self._owner):
            raise SuccessorError(f"'{self.url}' is written by another process since this one was "
                                 "not heard of")  # fmt: skip

    def claim(self) -> None:
        """Puts it there, alone.

        Raises:
            StoreError: if another writer lives, or it cannot be written.
        """
        self.put()
        marks = self.store.below(self.url.below(WRITERS))
        own = marks.pop(self.place.name, None)
        for name, other in marks.items():
            place = self.url.below(f"{WRITERS}/{name}")
            told = self._told(place)
            if not _is_gone(told) and (own is None or _lives(other, own)):
                self.remove()
                raise StoreError(f"'{self.url}' is being written by {_who(told)}; wait for "
                                 f"it, or stop it: {STALE_SECONDS:.0f} s after its last sign it "
                                 "counts as ended")  # fmt: skip
            with suppress(StoreError):
                self.store.remove(place)

    def remove(self) -> None:
        """Takes it away; a store that does not answer now has it until it is stale."""
        with suppress(StoreError):
            self.store.remove(self.place)

    def _told(self, place: Url) -> dict[str, Any]:
        """What a mark says; nothing where it is gone, or no mark of ours."""
        with suppress(StoreError, ValueError):
            told = json.loads(self.store.content(place, 2**12))
            if isinstance(told, dict):
                return told
        return {}


def owner(store: Store, url: Url) -> bytes | None:
    """The note of the last writer that took over; None if there is none.

    Raises:
        StoreError: if the store does not answer.
    """
    try:
        return store.content(url.below(OWNER), 100)
    except StoreError as err:
        if err.passing:
            raise
        return None


def _machine() -> str | None:
    """What no two machines and no two containers have in common while they run."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return None


def _is_gone(told: Mapping[str, Any]) -> bool:
    """Whether a writer was on this machine, and its process is no more."""
    machine, writer = told.get("machine"), told.get("writer")
    if machine is None or machine != _machine() or type(writer) is not int:
        return False
    return not Path(f"/proc/{writer}").exists()


def _who(told: Mapping[str, Any]) -> str:
    if not isinstance(told.get("host"), str):
        return "another process"
    return f"process {told.get('pid')} on {printable(told['host'])[:100]}"


def _lives(other: Stored, own: Stored) -> bool:
    if other.stamp is None or own.stamp is None:
        return True
    return (own.stamp - other.stamp) / 1e9 < STALE_SECONDS


def living(store: Store, urls: Iterable[Url]) -> set[Url]:
    """Those that have a living writer, for a reader, who leaves no mark.

    A mark that is young by this machine's clock is believed; the others are looked at again,
    all of them after one wait.

    Raises:
        StoreError: if that is not to be known.
    """
    marks = {url: store.below(url.below(WRITERS)) for url in urls}
    lives = {url for url, own in marks.items() if any(map(_is_young, own.values()))}
    doubtful = [url for url, own in marks.items() if own and url not in lives]
    if doubtful:
        time.sleep(BEAT_SECONDS + 5)
        lives |= {url for url in doubtful if store.below(url.below(WRITERS)) != marks[url]}
    return lives


def _is_young(mark: Stored) -> bool:
    return mark.stamp is None or abs(time.time() - mark.stamp / 1e9) < STALE_SECONDS
