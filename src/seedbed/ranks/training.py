"""Training on one rank, the same on each: the engine, the decisions, and where they are from."""

import json
import platform
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from seedbed.config.identity import NOT_OF_A_RUN
from seedbed.config.own_code import STEP_END
from seedbed.ranks.engine import RankEngine
from seedbed.ranks.group import Group
from seedbed.ranks.helping import Helping
from seedbed.ranks.joining import refuse_disagreement
from seedbed.ranks.ready import Begun
from seedbed.ranks.wishes import Wishes
from seedbed.runs.code import code_of
from seedbed.runs.environment import installed_version
from seedbed.training.calling import Following
from seedbed.training.interrupt import StopRequest
from seedbed.training.interval import parsed_interval
from seedbed.training.loop import train
from seedbed.training.recorder import Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.single import progress_of
from seedbed.training.training import Training


def on_rank(plan: RunComponents, stop: StopRequest, group: Group) -> Begun:
    """A run on ranks that agree on all that it depends on.

    Raises:
        DisagreementError: if they do not.
    """
    refuse_disagreement(group, _gone_by(plan))
    saving = parsed_interval(plan.config.trainer.checkpoint_every)
    wishes = Wishes(stop, saving, is_first=group.is_first)
    progress = progress_of(plan)
    progress.is_late = wishes.end_by(progress.time_is_over)
    engine = _engine(plan, group, wishes)
    return Begun(Training(engine, progress), wishes, wishes, engine)


def _engine(plan: RunComponents, group: Group, wishes: Wishes) -> RankEngine:
    if not plan.config.trainer.is_sharded:
        return RankEngine(plan, group, wishes)
    from seedbed.ranks.sharded import ShardedEngine  # it takes a second to import

    return ShardedEngine(plan, group, wishes)


def follow(plan: RunComponents, stop: StopRequest, group: Group) -> Any:
    """Trains on a rank that is not the first, and keeps nothing.

    Args:
        plan: of the run, as the first rank built it.
        stop: what this rank hears.
        group: the ranks.

    Returns:
        What the first rank tells at the end.
    """
    begun = on_rank(plan, stop, group)
    assert begun.engine is not None
    last, best = begun.engine.spread(None, None)
    if last is not None:
        begun.training.restore([last], [best or last])
    resumed = None if last is None else [last]
    recorder: Recorder = Helping(begun.engine)
    if plan.callbacks:
        heard = any(STEP_END in one.heard for one in plan.callbacks)
        recorder = Following(recorder, group.from_first, hear_steps=heard)
    train(begun.training, recorder, begun.stop, resumed, begun.saving)
    return group.from_first(None)


def _gone_by(plan: RunComponents) -> Mapping[str, str]:
    """All that ranks have to have in common, as text."""
    resolved = {key: one for key, one in plan.config.resolved.items() if key not in NOT_OF_A_RUN}
    fingerprint = {key: one for key, one in plan.data.fingerprint.items() if key != "files"}
    texts = {
        **{f"the version of {name}": one for name, one in _versions().items()},
        **dict(_leaves(resolved)),
        **{f"the code of {name}": digest for name, digest in code_of(resolved).items()},
        **{f"{name} of the data": str(one) for name, one in fingerprint.items()},
    }
    return texts | {"the number of rows": str(plan.train.rows)}


def _versions() -> dict[str, str]:
    python = ".".join(platform.python_version_tuple()[:2])
    return {
        "Seedbed": str(installed_version("seedbed")),
        "torch": str(torch.__version__),
        "Python": python,
    }


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from _leaves(one, f"{path}.{key}" if path else str(key))
    else:
        text = json.dumps(value, sort_keys=True, default=str)
        yield path, text
