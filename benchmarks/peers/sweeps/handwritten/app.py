"""A loop written by hand under Hydra, for its basic launcher and for joblib's.

    python benchmarks/peers/sweeps/handwritten/app.py -m 'seed=range(0,10)'

A job writes a `SummaryWriter`'s event file and a `state_dict` into its directory, as the
documentation of Hydra and of PyTorch has it.
"""

from itertools import pairwise
from pathlib import Path

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

Rows = tuple[Tensor, Tensor]


def sums() -> tuple[Rows, None]:
    """The article's rows, all for training."""
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    return (x, x.sum(dim=1, keepdim=True)), None


def digits(seed: int) -> tuple[Rows, Rows]:
    """Scikit-learn's digits: 70% for training, 10% for validation, the rest set aside."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = load_digits(return_X_y=True)
    x, _, y, _ = train_test_split(x, y, test_size=0.2, stratify=y, random_state=seed)
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.125, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(x)
    parts = [(scaler.transform(rows), labels) for rows, labels in ((x, y), (x_val, y_val))]
    train, val = [(torch.tensor(a, dtype=torch.float32), torch.tensor(b)) for a, b in parts]
    return train, val


def network(sizes: list[int]) -> nn.Sequential:
    """Linear layers with a ReLU between each two."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> float:
    torch.manual_seed(cfg.seed)
    train, val = digits(cfg.seed) if cfg.task.data == "digits" else sums()
    batches = DataLoader(TensorDataset(*train), batch_size=cfg.task.batch_size, shuffle=True)
    model = network(cfg.task.sizes)
    loss_function: nn.Module = hydra.utils.instantiate(cfg.task.loss)
    optimizer = hydra.utils.instantiate(cfg.optimizer, model.parameters())
    folder = Path(HydraConfig.get().runtime.output_dir)
    with SummaryWriter(folder) as writer:
        for epoch in range(cfg.task.epochs):
            total = 0.0
            for x, y in batches:
                optimizer.zero_grad()
                loss = loss_function(model(x), y)
                loss.backward()
                optimizer.step()
                total += loss.item()
            writer.add_scalar("train/loss", total / len(batches), epoch)
            if val is not None:
                evaluate(model, loss_function, val, writer, epoch)
    torch.save(model.state_dict(), folder / "model.pth")
    return total / len(batches)


@torch.no_grad()
def evaluate(
    model: nn.Module, loss_function: nn.Module, rows: Rows, writer: SummaryWriter, epoch: int
) -> None:
    """Loss and accuracy on the rows for validation, in one batch."""
    x, y = rows
    scores = model(x)
    writer.add_scalar("val/loss", loss_function(scores, y).item(), epoch)
    writer.add_scalar("val/accuracy", (scores.argmax(dim=1) == y).float().mean().item(), epoch)


if __name__ == "__main__":
    main()
