"""A process that torchrun started as a rank beside the first, which writes and speaks for all."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.api.messages import Messages, Trained
from seedbed.config.strategies import RANKED
from seedbed.errors import ArgumentError, SeedbedError
from seedbed.process.place import is_of_torchrun, place_told
from seedbed.runs.layout import RunPaths

if TYPE_CHECKING:
    from seedbed.training.run_components import RunComponents


def is_follower(config: Mapping[str, Any]) -> bool:
    """Whether the run is another rank's to write.

    Args:
        config: of the run.
    """
    trainer = config.get("trainer")
    strategy = trainer.get("strategy") if isinstance(trainer, Mapping) else None
    try:
        place = place_told()
    except ValueError:  # told where the run is built
        return False
    return strategy in RANKED and place is not None and not place.is_first


def followed_run(plan: "RunComponents", messages: Messages) -> Trained:
    """Trains along; what the first rank made of it.

    Args:
        plan: of the run.
        messages: hears how it ended, and nothing else.

    Raises:
        SeedbedError: if this rank failed, or another one did, which tells it then.
    """
    from seedbed.ranks.joining import DisagreementError, RankLostError
    from seedbed.ranks.told import followed

    place = place_told()
    assert place is not None
    try:
        result, root = followed(plan, place)
    except (RankLostError, DisagreementError) as err:
        err.told_elsewhere = True
        raise
    trained = Trained(result, RunPaths(Path(root)), plan, told_elsewhere=True)
    messages.run_ended(trained)
    return trained


class Unsaid(Messages):
    """Hears for another rank, which says it.

    Args:
        messages: hear how a run ended.
    """

    def __init__(self, messages: Messages) -> None:
        self.messages = messages

    def run_ended(self, trained: Trained) -> None:
        """See `Messages`."""
        self.messages.run_ended(trained)


def refuse_torchrun(command: str) -> None:
    """Refuses many processes where one is asked for.

    Args:
        command: that is not for ranks.

    Raises:
        SeedbedError: if torchrun started this one among others.
    """
    if not is_of_torchrun():
        return
    error: SeedbedError = ArgumentError(
        f"torchrun is for one run, and not for {command}; leave torchrun out: jobs and reruns "
        "with a trainer.strategy start their ranks themselves"
    )
    error.told_elsewhere = not (place := place_told()) or not place.is_first
    raise error
