"""The keys of a run, with the type and range of each.

These classes hold no defaults: those stand in `conf/*.yaml` alone. `check.py` turns a composed
config into them and gathers everything that does not fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from seedbed.config.identity import config_hash
from seedbed.config.ranges import (
    AnyNames,
    Buckets,
    Count,
    DataMemory,
    Delimiter,
    Device,
    Digest,
    Duration,
    Encoding,
    Factor,
    FolderName,
    Folds,
    Fraction,
    FromZero,
    Interval,
    Memory,
    MetricEntries,
    Name,
    Names,
    Number,
    Object,
    Objects,
    Paths,
    PathText,
    Positive,
    Prefetched,
    Processes,
    Rows,
    Seed,
    Side,
    Sides,
    Steps,
    Text,
    Threads,
    TimeSpan,
    Transforms,
    WholeFromZero,
)
from seedbed.config.strategies import RANKED, SHARDED
from seedbed.config.task_names import TaskName

ABSENT = "absent"
"""Marks a key that earlier configs lack, those of runs on disk and a user's own; the value is what
its absence means: that which was done before there was the key."""

NO_KEY = "no key"
"""Marks what a schema holds beside its keys."""


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
    folds: Folds | None = field(metadata={ABSENT: None})
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

    @property
    def target_names(self) -> list[str]:
        """The columns to predict; none where images are reconstructed."""
        if self.target is None:
            return []
        return [self.target] if isinstance(self.target, str) else list(self.target)


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


@dataclass(frozen=True)
class LoaderConfig:
    """How rows become batches."""

    batch_size: Count | Literal["auto", "largest"] | None
    shuffle: bool
    num_workers: Processes
    drop_last: bool
    persistent_workers: bool | None = field(metadata={ABSENT: False})
    prefetch_factor: Prefetched | None = field(metadata={ABSENT: None})
    pin_memory: bool | None = field(metadata={ABSENT: None})
    collate: Literal["pad"] | None = field(metadata={ABSENT: None})
    pad_value: Number = field(metadata={ABSENT: 0.0})
    buckets: Buckets | None = field(metadata={ABSENT: None})

    @classmethod
    def of_this_process(cls, batch_size: int | Literal["auto"] | None) -> "LoaderConfig":
        """Rows as they stand, which no worker reads."""
        return cls(
            batch_size,
            shuffle=False,
            num_workers=0,
            drop_last=False,
            persistent_workers=None,
            prefetch_factor=None,
            pin_memory=None,
            collate=None,
            pad_value=0,
            buckets=None,
        )

    @property
    def pads(self) -> bool:
        """Whether rows may differ in length."""
        return self.collate == "pad"


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
    monitor: Text
    select: Literal["best", "last", "ema", "swa"]
    log_every: Interval
    log_histograms: bool
    log_graph: bool
    checkpoint_every: Interval
    early_stopping: EarlyStopping
    max_steps: Count | None = field(metadata={ABSENT: None})
    max_time: TimeSpan | None = field(metadata={ABSENT: None})
    limit_batches: Count | None = field(metadata={ABSENT: None})
    overfit_batches: Count | None = field(metadata={ABSENT: None})
    detect_anomaly: bool = field(metadata={ABSENT: False})
    profile: Steps | None = field(metadata={ABSENT: None})
    fast_dev_run: bool = field(metadata={ABSENT: False})
    gradient_clip_value: Positive | None = field(metadata={ABSENT: None})
    accumulate: Count = field(metadata={ABSENT: 1})
    ema_decay: Factor = field(metadata={ABSENT: 0.999})
    swa_start: Count | Factor = field(metadata={ABSENT: 0.75})
    strategy: Literal["single", "ddp", "fsdp"] | None = field(metadata={ABSENT: None})
    devices: Literal["auto"] | Threads | None = field(metadata={ABSENT: None})
    log_gradients: bool = field(metadata={ABSENT: False})
    shard: Count = field(metadata={ABSENT: 1_000_000})
    compile: bool | Name = field(metadata={ABSENT: False})

    @property
    def is_ranked(self) -> bool:
        """Whether processes share every batch, each a rank."""
        return self.strategy in RANKED

    @property
    def is_sharded(self) -> bool:
        """Whether each rank holds a part of the weights alone."""
        return self.strategy == SHARDED

    @property
    def is_tried_out(self) -> bool:
        """Whether it is a trial on a few batches, which a longer run's settings need not suit."""
        return self.limit_batches is not None or self.overfit_batches is not None


@dataclass(frozen=True)
class InitConfig:
    """What a run starts from, and which of its parameters are trained."""

    run: PathText | None
    checkpoint: Literal["best", "last"] | None
    weights: PathText | None
    fingerprint: Digest | None
    preprocessing: Literal["run", "data"]
    strict: bool
    reset: AnyNames
    freeze: AnyNames
    frozen_eval: bool

    @property
    def source(self) -> str | None:
        """The run or the file, as it was typed; None for a start that is drawn."""
        return self.run if self.run is not None else self.weights

    @property
    def key(self) -> str:
        """Of the config, that names the source."""
        return "init.run" if self.run is not None else "init.weights"


FRESH = InitConfig(None, None, None, None, "run", True, [], [], False)
"""A start that is drawn."""


@dataclass(frozen=True)
class SlurmConfig:
    """What `sweep.executor=submitit` asks SLURM for, for each task; null is the cluster's own."""

    cluster: Literal["slurm", "local"]
    partition: Name | None
    time: Duration
    start_within: Duration | None
    cpus: Threads
    gpus: Processes
    memory: Memory | None
    account: Name | None
    array_parallelism: Threads
    python: Name | None
    setup: AnyNames
    extra: Object | None


@dataclass(frozen=True)
class RayConfig:
    """What `sweep.executor=ray` asks Ray for, for each task."""

    address: Name | None
    cpus: Threads
    gpus: Processes
    retries: Processes
    start_within: Duration | None


@dataclass(frozen=True)
class SweepConfig:
    """How the jobs of a sweep are run."""

    on_error: Literal["continue", "stop"]
    fuse: Literal["auto", "always", "never"]
    allow_random: bool
    workers: Literal["auto"] | Processes
    settings: Objects
    zip: Object | None
    exclude: Objects
    draw: Object | None
    draws: Count
    draw_seed: Seed
    plot: bool
    compile: Literal["auto", "always", "never"] = field(metadata={ABSENT: "auto"})
    executor: Literal["local", "submitit", "ray"] = field(metadata={ABSENT: "local"})
    slurm: SlurmConfig = field(metadata={ABSENT: None})
    ray: RayConfig = field(metadata={ABSENT: None})
    layout: Literal["directories", "packed"] = field(metadata={ABSENT: "directories"})

    @property
    def processes(self) -> int:
        """That are asked for, in which jobs run; 0 for none in particular."""
        return 0 if self.workers == "auto" else self.workers

    @property
    def randomness(self) -> Literal["different", "error"]:
        """What a stack does where its model draws at random."""
        return "different" if self.allow_random else "error"


@dataclass(frozen=True)
class RunConfig:
    """One run, checked. Groups that name a class (`_target_`) stay mappings.

    `resolved` is what was checked, key by key as it was composed: `config.yaml` of the run.
    `preset` has no reader: it holds what other keys take, by interpolation, and they are checked.
    """

    name: FolderName
    seed: Seed
    allow: AnyNames
    data: DataConfig
    loader: LoaderConfig
    model: Object
    loss: Object
    optimizer: Object
    scheduler: Object
    trainer: TrainerConfig
    sweep: SweepConfig
    metrics: MetricEntries | None = field(metadata={ABSENT: None})
    init: InitConfig = field(metadata={ABSENT: FRESH})
    preset: Object = field(metadata={ABSENT: {}})
    step: Object | None = field(metadata={ABSENT: None})
    callbacks: Objects = field(metadata={ABSENT: []})
    resolved: Mapping[str, Any] = field(metadata={NO_KEY: True}, repr=False, compare=False)

    @property
    def own_step(self) -> Object | None:
        """What is told of the user's own step; None without one."""
        return None if self.step is None or self.step["_target_"] is None else self.step

    @cached_property
    def identity(self) -> str:
        """See `config_hash`."""
        return config_hash(self.resolved)

    def to_dict(self) -> dict[str, Any]:
        """The resolved config as it was composed, in plain containers that may not be changed."""
        return dict(self.resolved)


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
