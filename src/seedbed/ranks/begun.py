"""A run that is about to be trained, on the ranks that its config asks for, or by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from seedbed.process.place import place_told
from seedbed.ranks.ready import Begun
from seedbed.training.interrupt import StopRequest
from seedbed.training.run_components import RunComponents
from seedbed.training.single import single_training


@contextmanager
def begun(plan: RunComponents, stop: StopRequest) -> Iterator[Begun]:
    """What the first rank trains, or the only one; ranks that were started have ended afterwards.

    Args:
        plan: of the run.
        stop: what this process hears.

    Raises:
        ConfigError: if the ranks disagree, or do not find one another.
        RunFailedError: if one is lost.
    """
    if plan.ranks == 1:
        yield Begun(single_training(plan), stop)
        return
    # Imported here: torch.distributed is for those who ask for it.
    from seedbed.ranks.starting import started
    from seedbed.ranks.told import joined_told
    from seedbed.ranks.training import on_rank

    if plan.config.trainer.is_sharded:
        import seedbed.ranks.sharded  # noqa: F401 - once, before ranks are forks of this process
    place = place_told()
    joining = started(plan, stop) if place is None else joined_told(plan, place, stop)
    with joining as group:
        yield on_rank(plan, stop, group)
