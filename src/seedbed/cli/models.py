"""The model that a command looks at: of a run, or of overrides in place of one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.api import building
from seedbed.cli.arguments import Parser, print_notes, refuse_idle_flag
from seedbed.config.locations import find_user_conf
from seedbed.config.schema import RunConfig
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.process.ahead import composed_ahead
from seedbed.remote.places import read_place
from seedbed.runs.layout import SWEEP_JOBS
from seedbed.runs.opening import opening
from seedbed.runs.reader import open_to_read
from seedbed.runs.stored import is_directory

if TYPE_CHECKING:
    from seedbed.training.run_components import RunComponents
    from seedbed.views.trained import TrainedModel


def add_arguments(parser: Parser) -> None:
    """Those that say which model, and in what form it is shown."""
    parser.add_argument(
        "what",
        metavar="RUN | OVERRIDE",
        nargs="*",
        type=read_place,
        help="a run directory, or overrides",
    )
    parser.add_argument("--config-dir", metavar="DIR", help="your own config folder")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_named(what: Sequence[str], config_dir: str | None) -> str | None:
    """The run directory that the arguments name; None if they are overrides.

    What would lie in a sweep is no override, also where the sweep has no such run.

    Raises:
        ArgumentError: if a run is given a config folder.
    """
    if len(what) != 1:
        return None
    path = Path(what[0])
    in_sweep = bool(path.parent.name) and (path.parent / SWEEP_JOBS).is_file()
    if "=" in what[0] and not (in_sweep or is_directory(path)):
        return None
    refuse_idle_flag("--config-dir", config_dir, "is for overrides, not for a run")
    return what[0]


@contextmanager
def trained_model(
    run: str, checkpoint: str | None = None, *, file: str | None = None, shown: bool = False
) -> "Iterator[TrainedModel]":
    """The model of a run, which may be a stranger's; its notes are printed.

    Args:
        run: its directory.
        checkpoint: last or best, in place of `model.pth`.
        file: of rows, beside it.
        shown: whether all weights are written out.
    """
    open_to_read(run)
    with opening(run, file, shown=shown):
        # Imported here: torch takes a second, and a wrong argument is answered before it.
        from seedbed.views.trained import load_trained

        fast_start.imports_done()
        model = load_trained(run, checkpoint)
        print_notes(model.notes)
        yield model


def built(overrides: Sequence[str], config_dir: str | None) -> "RunComponents":
    """What overrides describe: composed, checked and built.

    Args:
        overrides: as `seedbed train` takes them.
        config_dir: the user's config folder, or None to look for one.

    Raises:
        SeedbedError: if the config or anything that it builds is wrong.
    """
    config = composed_one(overrides, config_dir, ("torch", "seedbed.training.build_run"))
    return building.built(config)


def composed_one(
    overrides: Sequence[str], config_dir: str | None, modules: Sequence[str]
) -> RunConfig:
    """The config of one run that overrides describe, checked.

    Args:
        overrides: as `seedbed train` takes them.
        config_dir: the user's config folder, or None to look for one.
        modules: that are imported meanwhile.

    Raises:
        SeedbedError: if the config is wrong.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise ArgumentError(f"--config-dir: no folder '{config_dir}'")
    return composed_ahead(lambda: _composed(overrides, config_dir), modules)


def _composed(overrides: Sequence[str], config_dir: str | None) -> RunConfig:
    # Imported here: Hydra may be needed in another process alone.
    from seedbed.compose.compose import ConfigSource, composed

    return composed(overrides, ConfigSource(find_user_conf(config_dir))).config
