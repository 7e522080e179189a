"""Says where a model, a loss, an optimizer or a schedule of the user's keeps what is not saved.

A `state_dict` of the user's own is tried: loaded into a copy, it has to bring back what changed.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from seedbed.models.copies import tensors_in
from seedbed.models.plain_state import (
    first_difference,
    state_of_schedule,
    unsaved_of_optimizer,
    unsaved_state,
)
from seedbed.models.state_walk import PlainState
from seedbed.process.torch_private import schedulers_in
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.training import Ended, Training

FOREIGN = ("seedbed.", "torch.")
"""Packages whose classes keep nothing for themselves, or save it."""

DEEPEST = 100
"""Containers inside one another that are looked through; Python itself copies not many more."""

BEGIN, BEGINS = "begin with it as it was built", "begins with it as it was built"
BUFFER = "register_buffer keeps a tensor"


class UnsavedNotes(Forwarding):
    """Says at the end of a run what it kept beside its checkpoints and changed in training.

    Args:
        recorder: hears of it.
        plan: of the run, as it is before training; nothing is looked at in the models that come
            with Seedbed, nor in torch's losses, optimizers and schedules.
    """

    def __init__(self, recorder: Recorder, plan: RunComponents) -> None:
        super().__init__(recorder)
        model, optimizer = plan.model, plan.optimizer
        loss = plan.head.loss_function
        self.kept: list[tuple[str, str, Callable[[], PlainState]]] = []
        if not type(model).__module__.startswith("seedbed."):
            after = f"resume and predict {BEGIN}; {BUFFER}"
            self.kept.append(("model", after, lambda: unsaved_state(model)))
        if _is_own(loss):
            after = f"resume {BEGINS}; {BUFFER}"
            self.kept.append(("loss", after, lambda: unsaved_state(loss)))
        if _is_own(optimizer) and not _has_own_state_dict(optimizer):
            after = f"resume {BEGINS}; `state` and `param_groups` are kept"
            self.kept.append(("optimizer", after, lambda: unsaved_of_optimizer(optimizer)))
        self.before = [_looked_at(now) for _, _, now in self.kept]
        self.tried = [
            *([_Tried("optimizer", optimizer)] if _has_own_state_dict(optimizer) else []),
            *(_Tried("scheduler", one) for one in _own_schedules(plan.schedule.scheduler)),
        ]

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`."""
        for note in self.notes():
            self.note(note)
        super().ended(training, ended)

    def notes(self) -> list[str]:
        """What has changed since; predictions and resumed runs would begin with it anew."""
        found = []
        for (what, after, now), before in zip(self.kept, self.before, strict=True):
            path = first_difference(before, _looked_at(now))
            if path is not None:
                found.append(f"{_changed(what, path)}: {after}")
        for one in self.tried:
            path = one.lost()
            if path is not None:
                found.append(
                    f"{_changed(one.what, path)}: resume {BEGINS}; let its `state_dict` hold it"
                )
        return found


class _Tried:
    """An optimizer or a schedule with a `state_dict` of its own.

    Args:
        what: it is.
        original: as it is before training.
    """

    def __init__(self, what: str, original: Any) -> None:
        self.what = what
        self.original = original
        self.before = self._look(original)
        try:
            self.copied: Any = _copy_of(original)
        except Exception:  # of any kind: what it holds is the user's
            self.copied = None

    def lost(self) -> str | None:
        """The first that changed in training, and is not there after loading what is saved."""
        if self.copied is None:
            return None
        try:
            self.copied.load_state_dict(_with_its_tensors(self.original.state_dict()))
        except Exception:  # of any kind: it is the user's
            return None
        now, loaded = self._look(self.original), self._look(self.copied)
        changed = {path: value for path, value in now.items() if value != self.before.get(path)}
        return next((path for path, value in changed.items() if loaded.get(path) != value), None)

    def _look(self, one: Any) -> PlainState:
        look: Any = unsaved_of_optimizer if isinstance(one, Optimizer) else state_of_schedule
        return _looked_at(lambda: look(one))


def _is_own(one: object) -> bool:
    return not type(one).__module__.startswith(FOREIGN)


def _has_own_state_dict(one: object) -> bool:
    """Whether the user wrote what is saved of it; without it all or nothing of theirs is."""
    method: Any = getattr(type(one), "state_dict", None)
    return _is_own(one) and method is not None and not method.__module__.startswith(FOREIGN)


def _own_schedules(schedule: LRScheduler | None) -> Iterator[Any]:
    """The schedule, or those that one of torch's runs in turn."""
    for one in (schedule, *schedulers_in(schedule)):
        if _has_own_state_dict(one):
            yield one


def _copy_of(original: Any) -> Any:
    """With an optimizer of its own over the same parameters, and no state of it."""
    optimizer = original if isinstance(original, Optimizer) else original.optimizer
    memo: dict[int, Any] = {
        id(one): one for group in optimizer.param_groups for one in group["params"]
    }
    memo[id(optimizer.state)] = type(optimizer.state)(dict)
    copied = object.__new__(type(original))
    memo[id(original)] = copied
    vars(copied).update(copy.deepcopy(vars(original), memo))
    return copied


def _with_its_tensors(state: Any) -> Any:
    """A copy of containers, which the user's own may write into, that holds the same tensors."""
    memo: dict[int, Any] = {id(one): one for one in tensors_in(state, DEEPEST)}
    return copy.deepcopy(state, memo)


def _changed(what: str, path: str) -> str:
    return f"the {what}'s '{path}' changed in training, and no checkpoint holds it"


def _looked_at(now: Callable[[], PlainState]) -> PlainState:
    try:
        return now()
    except Exception:  # of any kind: what it holds is the user's
        return {}
