"""The article's task in Lightning under Hydra.

    python benchmarks/peers/sweeps/lightning_module/app.py -m 'seed=range(0,10)'

A job writes TensorBoard's event file and a checkpoint into its directory; the progress bar and the
summary are off. The checkpoint comes once, at the end: every epoch, its default, would take longer.
"""

import logging
import warnings

import hydra
import lightning
import torch
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Module(lightning.LightningModule):
    def __init__(self, hidden: int, lr: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.model = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.loss_function = nn.MSELoss()
        self.lr = lr

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, y = batch
        loss = self.loss_function(self.model(x), y)
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> float:
    # It tells of the devices for each job, and advises more workers, which would be slower here.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    lightning.seed_everything(cfg.seed, verbose=False)
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    rows = TensorDataset(x, x.sum(dim=1, keepdim=True))
    folder = HydraConfig.get().runtime.output_dir
    trainer = lightning.Trainer(
        max_epochs=cfg.epochs,
        accelerator="cpu",
        devices=1,
        default_root_dir=folder,
        logger=TensorBoardLogger(folder, name="", version=""),
        callbacks=[ModelCheckpoint(folder, filename="model", every_n_epochs=cfg.epochs)],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    module = Module(cfg.hidden, cfg.lr)
    trainer.fit(module, DataLoader(rows, batch_size=cfg.batch_size, shuffle=True))
    return float(trainer.callback_metrics["train/loss"])


if __name__ == "__main__":
    main()
