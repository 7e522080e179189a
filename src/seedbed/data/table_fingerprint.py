"""What tells prepared rows of a table from others: their digest, and those of their files."""

from collections.abc import Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from torch.utils.data import TensorDataset

from seedbed.config.schema import ColumnsConfig, ImagesConfig
from seedbed.data.images.rows import ImageRows
from seedbed.runs.data_paths import FILE_KEYS, files_named, is_several
from seedbed.tables.table import Table

PART_OF = {"path": "train", "validation_path": "validation", "test_path": "test"}
"""Rows that a key of files gives."""


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


def file_digests(spec: Any) -> dict[str, str]:
    """SHA-256 of each file that a key of `data` names; of several also one of all of them.

    Args:
        spec: of the config.
    """
    digests = {}
    for found in files_named(spec):
        with found.path.open("rb") as file:
            digests[str(found.path)] = file_digest(file, "sha256").hexdigest()
    if not is_several(spec):
        return digests
    whole = sha256("\n".join(digests.values()).encode()).hexdigest()
    return {str(spec): whole, **digests}


def image_digests(path: str, table: Table) -> dict[str, str]:
    """As `file_digests`, of a folder of images, or of a table and the images that it names."""
    images = table.pixels.files
    return (
        {path: images} if Path(path).is_dir() else {**file_digests(path), f"{path}: images": images}
    )
