"""From overrides to a checked config, by Hydra.

With the rest of this room and `seedbed.cli`, the only code that knows Hydra and OmegaConf.
"""

import copy
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from seedbed.compose.composed import ComposedConfig
from seedbed.compose.explain import explained, unresolved
from seedbed.compose.hydra_errors import COMPOSITION_ERRORS, STUMBLES
from seedbed.compose.hydra_keys import refuse_unobeyed
from seedbed.compose.keeping import KeepingLoader
from seedbed.compose.wrong_overrides import GROUPS, UNFOUNDED
from seedbed.config.absurd import refuse_absurd_overrides
from seedbed.config.check import checked
from seedbed.config.idle_keys import notes_on_idle
from seedbed.config.locations import foreign_config, own_conf, user_conf, using_user_conf
from seedbed.config.options import fitted_to_classes
from seedbed.errors import ConfigError


@dataclass(frozen=True)
class ConfigSource:
    """Where configs are composed from.

    Args:
        user_folder: of the user's own YAML.
        name: of the primary config.
        folder: of the primary config, in place of Seedbed's own.
    """

    user_folder: Path | None = None
    name: str = "config"
    folder: Path | None = None

    @contextmanager
    def opened(self) -> Iterator[ConfigLoader]:
        """Hydra's loader; it is put away at the end, and a config of another program is named."""
        with naming_foreign(self), hydra_started(self):
            yield GlobalHydra.instance().config_loader()


OWN = ConfigSource()

NOT_COPIED = "no_deepcopy_set_nodes"
"""What OmegaConf calls it where nodes are to be put into a config as they are."""


def composed(overrides: Sequence[str], source: ConfigSource = OWN) -> ComposedConfig:
    """Composes and checks one run.

    Args:
        overrides: as typed.
        source: of the configs.

    Raises:
        ConfigError: for a mistake in the overrides or the YAML, all of them at once where Hydra
            gets as far as composing.
    """
    refuse_absurd_overrides(overrides)
    with source.opened():
        try:
            config = compose(source.name, list(overrides), return_hydra_config=True)
        except (*COMPOSITION_ERRORS, *STUMBLES) as err:
            raise explained(err, overrides, source.name) from err
        return from_hydra(config)


def asks_for_sweep(overrides: Sequence[str], source: ConfigSource) -> bool:
    """Whether `hydra.mode` is MULTIRUN, as typed or in YAML; arguments as `composed`."""
    if not _may_set_mode(overrides, source.user_folder, source.folder):
        return False  # composing takes a tenth of a second, which mistakes should not wait for
    with source.opened() as loader:
        try:
            config = loader.load_configuration(
                source.name, list(overrides), RunMode.RUN, validate_sweep_overrides=False
            )
        except (*COMPOSITION_ERRORS, *STUMBLES):
            return False
        return bool(config.hydra.mode is RunMode.MULTIRUN)


MOST_FILES = 200
"""Of the user's YAML that are looked through; where there are more, they are composed."""


def _may_set_mode(overrides: Sequence[str], *folders: Path | None) -> bool:
    """Whether a word, or a file of the user's, has the parts of `hydra.mode`."""
    if any("hydra" in override for override in overrides):
        return True
    files = [
        file for folder in folders if folder for file in islice(folder.rglob("*.y*ml"), MOST_FILES)
    ]
    try:
        texts = [file.read_bytes() for file in files]
    except OSError:
        return True
    return len(files) >= MOST_FILES or any(b"hydra" in one and b"mode" in one for one in texts)


def from_hydra(config: DictConfig) -> ComposedConfig:
    """Splits a config that Hydra composed, resolves and checks it.

    Raises:
        ConfigError: if a value does not resolve, or does not fit the schema.
    """
    _set_hydra_config(config)
    hydra = hydra_part(config)
    refuse_unobeyed(hydra)
    job = job_part(config)
    values = resolved(job)
    refuse_unfounded(values)
    values, notes = fitted_to_classes(values, hydra["runtime"]["choices"])
    overrides = hydra["overrides"]["task"]
    run = checked(values)
    raw = unresolved_part(job)
    notes += notes_on_idle(values, raw, overrides)
    return ComposedConfig(run, raw, hydra, overrides, notes=notes)


@contextmanager
def naming_foreign(source: ConfigSource) -> Iterator[None]:
    """Says of a mistake inside that another program's config is why.

    Raises:
        ConfigError: naming the config that was taken, and how to get Seedbed's own.
    """
    try:
        yield
    except ConfigError as err:
        foreign = foreign_config(source.user_folder, source.name)
        if foreign is None or any(one.startswith("defaults: no '") for one in err.problems):
            raise
        own = shlex.quote(str(own_conf()))
        raise ConfigError(
            f"'{foreign}' was taken in place of Seedbed's own config, and does not build on it; "
            f"begin it with 'defaults: [seedbed, _self_]', or type --config-dir {own}"
        ) from err


def refuse_unfounded(job: Mapping[str, Any]) -> None:
    """Asks of a job's own part that it builds on ours.

    Raises:
        ConfigError: if it has none of our groups.
    """
    if not GROUPS & job.keys():
        raise ConfigError(UNFOUNDED)


def job_part(config: DictConfig) -> DictConfig:
    """All but Hydra's own part, of a config that nothing is made of afterwards."""
    return _with_nodes_of(config, [str(key) for key in config if key != "hydra"])


def _set_hydra_config(config: DictConfig) -> None:
    """As `HydraConfig.set_config`, which copies Hydra's part, of a config that nobody changes."""
    OmegaConf.set_readonly(config.hydra, True)
    alone = _with_nodes_of(config, ["hydra"])
    alone.hydra._set_parent(config)
    HydraConfig.instance().cfg = alone  # type: ignore[assignment]


def _with_nodes_of(config: DictConfig, keys: Sequence[str]) -> DictConfig:
    """As `OmegaConf.masked_copy`, which copies the nodes too: they are in both."""
    nodes = dict(config.items_ex(resolve=False, keys=list(keys)))
    made = DictConfig(nodes, flags={NOT_COPIED: True})
    made._set_flag(NOT_COPIED, None)
    return made


def unresolved_part(job: DictConfig) -> dict[str, Any]:
    """A job's own part, interpolations and all, in plain containers."""
    raw: Any = OmegaConf.to_container(job)
    return {str(key): value for key, value in raw.items()}


def hydra_part(config: DictConfig) -> dict[str, Any]:
    """Hydra's own part, interpolations and all, in plain containers."""
    raw: Any = OmegaConf.to_container(config.hydra, enum_to_str=True)
    return {str(key): value for key, value in raw.items()}


def from_job(job: DictConfig) -> ComposedConfig:
    """A job that Hydra itself runs, as other launchers than ours have it do.

    Raises:
        ConfigError: as `from_hydra`.
    """
    whole: Any = copy.deepcopy(HydraConfig.instance().cfg)
    with read_write(whole), read_write(whole.hydra), open_dict(whole):
        whole.hydra.run.dir = whole.hydra.runtime.output_dir
        whole.update(job)
    return from_hydra(whole)


def resolved(job: DictConfig) -> dict[str, Any]:
    """The config with every interpolation replaced, in plain containers.

    Raises:
        ConfigError: naming the key whose interpolation fails.
    """
    try:
        containers = OmegaConf.to_container(job, resolve=True)
    except OmegaConfBaseException as err:
        raise unresolved(err, job) from err
    assert isinstance(containers, dict)
    return {str(key): value for key, value in containers.items()}


@contextmanager
def hydra_started(source: ConfigSource) -> Iterator[None]:
    """Hydra with our search path, put away at the end."""
    conf = source.folder or own_conf()
    with using_user_conf(source.user_folder), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "In '.*': Defaults list is missing `_self_`")
        warnings.filterwarnings("ignore", "provider=hydra.searchpath")  # refused later, in one line
        store_base()
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(conf.resolve()), job_name="seedbed", version_base="1.3"):
            keep_what_is_composed()
            yield


def keep_what_is_composed() -> None:
    """Has Hydra, which was started, load configs by ours."""
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    hydra.config_loader = KeepingLoader(hydra.config_loader.get_search_path())


def store_base() -> None:
    """Makes our `config.yaml` known as `seedbed`, for a user's own `config.yaml` to build on."""
    folder = user_conf()
    if folder is not None and (folder / "config.yaml").is_file():
        text = (own_conf() / "config.yaml").read_text(encoding="utf-8")
        ConfigStore.instance().store("seedbed", OmegaConf.create(text))
