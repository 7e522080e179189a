"""What tells prepared rows of a table from others: their digest, and those of their files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

from torch.utils.data import TensorDataset

from seedbed.config.schema import ColumnsConfig, ImagesConfig
from seedbed.data.images.rows import ImageRows
from seedbed.runs.data_paths import FILE_KEYS, files_named, is_several
from seedbed.tables.file_checks import stamp
from seedbed.tables.table import Table

PART_OF = {"path": "train", "validation_path": "validation", "test_path": "test"}
"""Rows that a key of files gives."""

HELD_BYTES = 2**18
"""Of a file, while its digest is made."""


def fingerprint_of(
    config: ColumnsConfig,
    rows: Mapping[str, TensorDataset | ImageRows],
    splits: Mapping[str, Table],
) -> dict[str, Any]:
    """The digests of prepared rows, and of the files that they came from.

    Args:
        config: the group `data`.
        rows: of each split.
        splits: the tables of these.
    """
    digest = sha256()
    for part in rows.values():
        if isinstance(part, ImageRows):
            digest.update(part.digest())
            continue
        for tensor in part.tensors:
            digest.update(tensor.contiguous().numpy().data)
    files: dict[str, str] = {}
    for key in FILE_KEYS:
        path = getattr(config, key, None)
        if path is not None and isinstance(config, ImagesConfig):
            files |= image_digests(path, splits[PART_OF[key]])
        elif path is not None:
            files |= file_digests(path)
    counts = {name: len(part) for name, part in rows.items()}
    return {"sha256": digest.hexdigest(), "rows": counts, "files": files}


def _digest(path: Path, ended: Event | None = None) -> str:
    """SHA-256 of a file, unless nobody waits for it any longer."""
    digest, held = sha256(), memoryview(bytearray(HELD_BYTES))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(held):
            if ended is not None and ended.is_set():
                raise CancelledError
            digest.update(held[:size])
    return digest.hexdigest()


def file_digests(spec: Any, digest: Callable[[Path], str] = _digest) -> dict[str, str]:
    """SHA-256 of each file that a key of `data` names; of several also one of all of them.

    Args:
        spec: of the config.
        digest: of a file.
    """
    digests = {str(found.path): digest(found.path) for found in files_named(spec)}
    if not is_several(spec):
        return digests
    whole = sha256("\n".join(digests.values()).encode()).hexdigest()
    return {str(spec): whole, **digests}


@contextmanager
def digests_meanwhile(specs: Sequence[Any]) -> Iterator[Callable[[Any], dict[str, str]]]:
    """Makes digests of files in a thread, while the caller looks at their rows.

    Args:
        specs: of the config.

    Returns:
        `file_digests` of one of them, which waits for it; a file that changed is read again.
    """
    ended, paths = Event(), [found.path for spec in specs for found in files_named(spec)]
    paths = [path for path in paths if path.is_file()]  # opening a pipe would wait for a writer
    pool = ThreadPoolExecutor(1, thread_name_prefix="seedbed-digests")
    made = {path: (stamp(path), pool.submit(_digest, path, ended)) for path in paths}

    def digest(path: Path) -> str:
        before, coming = made.get(path, (None, None))
        return coming.result() if coming and stamp(path) == before else _digest(path)

    try:
        yield partial(file_digests, digest=digest)
    finally:
        ended.set()
        pool.shutdown(cancel_futures=True)


def image_digests(path: str, table: Table) -> dict[str, str]:
    """As `file_digests`, of a folder of images, or of a table and the images that it names."""
    images = table.pixels.files
    return (
        {path: images} if Path(path).is_dir() else {**file_digests(path), f"{path}: images": images}
    )
