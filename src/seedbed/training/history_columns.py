"""The columns of a run's history, and which of them decides the best epoch."""

from collections.abc import Sequence

from seedbed.config.hints import did_you_mean, joined
from seedbed.config.schema import RunConfig
from seedbed.data.prepared import PreparedData
from seedbed.errors import ConfigError
from seedbed.tasks.metrics import SHIPPED, Directions, Metric, higher_is_better, is_undirected
from seedbed.tasks.registry import metric_names, task_for
from seedbed.training.own_step import OwnStep
from seedbed.training.state import Monitor


def names_of_step(step: OwnStep | None) -> Sequence[str]:
    """What a step of the user's own gives beside the loss, as far as it is known."""
    return (step.names or ()) if step is not None else ()


def training_columns(step: OwnStep | None) -> list[str]:
    """Of the rows that are learnt from."""
    return ["train/loss", *(f"train/{name}" for name in names_of_step(step))]


def validation_columns(
    config: RunConfig, data: PreparedData, metrics: Sequence[Metric] | None, step: OwnStep | None
) -> list[str]:
    """Of the validation rows; none without them.

    Args:
        config: of the run.
        data: its rows.
        metrics: that the config names; None for the task's.
        step: of the user's own.
    """
    if data.validation is None:
        return []
    names: Sequence[str] = ()
    if step is None or not step.misfit:
        task = task_for(data.preprocessing.task, config.loss["_target_"])
        names = metric_names(task, data.preprocessing, metrics)
    return ["val/loss", *(f"val/{name}" for name in (*names_of_step(step), *names))]


def monitor_of(
    config: RunConfig, data: PreparedData, metrics: Sequence[Metric] | None, step: OwnStep | None
) -> Monitor:
    """What decides the best epoch; arguments as `validation_columns` takes them.

    Raises:
        ConfigError: if `trainer.monitor` is no column of the history, or has no direction.
    """
    measured, trained = validation_columns(config, data, metrics, step), training_columns(step)
    name = _monitored(config.trainer.monitor, measured, trained)
    given = name.partition("/")[2]
    if step is not None and given in names_of_step(step):
        return Monitor(name, _direction_told(step, name, given))
    directions = {one.name: one.higher_is_better for one in metrics or ()}
    _refuse_undirected(name, [*measured, *trained], directions)
    return Monitor(name, higher_is_better(name, directions))


def _monitored(asked: str, measured: Sequence[str], trained: Sequence[str]) -> str:
    names = [*measured, *trained]
    if asked == "auto":
        return names[0]
    if asked not in names:
        without = "" if measured else "; there are no validation rows"
        raise ConfigError(
            f"trainer.monitor: no column '{asked}'{without}; there are {', '.join(names)}"
            f"{did_you_mean(asked, names)}"
        )
    return asked


def _direction_told(step: OwnStep, name: str, given: str) -> bool:
    """Whether higher is better of what a step gives, which the config tells."""
    if given not in step.higher_is_better:
        raise ConfigError(
            f"trainer.monitor: whether a higher {name} is better, your step has to tell; type "
            f"'step.higher_is_better={{{given}: true}}', or false"
        )
    return step.higher_is_better[given]


def _refuse_undirected(name: str, names: Sequence[str], directions: Directions) -> None:
    if not is_undirected(name, directions):
        return
    others = [one for one in names if not is_undirected(one, directions)]
    why = "is no better when it is higher, nor when it is lower"
    if name.rpartition("/")[2] not in SHIPPED:
        why = (
            "does not say whether it is better when it is higher; give its entry in metrics "
            "higher_is_better: true or false"
        )
    raise ConfigError(f"trainer.monitor: {name} {why}; there are {joined(others)}")
