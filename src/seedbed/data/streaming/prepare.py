"""The data of a run whose rows are read in blocks: `data.stream=true`.

Looked at, split and fitted by two or three passes over the files, so that `preprocessing.json` is
that of the same rows in memory.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np

from seedbed.config.schema import ParquetConfig
from seedbed.config.task_names import RECONSTRUCTION
from seedbed.data.fitted_table import Columns
from seedbed.data.fitted_target import target_names
from seedbed.data.like_spellings import notes_on_spellings
from seedbed.data.prepared import ColumnsSeen, PreparedData
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_notes import RowNotes, unknown_names
from seedbed.data.run_columns import feature_names, own_files
from seedbed.data.splits import refuse_few_rows, refuse_few_to_train, rest_of
from seedbed.data.streaming.blocks import BUFFERS, MIXED, block_edges, capacity
from seedbed.data.streaming.fitting import Fitting
from seedbed.data.streaming.missing_targets import told_of_all_rows
from seedbed.data.streaming.read_ahead import read_ahead
from seedbed.data.streaming.rows import Block, StreamedRows
from seedbed.data.streaming.split_rule import SPLITS, TRAIN, SplitRule, split_rule
from seedbed.data.streaming.whole_numbers import WholeNumbers
from seedbed.data.table_fingerprint import PART_OF, digests_meanwhile
from seedbed.data.target_values import class_numbers
from seedbed.data.task_choice import task_of
from seedbed.errors import DataError
from seedbed.remote.data_files import local_files, told_by_url
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.configured_columns import left_out
from seedbed.tables.parquet_files import ParquetFiles
from seedbed.tables.parquet_parts import parts_of
from seedbed.tables.parquet_stream import ParquetStream
from seedbed.tables.sources import used_columns
from seedbed.tables.text_form import TextForm
from seedbed.tables.text_seen import MOST_DIFFERENT, columns_seen

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

LEAST_MEMORY = 10**7
MOST_AT_ONCE, LEAST_AT_ONCE = 2**16, 2**10
"""Rows that are decoded at a time while they are measured, which sums go by."""

PLACED_AT_ONCE = 2**17
"""Likewise at most, while they are trained on."""


def bytes_of(text: str) -> int:
    """Of a text such as `1 GB`."""
    return int(float(text[:-2]) * UNITS[text[-2:]])


def prepare_stream(config: ParquetConfig, seed: int) -> PreparedData:
    """Looks at all rows, splits and fits them; they are read again in every epoch.

    Args:
        config: the group `data`.
        seed: of the run.

    Raises:
        DataError: if anything about the data cannot be used.
    """
    config, urls = local_files(config)
    memory = bytes_of(config.memory)
    if memory < LEAST_MEMORY:
        raise DataError(f"data.memory must be 10 MB or more, got {config.memory}")
    specs = {"path": config.path}
    specs |= {f"{name}_path": path for name, path in own_files(config).items()}
    with digests_meanwhile([*specs.values()]) as digests:
        parts, preprocessing, seen, notes = _fitted(config, seed, memory)
        fingerprint = _fingerprint(specs, parts, digests)
    return PreparedData(
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts.get("test"),
        preprocessing=preprocessing,
        fingerprint=told_by_url(fingerprint, urls),
        columns=seen,
        notes=notes,
    )


def _fitted(
    config: ParquetConfig, seed: int, memory: int
) -> tuple[dict[str, StreamedRows], Preprocessing, ColumnsSeen, list[str]]:
    """The rows of each split, what was fitted, what the columns hold, and notes."""
    files = ParquetFiles(config.path, "data.path", in_memory=False)
    stream, columns, notes, unused = _looked_at(config, files, memory)
    stream.targets = columns.targets if columns.classes else ()
    paths = own_files(config)
    split = rest_of(config.split, paths)
    by_class = bool(columns.classes) and split.stratify and split.validation + split.test > 0
    with told_of_all_rows(stream, columns.types):
        codes = _codes(stream, columns) if by_class else None
    rule = split_rule(split, seed, stream.rows, codes, len(columns.classes))
    refuse_few_to_train(rule.counts[TRAIN], stream.origin)
    fitting = Fitting(config, columns, stream.origin)
    used = list(dict.fromkeys([*columns.features, *columns.targets]))
    whole = WholeNumbers(files, columns.features, columns.types)
    with told_of_all_rows(stream, columns.types):
        for start, table in read_ahead(stream.tables(used, columns.types)):
            fitting.add(table, rule.of(start, start + len(table)))
            whole.add(table)
    preprocessing = fitting.preprocessing()
    stream.at_once *= PLACED_AT_ONCE // MOST_AT_ONCE  # nothing is added up by pieces any longer
    parts = _rows(stream, preprocessing, rule, memory)
    for name, path in paths.items():
        parts[name] = _other_rows(path, f"data.{name}_path", preprocessing, memory, stream)
    checked = parts if fitting.held_out_differ(preprocessing) else paths
    told = [
        *notes,
        *whole.notes(),
        *fitting.notes(),
        *notes_on_spellings(preprocessing, stream.origin),
        *(
            note
            for name in SPLITS[1:]
            if name in checked
            for note in _held_out_notes(parts[name], f"{name} rows")
        ),
    ]
    return parts, preprocessing, fitting.columns_seen(unused), told


def _looked_at(
    config: ParquetConfig, files: ParquetFiles, memory: int
) -> tuple[ParquetStream, Columns, list[str], dict[str, str]]:
    """What the columns are, by the files' types and a pass over text and targets.

    Returns:
        The rows, the columns, notes, and which columns are not used and why.
    """
    features, targets, _, types, notes = used_columns(config, files)
    cell_bytes = 12 * len({*features, *targets})
    at_once = min(MOST_AT_ONCE, max(LEAST_AT_ONCE, memory // 60 // cell_bytes))
    stream = ParquetStream(files, at_once)
    refuse_few_rows(stream.rows, stream.origin)
    seen, whole = columns_seen(stream, features, targets, types)
    unused = left_out(config, files, [*features, *targets])
    targets = target_names(config, seen)
    kinds = {name: column.kind for name, column in seen.columns.items()}
    found = ColumnTypes(kinds, seen.text or TextForm())
    with told_of_all_rows(stream, found):
        task, classes = task_of(config.task, seen, targets) if targets else (RECONSTRUCTION, [])
    if classes and not whole:
        raise DataError(
            f"data.target: '{targets[0]}' has more than {MOST_DIFFERENT} classes; choose another "
            "target, or type data.task=regression if they are quantities"
        )
    columns = Columns(feature_names(config, seen, targets), targets, task, classes, found)
    return stream, columns, [*notes, *seen.notes], unused


def _codes(stream: ParquetStream, columns: Columns) -> Any:
    """The class of every row, in as few bytes as it takes."""
    codes = np.empty(stream.rows, dtype=np.min_scalar_type(len(columns.classes)))
    for start, table in stream.tables(columns.targets, columns.types):
        numbers = class_numbers(table, columns.targets[0], columns.classes)
        codes[start : start + len(table)] = numbers
    return codes


def _rows(
    stream: ParquetStream, preprocessing: Preprocessing, rule: SplitRule | None, memory: int
) -> dict[str, StreamedRows]:
    """The rows of each split that has some, in blocks; of files of their own all are of one.

    Raises:
        DataError: if a row group is larger than what is mixed at a time.
    """
    parts = {
        name: StreamedRows(stream, preprocessing, [], rule, number, memory)
        for number, name in enumerate(SPLITS)
        if (number == TRAIN if rule is None else rule.counts[number])
    }
    row_bytes = parts[SPLITS[TRAIN]].row_bytes
    most = capacity(memory, row_bytes)
    edges = [*pairwise(block_edges(stream.edges(), most // MIXED))]
    counts = [_counts(rule, start, stop) for start, stop in edges]
    for rows in parts.values():
        rows.blocks = [
            Block(start, stop, count[rows.split])
            for (start, stop), count in zip(edges, counts, strict=True)
        ]
        largest = max(rows.blocks, key=lambda block: block.rows)
        if largest.rows > most:
            least = largest.rows * row_bytes * BUFFERS / 1e9
            raise DataError(
                f"data.memory holds {most} rows at a time, and a row group of {stream.origin} has "
                f"{largest.rows}; type data.memory='{least:.3g} GB', or write files of smaller row "
                f"groups (row_group_size={max(1, most // MIXED)})"
            )
    return parts


def _counts(rule: SplitRule | None, start: int, stop: int) -> list[int]:
    """How many of these rows each split has."""
    if rule is None:
        return [stop - start]
    at_once = range(start, stop, MOST_AT_ONCE)
    parts = [rule.of(one, min(stop, one + MOST_AT_ONCE)) for one in at_once]
    return [
        sum(int(np.count_nonzero(one == split)) for one in parts) for split in range(len(SPLITS))
    ]


def _other_rows(
    spec: Any, key: str, preprocessing: Preprocessing, memory: int, stream: ParquetStream
) -> StreamedRows:
    """The rows of files beside the training files."""
    files = ParquetFiles(spec, key, in_memory=False)
    for name in preprocessing.types.kinds:
        files.must_have(name, key)
    other = ParquetStream(files, stream.at_once)
    other.targets = stream.targets
    if not other.rows:
        raise DataError(f"{key}: '{spec}' has no rows; name a file that has, or null")
    return _rows(other, preprocessing, None, memory)[SPLITS[TRAIN]]


def _held_out_notes(rows: StreamedRows, name: str) -> list[str]:
    """What is to be told of rows that are not trained on; all are tried.

    Raises:
        DataError: if one cannot be used.
    """
    preprocessing = rows.preprocessing
    notes = RowNotes(preprocessing.features)
    with told_of_all_rows(rows.stream, preprocessing.types):
        for block in rows.blocks:
            for table in rows.tables(block):
                preprocessing.inputs(table)
                preprocessing.targets(table)
                notes.add(table, unknown_names(preprocessing.features, table))
    return notes.told(name)


def _fingerprint(
    specs: Mapping[str, Any],
    parts: Mapping[str, StreamedRows],
    digests: Callable[[Any], dict[str, str]],
) -> dict[str, Any]:
    """As of a table in memory, but that the digest is one of the files, not of what they became."""
    files: dict[str, str] = {}
    content: list[Any] = []
    for key, spec in specs.items():
        of_spec = digests(spec)
        files |= of_spec
        parts_here = parts_of(spec, f"data.{key}", in_memory=False)
        parts[PART_OF[key]].stream.refuse_others([part.path for part in parts_here])
        content.append([(of_spec[str(one.path)], sorted(one.values.items())) for one in parts_here])
    digest = sha256(repr(content).encode()).hexdigest()
    return {
        "sha256": digest,
        "rows": {name: len(part) for name, part in parts.items()},
        "files": files,
    }
