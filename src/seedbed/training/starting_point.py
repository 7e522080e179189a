"""What a run starts from, read: the weights of another run or of a file, and its preprocessing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from seedbed.config.hints import joined
from seedbed.config.schema import InitConfig, RunConfig
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.taken_preprocessing import other_meaning, other_target
from seedbed.errors import ConfigError, ModelError
from seedbed.models.frozen import freeze, restless
from seedbed.models.parameter_names import names_found
from seedbed.models.starting_weights import (
    Matched,
    matched,
    not_finite,
    put_into,
    without_prefix,
)
from seedbed.models.weight_files import read_content, weights_in
from seedbed.runs.checkpoint import refuse_no_best
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.starting_file import refuse_changed, starting_file
from seedbed.runs.stored import is_stored
from seedbed.training.averaging import averaged_weights
from seedbed.training.stored_preprocessing import read_preprocessing

HINT = (
    "type init.strict=false to start with what fits, or init.reset=[…] with what is to start anew"
)

MOST_LINES = 20
"""Tensors of an error."""


@dataclass(frozen=True)
class StartingPoint:
    """What a run starts from.

    Args:
        init: what named it, of the first run that starts so.
        weights: by name; None where a checkpoint of the run itself gives all of them.
        preprocessing: that it was trained with, or None where that is not known.
        notes: what a person should know of it.
    """

    init: InitConfig
    weights: Mapping[str, Tensor] | None
    preprocessing: Preprocessing | None
    notes: Sequence[str] = ()

    @property
    def origin(self) -> str:
        """The key and the name of it, as it was typed."""
        return f"{self.init.key}={printable(str(self.init.source))}"

    @property
    def taken(self) -> Preprocessing | None:
        """The preprocessing that the run takes over, as far as its columns are the same."""
        takes = self.init.run is not None and self.init.preprocessing == "run"
        return self.preprocessing if takes else None


Starts = Mapping[str, StartingPoint]
"""Of runs that go on, by the identity of their configs; the others start as these say."""


def starting_point(init: InitConfig) -> StartingPoint | None:
    """What a config starts from; None for a start that is drawn.

    Raises:
        CheckpointError: if it is not there, damaged, or not what it was.
        RunDirectoryError: if it is no run.
    """
    found = starting_file(init)
    if found is None:
        return None
    refuse_changed(found.path, init)
    content = read_content(found.path)
    if init.checkpoint == "best" and found.run is not None:
        refuse_no_best(content, found.run.root, "init.checkpoint=last")
    weights = averaged_weights(weights_in(content, found.path), content, found.path)
    preprocessing = None
    if found.run is not None and is_stored(found.run.preprocessing):
        preprocessing = read_preprocessing(found.run)
    notes = [*found.notes]
    if bad := not_finite(weights):
        notes.append(f"{init.key}: '{init.source}' holds NaN or infinity in {joined(bad, 4)}")
    return StartingPoint(init, weights, preprocessing, notes)


def continued(init: InitConfig, paths: RunPaths) -> StartingPoint | None:
    """What a run goes on with that has a checkpoint of its own; what it started from may be gone.

    Raises:
        RunDirectoryError: if its preprocessing is damaged.
    """
    if init.source is None:
        return None
    return StartingPoint(init, None, read_preprocessing(paths))


def started(
    model: nn.Module,
    config: RunConfig,
    own: Preprocessing,
    start: StartingPoint | None,
    larger: Callable[[], nn.Module],
) -> list[str]:
    """Gives a model its start, and takes out of training what is frozen.

    Args:
        model: with the weights that its seed draws.
        config: of the run.
        own: its preprocessing.
        start: what it starts from.
        larger: builds the model for one output more, which tells its last layer.

    Returns:
        What a person should know of it; the first is the table, where there is one.

    Raises:
        ConfigError: if an expression matches nothing, or two contradict each other.
        ModelError: if the source does not fit, or nothing is left to train.
    """
    init = config.init
    frozen = freeze(model, init.freeze) if init.freeze else []
    notes: list[str] = []
    if start is not None and start.weights is not None:
        notes = _load(model, init, own, start, frozen, larger)
    if frozen and not init.frozen_eval and (names := restless(model)):
        notes.append(
            f"init.freeze: {joined(names, 4)} {'goes' if len(names) == 1 else 'go'} on measuring "
            "batches or drawing in frozen layers; init.frozen_eval=true keeps those in evaluation "
            "mode"
        )
    return notes


def _load(
    model: nn.Module,
    init: InitConfig,
    own: Preprocessing,
    start: StartingPoint,
    frozen: Sequence[str],
    larger: Callable[[], nn.Module],
) -> list[str]:
    state = model.state_dict()
    weights, prefix = without_prefix(start.weights or {}, state)
    names = list(dict.fromkeys([*state, *weights]))
    reset = names_found(init.reset, names, "init.reset")
    if both := [name for name in frozen if name in reset]:
        raise ConfigError(
            f"init.reset and init.freeze both name {joined(both, 4)}: it would stay at its fresh "
            "start; leave it out of one of the two"
        )
    meaning = other_meaning(own, start.preprocessing) if start.preprocessing is not None else ""
    other = dict.fromkeys(_last_layer(state, larger), meaning) if meaning else {}
    if meaning and not other and init.strict and not init.reset:
        raise ModelError(
            f"{start.origin}: {meaning}, and which layer of the model is the last one is not "
            "known; init.reset=[…] gives it a fresh start"
        )
    match = matched(model, weights, reset=reset, other=other, frozen=frozen)
    if init.strict and match.misfits:
        raise _refused(match, start.origin)
    put_into(model, match, start.origin)
    taken_off = _taken_off(prefix, weights, start)
    more = _more(own, start, meaning, other)
    return [_told(match, init, start), *start.notes, *taken_off, *more]


def _taken_off(prefix: str, names: Collection[str], start: StartingPoint) -> list[str]:
    if not prefix:
        return []
    left = [name for name in names if name in (start.weights or {})]
    but = f" but {joined(left, 4)}" if left else ""
    return [f"{start.origin}: '{prefix}' was taken off all of its names{but}"]


def _told(match: Matched, init: InitConfig, start: StartingPoint) -> str:
    """How much was loaded; of which tensors, where that is in question."""
    summary = f"{start.origin}: {match.summary()}"
    if init.strict and not init.reset and not init.freeze:
        return summary
    return "\n".join([summary, *match.table()])


def _more(
    own: Preprocessing, start: StartingPoint, meaning: str, other: Mapping[str, str]
) -> list[str]:
    notes = []
    if meaning and not other:
        notes.append(
            f"{start.origin}: {meaning}, and which layer is the last one is not known; "
            "init.reset=[…] gives it a fresh start"
        )
    if start.preprocessing is not None and (told := other_target(own, start.preprocessing)):
        notes.append(f"{start.origin}: {told}; the weights of its last layer are taken along")
    return notes


def _refused(match: Matched, origin: str) -> ModelError:
    """One line for the whole, and one for each tensor that does not fit."""
    lines = [str(one) for one in match.misfits]
    more = len(lines) - MOST_LINES
    lines = [*lines[:MOST_LINES], *([f"and {more} more"] if more > 0 else [])]
    return ModelError(
        f"{origin} does not fit the model: {match.summary()}; {HINT}",
        *(f"{origin}: {line}" for line in lines),
    )


def _last_layer(state: Mapping[str, Any], larger: Callable[[], nn.Module]) -> list[str]:
    """The names of tensors whose shapes follow the number of outputs."""
    try:
        other = larger().state_dict()
    except Exception:  # of any kind: the class is the user's, or its size is typed
        return []
    return [
        name
        for name, tensor in state.items()
        if isinstance(tensor, Tensor)
        and isinstance(other.get(name), Tensor)
        and other[name].shape != tensor.shape
    ]
