"""The keys of `data`, by `data.source`."""

from dataclasses import dataclass, field
from typing import Literal

from seedbed.config.ranges import (
    AnyNames,
    Count,
    DataMemory,
    Delimiter,
    Encoding,
    Factor,
    FolderName,
    Fraction,
    Name,
    Names,
    Object,
    Paths,
    PathText,
    Rows,
    Seed,
    Side,
    Sides,
    Text,
    Transforms,
    WholeFromTwo,
    WholeFromZero,
)
from seedbed.config.schema.marks import ABSENT, NO_KEY
from seedbed.config.task_names import TaskName


@dataclass(frozen=True)
class Split:
    """Which part of the rows is kept from training."""

    validation: Fraction
    test: Fraction
    stratify: bool
    seed: Seed | None = field(metadata={ABSENT: None})
    by: Name | None = field(metadata={ABSENT: None})
    time: Name | None = field(metadata={ABSENT: None})


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What every source of data has in common."""

    name: FolderName
    source: Text
    task: TaskName
    split: Split
    folds: WholeFromTwo | None = field(metadata={ABSENT: None})
    fold: WholeFromZero | None = field(metadata={ABSENT: None})


@dataclass(frozen=True, kw_only=True)
class ColumnsConfig(DataConfig):
    """A source with named columns."""

    features: Names | None
    standardize: bool
    weight: Name | None = field(metadata={ABSENT: None})

    @property
    def beside(self) -> dict[str, str]:
        """Columns that tell of the rows and are no features by themselves, and their keys."""
        named = {
            "data.split.by": self.split.by,
            "data.split.time": self.split.time,
            "data.weight": self.weight,
        }
        return {name: key for key, name in named.items() if name is not None}


@dataclass(frozen=True, kw_only=True)
class RowsConfig(ColumnsConfig):
    """Rows written in the YAML."""

    source: Literal["rows"]
    x: Rows
    y: Rows
    target: Name | Names | None


@dataclass(frozen=True, kw_only=True)
class NamedConfig(ColumnsConfig):
    """A source whose columns have names of the user's own, the target's among them."""

    target: Name | Names | None
    unknown: Literal["zeros", "error"]
    threshold: Factor = field(metadata={ABSENT: 0.5})


@dataclass(frozen=True, kw_only=True)
class FilesConfig(NamedConfig):
    """A source in one to three files."""

    path: PathText | Paths
    validation_path: PathText | Paths | None
    test_path: PathText | Paths | None


@dataclass(frozen=True, kw_only=True)
class FileConfig(FilesConfig):
    """A source of which each part is in one file."""

    path: PathText
    validation_path: PathText | None
    test_path: PathText | None


@dataclass(frozen=True, kw_only=True)
class NpzConfig(FileConfig):
    """Arrays in a .npz file; features and target name the arrays."""

    source: Literal["npz"]


@dataclass(frozen=True, kw_only=True)
class ImagesConfig(FileConfig):
    """Image files: in a folder with one folder a class, or named by a column of a table."""

    source: Literal["images"]
    file: Name | None
    size: Side | Sides | None
    channels: Literal[1, 3, "auto"]
    transforms: Transforms
    features: Names | None = field(default=None, metadata={NO_KEY: True})
    unknown: Literal["zeros", "error"] = field(default="zeros", metadata={NO_KEY: True})

    @property
    def height_and_width(self) -> tuple[int, int] | None:
        """That images are resized to; None for those that all have one size."""
        if self.size is None:
            return None
        height, width = self.size if isinstance(self.size, list) else (self.size, self.size)
        return height, width

    @property
    def channel_count(self) -> int | None:
        """Of images; None if they decide it."""
        return None if self.channels == "auto" else self.channels


@dataclass(frozen=True, kw_only=True)
class NpyConfig(FileConfig):
    """Arrays in .npy files of a folder, by whose names features and target name them."""

    source: Literal["npy"]


@dataclass(frozen=True, kw_only=True)
class TableConfig(NamedConfig):
    """A table, with columns of several kinds."""

    categories: AnyNames
    max_categories: Count
    drop: AnyNames = field(metadata={ABSENT: []})
    missing: AnyNames | Object | None = field(metadata={ABSENT: None})
    decimal: Literal[".", ","] = field(metadata={ABSENT: "."})
    thousands: Literal[",", ".", " ", "'", "\u2019", "_"] | None = field(metadata={ABSENT: None})
    units: Object | None = field(metadata={ABSENT: None})
    dates: Object | None = field(metadata={ABSENT: None})


@dataclass(frozen=True, kw_only=True)
class ParquetConfig(TableConfig, FilesConfig):
    """A Parquet table, in one file or several."""

    source: Literal["parquet"]
    stream: bool = field(metadata={ABSENT: False})
    memory: DataMemory = field(metadata={ABSENT: "1 GB"})


@dataclass(frozen=True, kw_only=True)
class CsvConfig(TableConfig, FileConfig):
    """A comma or tab separated table with a header line."""

    source: Literal["csv"]
    delimiter: Delimiter | None
    encoding: Encoding


@dataclass(frozen=True, kw_only=True)
class MemoryConfig(TableConfig):
    """Rows that a Python program hands in, and hands in again to go on."""

    source: Literal["memory"]
    columns: AnyNames
    fingerprint: Text | None


@dataclass(frozen=True, kw_only=True)
class SklearnConfig(ColumnsConfig):
    """A set that comes with scikit-learn."""

    source: Literal["sklearn"]
    dataset: Literal["iris", "digits", "wine", "breast_cancer", "diabetes"]
    target: Name | None


@dataclass(frozen=True, kw_only=True)
class DatasetConfig(DataConfig):
    """`torch.utils.data.Dataset` classes of the user's own."""

    source: Literal["dataset"]
    train: Object
    validation: Object | None
    test: Object | None
    classes: Names | None
    check_rows: Count | None = field(metadata={ABSENT: None})
    threshold: Factor = field(metadata={ABSENT: 0.5})
    target: Name = field(metadata={ABSENT: "y"})
    in_memory: bool = field(metadata={ABSENT: False})


DATA_SOURCES: dict[str, type[DataConfig]] = {
    "rows": RowsConfig,
    "csv": CsvConfig,
    "parquet": ParquetConfig,
    "npz": NpzConfig,
    "images": ImagesConfig,
    "npy": NpyConfig,
    "memory": MemoryConfig,
    "sklearn": SklearnConfig,
    "dataset": DatasetConfig,
}
"""The keys of `data`, by `data.source`."""
