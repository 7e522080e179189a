"""A trained model brought back from its run directory alone.

The directory may come from a stranger: its config is read as plain data, the classes that it
names are built only from the allow-list, and that list is the reader's own (`SEEDBED_ALLOW`, or
`allow:` in the `conf/config.yaml` of the working directory), never the run's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from seedbed.components import AllowList
from seedbed.config.locations import users_allowed
from seedbed.config.metric_specs import problems_of_any
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import ConfigError, RunDirectoryError
from seedbed.models.build import build_model
from seedbed.runs.checkpoint import load, load_weights, refuse_no_best
from seedbed.runs.code import changed_code
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import open_to_read, read_config
from seedbed.runs.stored import is_stored
from seedbed.tasks.build_head import build_task_head
from seedbed.tasks.chosen_metrics import chosen_metrics
from seedbed.tasks.head import TaskHead
from seedbed.training.averaging import load_average
from seedbed.training.bounds import (
    built_loss,
    built_within,
    most_bytes,
    refuse_larger,
    refuse_repeats,
)
from seedbed.training.run_components import RunComponents
from seedbed.training.stored_preprocessing import read_preprocessing
from seedbed.views.missing_weights import note_on_untrained, refuse_unfinished


@dataclass(frozen=True)
class TrainedModel:
    """A model with its weights, ready to predict on the CPU.

    Args:
        model: in evaluation mode.
        head: its loss, and the form of its outputs.
        config: of the run, in plain containers.
        allow: the reader's own allow-list.
        notes: for the user; on code that is not what it was, on weights that nothing trained.
        values_per_row: how many it makes of a row in one place, 0 if that is not known.
    """

    model: nn.Module
    head: TaskHead
    config: dict[str, Any]
    allow: AllowList
    notes: Sequence[str] = ()
    values_per_row: int = 0

    @cached_property
    def measuring_head(self) -> TaskHead:
        """The head with the metrics that the run's config names.

        Raises:
            ConfigError: if they are none.
            NotAllowedError: if one is of a package that the reader has not allowed.
        """
        entries = self.config.get("metrics")
        if not entries:
            return self.head
        if problems := problems_of_any(entries):
            raise ConfigError(*problems)
        loss, own = self.config["loss"]["_target_"], self.preprocessing
        chosen = chosen_metrics(entries, loss, self.allow, own, tried=True)
        return replace(self.head, chosen=chosen)

    @property
    def preprocessing(self) -> Preprocessing:
        """What was fitted on the training rows."""
        return self.head.preprocessing


def load_trained(path: str | Path, which: str | None = None) -> TrainedModel:
    """Opens a run.

    Args:
        path: of the run directory.
        which: `last` or `best` checkpoint; None for `model.pth`.

    Raises:
        RunDirectoryError: if the directory is missing a file, or one is damaged.
        CheckpointError: if the weights are damaged, or of another model.
        NotAllowedError: if the run names a class that the reader has not allowed.
    """
    paths = open_to_read(path)
    config = read_config(paths)
    allow = AllowList(users_allowed())
    file = {None: paths.model, "last": paths.last, "best": paths.best}[which]
    head, build = _model_of(paths, config, allow, most_bytes(file))
    if which is None and not is_stored(file):
        refuse_unfinished(paths)
    weights = load(file)
    if which == "best":
        refuse_no_best(weights, paths.root, "--checkpoint last")
    average = None
    if which is not None:
        average = weights.get("average") if isinstance(weights, dict) else None
        weights = weights.get("model") if isinstance(weights, dict) else None
    shape = head.preprocessing.row_form
    model, values = built_within(most_bytes(file), config["model"], shape, build)
    load_weights(model, weights, file)
    load_average(model, average, file)
    notes = [*changed_code(paths), *([] if which else note_on_untrained(paths))]
    return TrainedModel(model.eval(), head, config, allow, notes, values)


def refuse_oversized(paths: RunPaths, config: dict[str, Any], allow: AllowList) -> int:
    """Looks at the size of a run's model before it is built anew, to train on.

    Returns:
        How many bytes its weights may take.

    Raises:
        ModelError: if it would be larger than the weights of the run.
    """
    most = most_bytes(paths.last, paths.model)
    refuse_repeats(config.get("model"))
    if is_stored(paths.preprocessing):
        head, build = _model_of(paths, config, allow, most)
        refuse_larger(most, config["model"], head.preprocessing.row_form, build)
    elif is_stored(paths.last) or is_stored(paths.model):  # it is written before either
        raise RunDirectoryError(f"'{paths.root}' has weights, but no {paths.preprocessing.name}")
    return most


def _model_of(
    paths: RunPaths, config: dict[str, Any], allow: AllowList, most: int
) -> tuple[TaskHead, Callable[[], nn.Module]]:
    """The head of a run, of `most` bytes, and what builds its model."""
    preprocessing = read_preprocessing(paths)
    for key in ("model", "loss", "data"):
        if not isinstance(config.get(key), dict):
            raise RunDirectoryError(f"'{paths.config}' has no keys of '{key}'")
    for key in ("model", "loss"):
        if "_target_" not in config[key]:
            raise RunDirectoryError(f"'{paths.config}': {key}._target_ is missing")
    step = config.get("step")
    own = isinstance(step, dict) and step.get("_target_") is not None

    def build_head() -> TaskHead:
        return build_task_head(config["loss"], allow, preprocessing, has_own_step=own)

    head = built_loss(most, build_head)
    shape, outputs = preprocessing.row_form, head.outputs
    seed = _seed(config, paths)
    return head, lambda: build_model(config["model"], allow, shape, outputs, seed)


def _seed(config: dict[str, Any], paths: RunPaths) -> int:
    """The run's own: a model of the user's may draw more than its weights, which are read."""
    seed = config.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise RunDirectoryError(f"'{paths.config}': seed is no whole number >= 0")
    return seed


def untrained(plan: RunComponents) -> TrainedModel:
    """The model of a plan with its starting weights, to look at in the same ways."""
    config = {"model": plan.config.model, "seed": plan.config.seed}
    return TrainedModel(plan.model.cpu().eval(), plan.head, config, AllowList(plan.config.allow))
