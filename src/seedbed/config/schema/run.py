"""The keys of a run, all groups together, and those of `init`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from seedbed.config.identity import config_hash
from seedbed.config.ranges import (
    AnyNames,
    Digest,
    FolderName,
    MetricEntries,
    Object,
    Objects,
    PathText,
    Seed,
)
from seedbed.config.schema.data import DataConfig
from seedbed.config.schema.marks import ABSENT, NO_KEY
from seedbed.config.schema.sweep import SweepConfig
from seedbed.config.schema.training import LoaderConfig, TrainerConfig


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
