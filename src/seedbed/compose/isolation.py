"""Leaves Hydra as it was: a program may use it itself, and call Seedbed from there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf.basecontainer import BaseContainer


@contextmanager
def hydra_left_alone() -> Iterator[None]:
    """Puts back at the end what composing inside changes of Hydra's global objects."""
    hydra, config, store = GlobalHydra.instance(), HydraConfig.instance(), ConfigStore.instance()
    resolvers: dict[str, Any] = BaseContainer._resolvers
    before = hydra.hydra, config.cfg, dict(store.repo), dict(resolvers)
    try:
        yield
    finally:
        GlobalHydra.set_instance(hydra)  # composing puts a copy in its place
        hydra.hydra, config.cfg = before[:2]
        for now, then in ((store.repo, before[2]), (resolvers, before[3])):
            now.clear()
            now.update(then)
