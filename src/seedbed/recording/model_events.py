"""What TensorBoard shows of one model on request: histograms of its weights, and its graph."""

import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from seedbed.data.nested import first_row
from seedbed.models.calling import in_places
from seedbed.process.torch_private import graph_of
from seedbed.training.run_components import RunComponents


class ModelEvents:
    """Makes the fields of events, as `trainer.log_histograms` and `trainer.log_graph` ask.

    Args:
        plan: of the run.
    """

    def __init__(self, plan: RunComponents) -> None:
        self.plan = plan
        if plan.config.trainer.log_histograms:
            import_module("torch.utils.tensorboard.summary")  # before the clock starts

    def histograms(self, step: int) -> Iterator[dict[str, Any]]:
        """One of each parameter that has numbers; of complex ones, of their sizes."""
        if self.plan.config.trainer.log_histograms:
            from torch.utils.tensorboard.summary import histogram

            for name, tensor in self.plan.model.named_parameters():
                values = tensor.detach().cpu()
                values = values.abs() if values.is_complex() else values
                if values.numel():
                    shown = histogram(f"weights/{name}", values.double().numpy(), "auto")
                    yield {"summary": shown, "step": step}

    def graph(self) -> Iterator[dict[str, Any]]:
        """The model, traced on one row; none of a model that cannot be traced, which goes on."""
        if self.plan.config.trainer.log_graph:
            x, _ = next(iter(self.plan.train.epoch(0)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch deprecates tracing, all that GRAPHS shows
                try:
                    graph = graph_of(self.plan.model, in_places(self.plan.model, first_row(x)))
                except RuntimeError:
                    return
            yield {"graph_def": graph}
