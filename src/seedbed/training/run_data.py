"""The rows of a run, whatever they come from."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from seedbed.components import AllowList
from seedbed.config.schema import (
    DataConfig,
    DatasetConfig,
    ImagesConfig,
    NpyConfig,
    ParquetConfig,
    RunConfig,
)
from seedbed.data.prepared import PreparedData, prepare_data
from seedbed.process.arrow_memory import keep_arrow_memory
from seedbed.tables.sources import read_source
from seedbed.tables.table import Table
from seedbed.training.shortened import shortened

if TYPE_CHECKING:
    from seedbed.training.starting_point import StartingPoint

FITTED_ANEW = "the preprocessing is fitted anew, as data.stream=true takes none from another run"


def data_of(
    config: RunConfig,
    allow: AllowList,
    read: Callable[[DataConfig], Table] = read_source,
    start: "StartingPoint | None" = None,
) -> PreparedData:
    """The rows of a run, read, split and fitted.

    Args:
        config: checked.
        allow: what the config may name.
        read: reads a table.
        start: whose preprocessing is taken over, as far as the columns are the same.

    Raises:
        DataError: if anything about them cannot be used.
        NotAllowedError: if they are of a class that may not be built.
    """
    source, seed = config.data, config.seed
    known = start.taken if start else None
    if isinstance(source, DatasetConfig):
        from seedbed.data.custom_dataset import prepare_custom  # with what looks at a user's rows

        data = prepare_custom(source, allow, seed, config.loader)
    elif isinstance(source, ParquetConfig) and source.stream:
        keep_arrow_memory()
        from seedbed.data.streaming.prepare import prepare_stream  # with Arrow

        data = prepare_stream(source, seed)
        if known is not None:
            data = replace(data, notes=[*data.notes, FITTED_ANEW])
    elif isinstance(source, NpyConfig):
        from seedbed.data.npy.prepare import prepare_npy

        data = prepare_npy(source, seed, known)
    else:
        data = prepare_data(source, seed, read, known)
        if isinstance(source, ImagesConfig):
            from seedbed.data.images.prepare import with_transforms

            data = with_transforms(data, source, allow)
    return shortened(data, config)
