"""What composing gives: runs and sweeps in plain containers, of which Hydra is no part any more."""

import re
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seedbed.config.key_paths import NOTHING, value_at
from seedbed.config.overrides import overrides_of
from seedbed.config.schema import RunConfig
from seedbed.errors import ConfigError
from seedbed.remote.places import output_place

RESOLVED_BY_HYDRA = re.compile(r"\$\{(now|hydra|python_version):")
"""What Hydra's own resolvers find, which it registers."""

OF_KEYS = re.compile(r"\$\{(?:now:[^${}\\]*|([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))\}", re.ASCII)
"""What finds the time, or another key of the config."""

SUBDIR = "hydra.sweep.subdir"
HYDRAS_SUBDIR = "${hydra.job.num}"
"""What stands there where nobody set it; a job's folder is then named by its overrides."""


@dataclass(frozen=True)
class ComposedConfig:
    """One run's config in the forms that are needed of it.

    The jobs of a sweep share what they have in common, so nothing in here may be changed.

    Args:
        config: checked and typed.
        raw: as composed, interpolations and all, in plain containers.
        hydra: Hydra's own part, likewise.
        overrides: what the user typed, without Hydra's own.
        number: of the job in its sweep, from 0; None for a single run.
        notes: on keys that were left out or came in, for the user.
    """

    config: RunConfig
    raw: dict[str, Any]
    hydra: dict[str, Any]
    overrides: list[str]
    number: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def resolved(self) -> Mapping[str, Any]:
        """In plain containers, without interpolations; what `config.yaml` of the run holds."""
        return self.config.resolved

    @cached_property
    def directory(self) -> Path:
        """Where Hydra would put the run.

        Raises:
            ConfigError: if the key names no folder.
        """
        return output_place("hydra.run.dir", _selected(self.raw, self.hydra, "hydra.run.dir"))

    def overrides_filled_in(self) -> list[str]:
        """The overrides with what their `${…}` stood for, as `sweep.json` keeps them.

        Going on with a sweep then asks nothing of the environment.
        """
        return [_filled_in(one, self.resolved) if "$" in one else one for one in self.overrides]

    def subfolder(self, number: int) -> str | None:
        """The folder in the sweep's that `hydra.sweep.subdir` names; None if it was not set.

        Args:
            number: of the job, from 0.

        Raises:
            ConfigError: if what it stands for cannot be found.
        """
        subdir = self.hydra["sweep"]["subdir"]
        overrides = self.hydra["overrides"]["hydra"]
        if subdir == HYDRAS_SUBDIR and not any(SUBDIR in override for override in overrides):
            return None
        hydra = _with_number(self.hydra, number, self.overrides)
        return str(_selected(self.raw, hydra, SUBDIR))


@dataclass(frozen=True)
class ComposedSweep:
    """A sweep that is ready to be run.

    Args:
        directory: of the sweep.
        jobs: checked.
        multirun: content of `multirun.yaml`.
        origin: what `resume` needs to compose the jobs again.
    """

    directory: Path
    jobs: list[ComposedConfig]
    multirun: Any
    origin: dict[str, Any]


def selected(config: Any, key: str) -> Any:
    """What a key of a composed config stands for.

    Raises:
        ConfigError: saying what in it cannot be found.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        return OmegaConf.select(config, key)
    except OmegaConfBaseException as err:
        reason = str(err).partition("\n")[0].partition(" raised while resolving interpolation: ")
        raise ConfigError(f"{key}: {(reason[2] or reason[0])[:300]}") from err


def _selected(job: Mapping[str, Any], hydra: Mapping[str, Any], key: str) -> Any:
    """What a key of Hydra's stands for.

    Raises:
        ConfigError: saying what in it cannot be found.
    """
    # Imported here: what was composed in another process is used without OmegaConf.
    from omegaconf import OmegaConf

    few = _all_that_is_read(job, hydra, key)
    if few is not None:
        return selected(OmegaConf.create(few), key)
    whole = OmegaConf.create({**job, "hydra": hydra})
    if key == SUBDIR and RESOLVED_BY_HYDRA.search(hydra["sweep"]["subdir"]):
        from hydra.core.hydra_config import HydraConfig
        from hydra.core.utils import setup_globals

        setup_globals()
        HydraConfig.instance().cfg = whole  # type: ignore[assignment]
    return selected(whole, key)


def _all_that_is_read(
    job: Mapping[str, Any], hydra: Mapping[str, Any], key: str
) -> dict[str, Any] | None:
    """A key of Hydra's and those that its interpolations name; None if they may read others.

    To make a config of all keys takes half as long as to compose it.
    """
    _, group, name = key.split(".")
    found: dict[str, Any] = {"hydra": {group: {name: hydra[group][name]}}}
    unread: list[Any] = [hydra[group][name]]
    read: set[str] = set()
    while unread:
        text = unread.pop()
        if not isinstance(text, str | int | float) or "$" in OF_KEYS.sub(" ", str(text)):
            return None
        for path in set(filter(None, OF_KEYS.findall(str(text)))) - read:
            read.add(path)
            *groups, last = path.split(".")
            value = value_at(job, (*groups, last))
            unread.append(value)
            if value is not NOTHING:
                inner = found
                for one in groups:
                    inner = inner.setdefault(one, {})
                inner[last] = value
    return found


def hydra_files(composed: ComposedConfig, directory: Path) -> dict[str, Any]:
    """The contents of `.hydra/*.yaml`, as Hydra writes them, by file name.

    They share what does not differ from job to job with `composed`, so nothing in them may be
    changed. There are none where `hydra.output_subdir` is null.
    """
    hydra = dict(composed.hydra)
    if hydra["output_subdir"] is None:
        return {}
    hydra["runtime"] = {**hydra["runtime"], "output_dir": str(directory.resolve())}
    if composed.number is not None:
        hydra = _with_number(hydra, composed.number, composed.overrides)
    return {
        "config.yaml": composed.raw,
        "hydra.yaml": {"hydra": hydra},
        "overrides.yaml": composed.overrides,
    }


@dataclass(frozen=True, slots=True)
class HydraFiles(Mapping[str, Any]):
    """`hydra_files` of a job, made each time that they are asked for.

    Made at once for all jobs of a large sweep, they would take most of its memory.

    Args:
        composed: the job's config, with its number.
        sweep: directory of the sweep, from the root of the file system.
        folder: the job's in it.
    """

    composed: ComposedConfig
    sweep: Path
    folder: str

    def __getitem__(self, name: str) -> Any:
        return self._made()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())

    def items(self) -> ItemsView[str, Any]:
        """All of them, made once."""
        return self._made().items()

    def _made(self) -> dict[str, Any]:
        return hydra_files(self.composed, self.sweep / self.folder)


def _with_number(hydra: Mapping[str, Any], number: int, overrides: Sequence[str]) -> dict[str, Any]:
    """Hydra's part, with what it tells of one job."""
    job = {"id": str(number), "num": number, "override_dirname": _dirname(hydra, overrides)}
    return {
        **hydra,
        "job": {**hydra["job"], **job},
        "overrides": {**hydra["overrides"], "task": overrides},
    }


def _dirname(hydra: Mapping[str, Any], overrides: Sequence[str]) -> str:
    """The overrides in one text, as Hydra joins them."""
    how = hydra["job"]["config"]["override_dirname"]
    kept = (
        override for override in overrides if override.partition("=")[0] not in how["exclude_keys"]
    )
    return str(how["item_sep"]).join(sorted(kept)).replace("=", str(how["kv_sep"]))


def _filled_in(override: str, resolved: Mapping[str, Any]) -> str:
    key = override.partition("=")[0]
    value = value_at(resolved, tuple(key.lstrip("+").split(".")))
    prefix = key[: len(key) - len(key.lstrip("+"))]
    return override if value is NOTHING else f"{prefix}{overrides_of({key.lstrip('+'): value})[0]}"
