"""The keys of a run, with the type and range of each.

These classes hold no defaults: those stand in `conf/*.yaml` alone. `check.py` turns a composed
config into them and gathers everything that does not fit.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from seedbed.config.constraints import Matches, NotEmpty, Range

Count = Annotated[int, Range(at_least=1)]
WholeFromZero = Annotated[int, Range(at_least=0)]
Threads = Annotated[int, Range(at_least=1, at_most=1024)]
Positive = Annotated[float, Range(above=0)]
FromZero = Annotated[float, Range(at_least=0)]
Fraction = Annotated[float, Range(at_least=0, below=1)]
Share = Annotated[float, Range(at_least=0, at_most=1)]
Seed = Annotated[int, Range(at_least=0, below=2**63)]
FolderName = Annotated[
    str, Matches(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "letters, digits, '.', '_', '-'")
]
Device = Annotated[str, Matches(r"auto|cpu|mps|cuda(:\d+)?", "auto, cpu, cuda, cuda:N or mps")]
Interval = Annotated[
    int | str, Matches(r"[1-9]\d*( ?(epochs?|steps?|s))?", "N (epochs), 'N steps' or 'N s'")
]
Widths = Annotated[list[Count], NotEmpty("one width for each hidden layer")]
Names = Annotated[list[str], NotEmpty("one name or more")]
Object = dict[str, Any]

ABSENT = "absent"
"""Marks a key that earlier configs lack, those of runs on disk and a user's own; the value is what
its absence means: that which was done before there was the key."""

Task = Literal["auto", "regression", "binary", "multiclass"]


@dataclass(frozen=True)
class Split:
    """Which part of the rows is kept from training."""

    validation: Fraction
    test: Fraction
    stratify: bool
    seed: Seed | None = field(metadata={ABSENT: None})


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What every source of data has in common."""

    name: FolderName
    source: str
    task: Task
    split: Split


@dataclass(frozen=True, kw_only=True)
class ColumnsConfig(DataConfig):
    """A source with named columns."""

    features: Names | None
    standardize: bool


@dataclass(frozen=True, kw_only=True)
class RowsConfig(ColumnsConfig):
    """Rows written in the YAML."""

    source: Literal["rows"]
    x: Annotated[list[Any], NotEmpty("a list of rows")]
    y: Annotated[list[Any], NotEmpty("a list of rows")]
    target: str | Names | None


@dataclass(frozen=True, kw_only=True)
class FilesConfig(ColumnsConfig):
    """A source in one to three files."""

    path: str
    validation_path: str | None
    test_path: str | None
    target: str | Names
    unknown: Literal["zeros", "error"]


@dataclass(frozen=True, kw_only=True)
class NpzConfig(FilesConfig):
    """Arrays in a .npz file; features and target name the arrays."""

    source: Literal["npz"]


@dataclass(frozen=True, kw_only=True)
class ParquetConfig(FilesConfig):
    """A Parquet table."""

    source: Literal["parquet"]
    categories: list[str]
    max_categories: Count


@dataclass(frozen=True, kw_only=True)
class CsvConfig(FilesConfig):
    """A comma or tab separated table with a header line."""

    source: Literal["csv"]
    categories: list[str]
    max_categories: Count
    delimiter: Annotated[str, Matches(r"[^\n]", "one character")] | None
    encoding: str


@dataclass(frozen=True, kw_only=True)
class SklearnConfig(ColumnsConfig):
    """A set that comes with scikit-learn."""

    source: Literal["sklearn"]
    dataset: Literal["iris", "digits", "wine", "breast_cancer", "diabetes"]
    target: str | None


@dataclass(frozen=True, kw_only=True)
class DatasetConfig(DataConfig):
    """`torch.utils.data.Dataset` classes of the user's own."""

    source: Literal["dataset"]
    train: Object
    validation: Object | None
    test: Object | None
    classes: Names | None
    check_rows: Count | None = field(metadata={ABSENT: None})


@dataclass(frozen=True)
class LoaderConfig:
    """How rows become batches."""

    batch_size: Count | Literal["auto"] | None
    shuffle: bool
    num_workers: WholeFromZero
    drop_last: bool


@dataclass(frozen=True)
class EarlyStopping:
    """When to give up."""

    patience: Count | None
    min_delta: FromZero


@dataclass(frozen=True)
class TrainerConfig:
    """How long, where and how a model is trained."""

    epochs: Count
    device: Device
    precision: Literal["float32", "bfloat16", "float16"]
    deterministic: bool
    threads: Threads | None
    gradient_clip: Positive | None
    monitor: str
    select: Literal["best", "last"]
    log_every: Interval
    log_histograms: bool
    log_graph: bool
    checkpoint_every: Interval
    early_stopping: EarlyStopping


@dataclass(frozen=True)
class SweepConfig:
    """How the jobs of a sweep are run."""

    on_error: Literal["continue", "stop"]
    fuse: Literal["auto", "always", "never"]
    allow_random: bool
    workers: WholeFromZero
    settings: list[Object]
    zip: Object | None
    exclude: list[Object]
    draw: Object | None
    draws: Count
    draw_seed: Seed
    plot: bool

    @property
    def randomness(self) -> Literal["different", "error"]:
        """What a stack does where its model draws at random."""
        return "different" if self.allow_random else "error"


@dataclass(frozen=True)
class RunConfig:
    """One run, checked. Groups that name a class (`_target_`) stay mappings.

    `preset` has no reader: it holds what other keys take, by interpolation, and they are checked.
    """

    name: FolderName
    seed: Seed
    allow: list[str]
    data: DataConfig
    loader: LoaderConfig
    model: Object
    loss: Object
    optimizer: Object
    scheduler: Object
    trainer: TrainerConfig
    sweep: SweepConfig
    preset: Object = field(metadata={ABSENT: {}})


DATA_SOURCES: dict[str, type[DataConfig]] = {
    "rows": RowsConfig,
    "csv": CsvConfig,
    "parquet": ParquetConfig,
    "npz": NpzConfig,
    "sklearn": SklearnConfig,
    "dataset": DatasetConfig,
}
"""The keys of `data`, by `data.source`."""
