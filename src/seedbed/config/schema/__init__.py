"""The keys of a run, with the type and range of each.

These classes hold no defaults: those stand in `conf/*.yaml` alone. `check.py` turns a composed
config into them and gathers everything that does not fit.
"""

from seedbed.config.schema.data import (
    DATA_SOURCES,
    ColumnsConfig,
    CsvConfig,
    DataConfig,
    DatasetConfig,
    FileConfig,
    FilesConfig,
    ImagesConfig,
    MemoryConfig,
    NamedConfig,
    NpyConfig,
    NpzConfig,
    ParquetConfig,
    RowsConfig,
    SklearnConfig,
    Split,
    TableConfig,
)
from seedbed.config.schema.marks import ABSENT, NO_KEY
from seedbed.config.schema.run import FRESH, InitConfig, RunConfig
from seedbed.config.schema.sweep import RayConfig, SlurmConfig, SweepConfig
from seedbed.config.schema.training import EarlyStopping, LoaderConfig, TrainerConfig

__all__ = [
    "ABSENT",
    "DATA_SOURCES",
    "FRESH",
    "NO_KEY",
    "ColumnsConfig",
    "CsvConfig",
    "DataConfig",
    "DatasetConfig",
    "EarlyStopping",
    "FileConfig",
    "FilesConfig",
    "ImagesConfig",
    "InitConfig",
    "LoaderConfig",
    "MemoryConfig",
    "NamedConfig",
    "NpyConfig",
    "NpzConfig",
    "ParquetConfig",
    "RayConfig",
    "RowsConfig",
    "RunConfig",
    "SklearnConfig",
    "SlurmConfig",
    "Split",
    "SweepConfig",
    "TableConfig",
    "TrainerConfig",
]
