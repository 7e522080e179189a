"""Which of Hydra's own keys Seedbed obeys; the others are refused by name, never taken in silence.

A test walks Hydra's own tree of keys and asks that each of them is named here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from seedbed.config.hints import did_you_mean
from seedbed.config.locations import user_conf
from seedbed.errors import ConfigError

OWN_LAUNCHER = "hydra_plugins.seedbed.launcher.SeedbedLauncher"
OWN_SWEEPER = "hydra_plugins.seedbed.sweeper.SeedbedSweeper"

PLUGINS = ("hydra_plugins.", "hydra._internal.core_plugins.")
"""Where Hydra takes launchers from."""

OBEYED = (
    "run.dir",
    "sweep.dir",
    "sweep.subdir",
    "mode",
    "searchpath",
    "callbacks",
    "job.name",
    "job.config.override_dirname",
    "job.env_copy",
    "help",
    "hydra_help",
    "env",
    "launcher",
    "sweeper.params",
    "sweeper._target_",
)
"""Keys that do what Hydra's documentation says, with all that is below them."""

FILLED = ("job.id", "job.num", "job.override_dirname", "job.config_name", "runtime", "overrides")
"""Keys that Hydra fills in itself, over whatever was typed."""

NO_LOGGING: dict[str, Any] = {"version": 1, "root": None, "disable_existing_loggers": False}

FIXED: dict[str, tuple[tuple[Any, ...], str]] = {
    "output_subdir": (
        (".hydra", None),
        "the folder's name is '.hydra'; null leaves it out",
    ),
    "job.chdir": (
        (False, None),
        "a run stays in the folder where it was typed, from which relative paths are read; its "
        "files are in its run directory",
    ),
    "job.env_set": (
        ({},),
        "set the variables in front of the command: NAME=VALUE seedbed train …",
    ),
    "job_logging": ((NO_LOGGING,), "what a run logs is in its run.log"),
    "hydra_logging": ((NO_LOGGING,), "what a run logs is in its run.log"),
    "verbose": ((False,), "SEEDBED_DEBUG=1 shows tracebacks"),
    "sweeper.max_batch_size": ((None,), "sweep.workers=N runs N jobs at a time"),
}
"""Keys with the values that they may have, and what to do instead of another."""

EXCLUSIVE = ("data", "model", "loss", "optimizer", "scheduler")
"""Groups that hold one class, or one source, with its keys."""

OF_THE_SWEEP = ("launcher", "sweeper", "callbacks", "sweep.dir", "searchpath")
"""Keys that are asked before there are jobs."""

OF_OTHER_LAUNCHERS = ("job.env_set", "job_logging", "hydra_logging", "verbose")
"""Fixed keys that other launchers obey, for each job in its process."""


def refuse_unobeyed(hydra: Mapping[str, Any]) -> None:
    """Refuses what Seedbed would not do.

    Args:
        hydra: Hydra's own part of a composed config, in plain containers, interpolations and all.

    Raises:
        ConfigError: naming each key that is not obeyed, and what to do instead.
    """
    problems = [
        f"{name} is filled in by Hydra, and cannot be set"
        for name in _typed(hydra)
        if _is_below(name.removeprefix("hydra."), FILLED)
    ]
    problems += _unknown(hydra)
    launcher = _at(hydra, "launcher._target_")
    if launcher == OWN_LAUNCHER and (more := sorted(set(hydra["launcher"]) - {"_target_"})):
        problems.append(
            f"hydra.launcher.{more[0]} is another launcher's: Seedbed's own takes no keys, and "
            "sweep.workers=N runs N jobs at a time"
        )
    if not str(launcher).startswith(PLUGINS):
        problems.append(f"hydra.launcher: '{launcher}' is no launcher; leave hydra.launcher out")
    if (sweeper := _at(hydra, "sweeper._target_")) != OWN_SWEEPER:
        problems.append(
            f"hydra/sweeper: '{sweeper}' is not supported: Seedbed's own makes the jobs; leave "
            "hydra/sweeper out"
        )
    others = OF_OTHER_LAUNCHERS if launcher != OWN_LAUNCHER else ()
    for key, (allowed, advice) in FIXED.items():
        value = _at(hydra, key)
        if key == "job.env_set":  # Hydra puts there what env_copy names
            value = {k: v for k, v in value.items() if k not in hydra["job"]["env_copy"]}
        if key not in others and value not in allowed:
            problems.append(f"hydra.{key} is not supported: {advice}")
    problems += _several_options(hydra["overrides"]["task"])
    problems += _missing_folders(hydra["searchpath"])
    problems += _overruled(hydra["runtime"]["choices"])
    if problems:
        raise ConfigError(*problems)


def refuse_of_one_job(overrides: Sequence[str]) -> None:
    """Refuses keys of Hydra's among the overrides of one job: they are the whole sweep's.

    Raises:
        ConfigError: naming the first.
    """
    for override in overrides:
        if re.match(r"[+~]*hydra[./@=]", override):
            raise ConfigError(
                f"'{override}': a key of Hydra's own is the whole sweep's, and cannot be one job's"
            )


def refuse_too_late(job: Mapping[str, Any], sweep: Mapping[str, Any]) -> None:
    """Refuses what an option that only some jobs choose says of the whole sweep.

    Args:
        job: Hydra's own part of one job's config, in plain containers.
        sweep: that of the whole sweep.

    Raises:
        ConfigError: naming the key.
    """
    for key in OF_THE_SWEEP:
        if _at(job, key) != _at(sweep, key):
            raise ConfigError(
                f"hydra.{key}: an option among those that are swept sets it, and it is the whole "
                "sweep's; type it on the command line"
            )


def _typed(hydra: Mapping[str, Any]) -> list[str]:
    overrides = (str(override).partition("=")[0] for override in hydra["overrides"]["hydra"])
    return [override.lstrip("+~") for override in overrides]


def _unknown(hydra: Mapping[str, Any]) -> Iterator[str]:
    """Keys that were put in with `+`, and are none of Hydra's."""
    known = (*OBEYED, *FILLED, *FIXED)
    for name in _typed(hydra):
        key = name.removeprefix("hydra.")
        if name.startswith("hydra.") and not (
            _is_below(key, known) or any(one.startswith(f"{key}.") for one in known)
        ):
            yield f"no key '{name}'{did_you_mean(name, [f'hydra.{one}' for one in known])}"


def _several_options(overrides: Sequence[str]) -> Iterator[str]:
    """A list of options, which Hydra would merge: the class of one with keys of another."""
    for override in overrides:
        group, _, value = str(override).lstrip("+").partition("=")
        options = value[1:-1].split(",") if value.startswith("[") else []
        if group in EXCLUSIVE and len(options) > 1:
            listed = ",".join(option.strip() for option in options)
            yield f"{group} has one option, got {value}; for a sweep type -m {group}={listed}"


def _is_below(name: str, keys: Sequence[str]) -> bool:
    return any(f"{name}.".startswith(f"{key}.") for key in keys)


def _at(hydra: Mapping[str, Any], key: str) -> Any:
    value: Any = hydra
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _overruled(choices: Mapping[str, Any]) -> Iterator[str]:
    """Options of the user's that choose for Hydra what the primary config has chosen: it wins."""
    folder = user_conf()
    if folder is None:
        return
    for group, option in choices.items():
        path = folder / group / f"{option}.yaml"
        for key, chosen in _hydras_in(path) if path.is_file() else ():
            if str(choices.get(key)) != chosen:
                yield (
                    f"{group}={option}: 'override /{key}: {chosen}' comes too late; type "
                    f"{key}={chosen} on the command line, or override it in your config.yaml"
                )


def _hydras_in(path: Path) -> Iterator[tuple[str, str]]:
    """Groups of Hydra's that a file's defaults override, and by what."""
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    defaults = content.get("defaults") if isinstance(content, dict) else None
    for entry in defaults if isinstance(defaults, list) else ():
        for key, option in entry.items() if isinstance(entry, dict) else ():
            name = str(key).removeprefix("override ").strip().removeprefix("/")
            if name.startswith("hydra/"):
                yield name, str(option)


def _missing_folders(searchpath: Sequence[str]) -> Iterator[str]:
    for entry in searchpath:
        scheme, colon, path = str(entry).partition("://")
        folder = Path(path if colon else scheme)
        if (not colon or scheme == "file") and not folder.is_dir():
            yield f"hydra.searchpath: no folder '{folder}'"
        elif scheme == "pkg" and not _is_package(path):
            yield f"hydra.searchpath: no package '{path}'"


def _is_package(path: str) -> bool:
    try:
        return find_spec(path.strip("/").replace("/", ".")) is not None
    except (ImportError, ValueError):
        return False
