"""Writes packs anew: with what counts of their files, or without runs that are gone."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from seedbed.runs.files import write_pieces, writing
from seedbed.runs.lock import DirectoryLock, is_being_written
from seedbed.runs.pack import Pack, is_pack_name
from seedbed.runs.pack_contents import ABOUT, Contents, Place, content_at
from seedbed.runs.pack_members import PackMembers


def pieces_of(
    contents: Contents, file: int, path: Path, keep: Callable[[str], bool] = lambda run: True
) -> Iterator[bytes]:
    """A pack with the files that count, and no others.

    Args:
        contents: of a pack.
        file: the pack, open.
        path: of it, for errors.
        keep: asked for each run's folder.
    """
    made = PackMembers()
    kept = {run: contents.files(run) for run in contents.runs if keep(run)}
    uses = Counter(place for files in kept.values() for place in files.values())
    shared: dict[Place, str] = {}
    yield made.first()
    for run, files in kept.items():
        for name, place in files.items():
            if uses[place] == 1:
                yield made.file(run, name, content_at(file, place, path))
                continue
            if place not in shared:
                shared[place] = str(len(shared))
                yield made.file(ABOUT, shared[place], content_at(file, place, path))
            yield made.same(run, name, shared[place])
    yield made.end()


def without_runs(path: Path, gone: Callable[[str], bool]) -> None:
    """Takes runs out of a pack, for good; a pack that has no others goes with them.

    Raises:
        DirectoryTakenError: if a process is writing it.
        RunDirectoryError: if it is damaged, or cannot be written.
    """
    lock = DirectoryLock(path)
    try:
        pack = Pack(path)
        left = [run for run in pack.runs if not gone(run)]
        if len(left) == len(pack.runs):
            return
        if not left:
            with writing(path):
                path.unlink()
            return
        with pack.opened() as file:
            write_pieces(path, pieces_of(pack.contents, file, path, lambda run: not gone(run)))
    finally:
        lock.release()


def remove_unfinished_packs(sweep: Path) -> None:
    """Removes what processes left beside packs that were killed as they wrote them anew."""
    for path in sweep.glob(".*.tar.*.tmp"):
        name = path.name[1:].rsplit(".", 2)[0]
        if is_pack_name(name) and not is_being_written(sweep / name):
            with writing(path):
                path.unlink(missing_ok=True)


def without_superseded(packs: Sequence[Pack]) -> None:
    """Takes out of packs what later ones have: runs that were trained on.

    Args:
        packs: of a sweep, the latest first.

    Raises:
        RunDirectoryError: as `without_runs`.
    """
    later: set[str] = set()
    for pack in packs:
        if not later.isdisjoint(pack.runs):
            without_runs(pack.path, later.__contains__)
        later |= pack.runs.keys()
