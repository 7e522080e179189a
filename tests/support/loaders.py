"""How rows become batches, in few words."""

from typing import Any, Literal

from seedbed.config.fitting import absent_values
from seedbed.config.schema import LoaderConfig


def loader_config(
    batch_size: int | Literal["auto"] | None = 4,
    *,
    shuffle: bool = True,
    workers: int = 0,
    drop_last: bool = False,
    **more: Any,
) -> LoaderConfig:
    """Keys that are not named are as in a config of an early version."""
    given = {"shuffle": shuffle, "num_workers": workers, "drop_last": drop_last, **more}
    return LoaderConfig(batch_size, **{**absent_values(LoaderConfig), **given})
