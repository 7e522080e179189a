"""Says where a model of the user's keeps what no checkpoint holds."""

from seedbed.models.plain_state import PlainState, first_difference, unsaved_state
from seedbed.training.plan import Plan


class Unsaved:
    """What a model keeps beside its `state_dict`, as it is before training.

    Args:
        plan: of the run; nothing is looked at in the models that come with Seedbed.
    """

    def __init__(self, plan: Plan) -> None:
        self.model = plan.model
        self.own = not type(plan.model).__module__.startswith("seedbed.")
        self.before = self._now()

    def note(self) -> str | None:
        """What has changed since; predictions and resumed runs would begin with it anew."""
        path = first_difference(self.before, self._now())
        if path is None:
            return None
        return (
            f"the model's '{path}' changed in training, and no checkpoint holds it: resume and "
            "predict begin with it as it was built; register_buffer keeps a tensor"
        )

    def _now(self) -> PlainState:
        if not self.own:
            return {}
        try:
            return unsaved_state(self.model)
        except Exception:  # of any kind: what it holds is the user's
            return {}
