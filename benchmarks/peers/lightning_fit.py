"""Lightning, with its logger, checkpoints, progress bar and summary off."""

import logging
import time
import warnings

import lightning
import torch
from measure.tasks import LEARNING_RATE, Task
from torch import Tensor, nn

from peers.handwritten import loader, network

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Module(lightning.LightningModule):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.loss_function = nn.MSELoss()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, y = batch
        return self.loss_function(self.model(x), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=LEARNING_RATE)

    def on_train_start(self) -> None:
        self.started = time.perf_counter()

    def on_train_end(self) -> None:
        self.seconds = time.perf_counter() - self.started


def train(task: Task, epochs: int) -> float:
    module = Module(network(task))
    with warnings.catch_warnings():
        # It advises more workers for the DataLoader, which would be slower here.
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, loader(task))
    return module.seconds
