"""Hydra's own flags (`--cfg`, `--info`, `-m`, …), handed to Hydra with our search path.

A single run does not come here: `seedbed.compose.compose` does the same work without the parts that
a run directory of ours replaces.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser

from seedbed.compose.compose import (
    ConfigSource,
    composed,
    hydra_started,
    naming_foreign,
    store_base,
)
from seedbed.compose.explain import explained
from seedbed.compose.hydra_errors import COMPOSITION_ERRORS
from seedbed.config.absurd import refuse_absurd_overrides
from seedbed.config.hints import did_you_mean
from seedbed.config.locations import find_user_conf, own_conf, using_user_conf
from seedbed.errors import ArgumentError, ConfigError, RunDirectoryError


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Hydra's grammar of the command line.

    Raises:
        ArgumentError: for a flag that Hydra does not have.
        ConfigError: for an override that holds what no parser should be given.
    """
    parser = get_args_parser()
    flags = [flag for action in parser._actions for flag in action.option_strings]

    def refuse(message: str) -> NoReturn:
        argument = message.removeprefix("unrecognized arguments: ").split()[0]
        raise ArgumentError(
            f"{message}{did_you_mean(argument, flags) or '; type seedbed train --help'}"
        )

    parser.error = refuse  # type: ignore[method-assign]
    args = parser.parse_intermixed_args(list(argv))
    if (args.resolve or args.package) and not (args.cfg or args.help):
        raise ArgumentError("--resolve and --package go with --cfg job")
    refuse_absurd_overrides(args.overrides)
    return args


def asks_something_else(args: argparse.Namespace) -> bool:
    """Whether a flag asks for something other than a run or a sweep."""
    return bool(
        args.help
        or args.hydra_help
        or args.cfg
        or args.info
        or args.shell_completion
        or args.experimental_rerun
    )


def mode(args: argparse.Namespace) -> str | None:
    """The last `hydra.mode` that was typed, RUN or MULTIRUN."""
    typed = [
        argument.partition("=")[2]
        for argument in args.overrides
        if argument.startswith("hydra.mode=")
    ]
    return typed[-1] if typed else None


def source(args: argparse.Namespace) -> ConfigSource:
    """Where the flags say that configs are.

    Raises:
        ArgumentError: if one names no folder.
    """
    for flag, value in (("--config-dir", args.config_dir), ("--config-path", args.config_path)):
        if value is not None and not value.startswith("pkg://") and not Path(value).is_dir():
            raise ArgumentError(f"{flag}: no folder '{value}'")
    folder = Path(args.config_path) if args.config_path else None
    return ConfigSource(find_user_conf(args.config_dir), args.config_name or "config", folder)


def through_hydra(argv: Sequence[str], args: argparse.Namespace, task: Any) -> None:
    """Lets Hydra do what the flags ask.

    Args:
        argv: the command line after `seedbed train`.
        args: the same, parsed.
        task: called by Hydra for `--experimental-rerun`.

    Raises:
        ConfigError: for a mistake in the overrides or the YAML.
    """
    configs = source(args)
    conf = (configs.folder or own_conf()).resolve()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing
    argv_before = sys.argv
    flags = [argument for argument in _without_config_dir(argv) if argument not in args.overrides]
    sys.argv = ["seedbed train", *flags, *args.overrides]
    try:
        with naming_foreign(configs), using_user_conf(configs.user_folder):
            store_base()
            if args.cfg in ("job", "all"):
                _refuse_wrong_values(args.overrides, configs)
            hydra.main(config_path=str(conf), config_name=configs.name, version_base="1.3")(task)()
    except COMPOSITION_ERRORS as err:
        with hydra_started(configs):
            raise explained(err, args.overrides, configs.name) from err
    except OSError as err:
        raise RunDirectoryError(f"cannot write '{err.filename}': {err.strerror}") from err
    finally:
        sys.argv = argv_before


def _refuse_wrong_values(overrides: Sequence[str], configs: ConfigSource) -> None:
    """`--cfg` shows a config with values still to be given, but none with wrong ones."""
    try:
        composed(overrides, configs)
    except ConfigError as err:
        wrong = [problem for problem in err.problems if " is missing; " not in problem]
        if wrong:
            raise ConfigError(*wrong) from err


def _without_config_dir(argv: Sequence[str]) -> list[str]:
    """Hydra would put that folder behind ours; the search path plugin puts it in front."""
    kept, skip = [], False
    for argument in argv:
        if skip or argument.startswith(("--config-dir=", "-cd=")):
            skip = False
        elif argument in ("--config-dir", "-cd"):
            skip = True
        else:
            kept.append(argument)
    return kept
