"""How a run ended, with what was trained."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.runs.layout import RunPaths

if TYPE_CHECKING:
    from seedbed.training.run_components import RunComponents


@dataclass(frozen=True)
class Trained:
    """A run that ended by itself: completed, diverged or interrupted.

    Args:
        result: content of `result.json`.
        paths: of the run.
        plan: that was trained; its model has the final weights.
        was_put_back: whether it was made longer, which came to nothing, and is what it was.
    """

    result: dict[str, Any]
    paths: RunPaths
    plan: "RunComponents"
    was_put_back: bool = False

    @property
    def status(self) -> str:
        """How it ended."""
        return str(self.result["status"])
