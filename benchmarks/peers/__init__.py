"""The ways to train a task, one module each: `train(task, epochs)` gives the loop's seconds."""

from collections.abc import Callable

from measure.tasks import Task

Train = Callable[[Task, int], float]
