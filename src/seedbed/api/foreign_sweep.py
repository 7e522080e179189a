"""What a sweep's own files may ask for when its jobs are composed again: they may be a stranger's.

They set keys. They read nothing of this machine, name no YAML outside the reader's config folders,
and allow no more than the reader does.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seedbed.catalog.config_text import flattened
from seedbed.catalog.values import identity
from seedbed.components import ALLOW_VARIABLE, AllowList
from seedbed.compose.composed import ComposedConfig
from seedbed.config.identity import NOT_OF_A_RUN
from seedbed.config.locations import find_user_conf, users_allowed
from seedbed.errors import NotAllowedError, RunDirectoryError
from seedbed.runs.layout import SWEEP_JOBS
from seedbed.runs.relocation import places
from seedbed.sweep.outcome import JobState, SweepState

if TYPE_CHECKING:
    from seedbed.compose.compose import ConfigSource

RESOLVER = re.compile(r"\$\{[^}]*(:|\$\{)")
"""An interpolation that computes, such as `${oc.env:HOME}`, also where its name is made of others.

Source: `resolverName` in OmegaConf's grammar, which may hold interpolations.
"""

OF_HYDRA = re.compile(r"[\s+~]*hydra\b|.*[@:]hydra\b")
"""An override that sets one of Hydra's own keys."""

CLIMBS = re.compile(r"\.\.[/\\]|[/\\]\.\.")
"""Of a name of YAML: it leaves the folder."""


def source_of(sweep: SweepState, config_dir: str | None = None) -> "ConfigSource":
    """Where the jobs of a sweep are composed from: the reader's folders, never the sweep's word.

    Args:
        sweep: which names its primary config.
        config_dir: the user's own folder, or None to look for one.

    Raises:
        RunDirectoryError: if it names one outside of them.
    """
    # Imported here: a sweep whose jobs are composed already does without Hydra.
    from seedbed.compose.compose import ConfigSource

    name = str(sweep.origin.get("config_name", "config"))
    if CLIMBS.search(name):
        raise RunDirectoryError(
            f"'{sweep.directory / SWEEP_JOBS}' has the config_name {name!r}, which is not taken "
            "from a sweep's own files"
        )
    return ConfigSource(find_user_conf(config_dir), name)


def refuse_foreign_overrides(records: Sequence[JobState]) -> None:
    """Refuses overrides that do more than to set a key of the job's.

    Raises:
        RunDirectoryError: naming the first.
    """
    for record in records:
        for override in record.overrides:
            if not _sets_a_key(override):
                raise RunDirectoryError(
                    f"'{record.directory}' has the override {override!r}, which is "
                    "not taken from a sweep's own files"
                )


def _sets_a_key(override: str) -> bool:
    bare = override.replace("\\", "")  # Hydra's grammar may escape what is in ${…}
    key, _, value = bare.partition("=")
    names_yaml = "." not in key.partition("@")[0]
    climbs = names_yaml and (CLIMBS.search(value) or CLIMBS.search(override))
    return not (OF_HYDRA.match(key) or RESOLVER.search(bare) or climbs)


def refuse_what_is_not_allowed(
    composed: Sequence[ComposedConfig], sweep: SweepState, command: str = "resume"
) -> None:
    """Of classes that the sweep's own files allow, and the reader does not.

    Args:
        composed: jobs of the sweep.
        sweep: that they are of.
        command: to be typed again.

    Raises:
        NotAllowedError: naming the packages, and what to type.
    """
    own = AllowList(users_allowed()).packages
    for one in composed:
        more = sorted(set(one.config.allow) - set(own))
        if more:
            raise NotAllowedError(
                f"the sweep names classes of {', '.join(more)}, which is not allowed; if that is "
                f"your own code, type {ALLOW_VARIABLE}={','.join(more)} seedbed {command} "
                f"{sweep.directory}"
            )


def refuse_other_settings(job: JobState, one: ComposedConfig, trained: Mapping[str, Any]) -> None:
    """Refuses to take a run for what the sweep says that it is, where its own config tells another.

    A job that was resumed for more epochs is one of these. Where its data lies may differ.

    Args:
        job: of the sweep.
        one: its config, composed again.
        trained: the config of its run, by dotted keys.

    Raises:
        RunDirectoryError: naming the first key that differs.
    """
    moved = {f"data.{'.'.join(path)}" for path in places(one.resolved.get("data"))}
    said = flattened(one.resolved)
    for key in dict.fromkeys([*said, *trained]):
        if key.split(".")[0] in NOT_OF_A_RUN or key in moved:
            continue
        if identity(said.get(key)) != identity(trained.get(key)):
            raise RunDirectoryError(
                f"'{job.directory}' was trained with {key}={_short(trained.get(key))}, and the "
                f"sweep's {SWEEP_JOBS} asks for {_short(said.get(key))}, which is not what was "
                "compared; to begin a sweep of what is meant, type seedbed train -m"
            )


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:80]
