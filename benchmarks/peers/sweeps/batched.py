"""The article's task for many jobs in plain torch, and nothing else: what a sweep cannot go below.

    python benchmarks/peers/sweeps/batched.py JOBS

All networks train as one, by batched products and gradients written by hand: no autograd, config,
files, checks or names. Prints the seconds of importing torch and those of the training as JSON.
"""

import json
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def main(jobs: int) -> None:
    started = time.perf_counter()
    import torch

    imported = time.perf_counter()
    with torch.no_grad():
        losses = train(jobs)
    trained = time.perf_counter()
    if not torch.isfinite(losses).all():
        raise RuntimeError("a loss is not finite")
    print(json.dumps({"import": imported - started, "train": trained - imported}))


def train(
    jobs: int, hidden: int = 8, epochs: int = 50, batch_size: int = 2, lr: float = 0.001
) -> "Tensor":
    """The mean loss of each epoch and job: (epochs, jobs)."""
    import torch

    torch.manual_seed(0)
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    y = x.sum(dim=1, keepdim=True)
    rows, features = x.shape
    w1 = torch.empty(jobs, features, hidden).uniform_(-(features**-0.5), features**-0.5)
    b1 = torch.empty(jobs, 1, hidden).uniform_(-(features**-0.5), features**-0.5)
    w2 = torch.empty(jobs, hidden, 1).uniform_(-(hidden**-0.5), hidden**-0.5)
    b2 = torch.empty(jobs, 1, 1).uniform_(-(hidden**-0.5), hidden**-0.5)
    kept = []
    for _ in range(epochs):
        order = torch.rand(jobs, rows).argsort(dim=1)  # (jobs, rows): each job its own
        for index in order.split(batch_size, dim=1):
            batch, wanted = x[index], y[index]  # (jobs, batch, features), (jobs, batch, 1)
            active = torch.baddbmm(b1, batch, w1).relu_()  # (jobs, batch, hidden)
            error = torch.baddbmm(b2, active, w2).sub_(wanted)  # (jobs, batch, 1)
            kept.append(error.square().mean(dim=(1, 2)))  # (jobs,)
            error.mul_(2 / error.shape[1])  # d loss / d prediction
            back = torch.bmm(error, w2.mT).mul_(active > 0)  # (jobs, batch, hidden)
            w2.baddbmm_(active.mT, error, alpha=-lr)
            b2.sub_(error.sum(dim=1, keepdim=True), alpha=lr)
            w1.baddbmm_(batch.mT, back, alpha=-lr)
            b1.sub_(back.sum(dim=1, keepdim=True), alpha=lr)
    return torch.stack(kept).view(epochs, -1, jobs).mean(dim=1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
