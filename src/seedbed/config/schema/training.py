"""The keys of `loader` and `trainer`."""

from dataclasses import dataclass, field
from typing import Literal

from seedbed.config.ranges import (
    Count,
    Device,
    Factor,
    FromZero,
    Interval,
    Name,
    Number,
    Positive,
    Prefetched,
    Processes,
    Steps,
    Text,
    Threads,
    TimeSpan,
    WholeFromTwo,
)
from seedbed.config.schema.marks import ABSENT
from seedbed.config.strategies import RANKED, SHARDED


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
    buckets: WholeFromTwo | None = field(metadata={ABSENT: None})

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
