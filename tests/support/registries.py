"""Puts back the registries of tasks and metrics."""

import contextlib
from collections.abc import Iterator
from unittest import mock

from support.composing import composer

from seedbed.config.task_names import TARGET_KINDS
from seedbed.tasks.metrics import METRICS
from seedbed.tasks.registry import TASKS


@contextlib.contextmanager
def kept_registries() -> Iterator[None]:
    """Within it tasks and metrics can be registered; they are gone after it."""
    with contextlib.ExitStack() as stack:
        for task in TASKS.values():
            stack.enter_context(mock.patch.object(task, "metrics", task.metrics))
        for registry in (METRICS, TASKS, TARGET_KINDS):
            stack.enter_context(mock.patch.dict(registry))
        yield
    composer.cache_clear()  # it keeps configs that were checked with them
