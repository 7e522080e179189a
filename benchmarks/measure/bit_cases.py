"""The sixty configs whose bits two checkouts are compared by, and the rows and modules they use."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Way = Literal["single", "stack", "killed run", "killed sweep"]

IRIS = "data=sklearn data.dataset=iris loader.batch_size=16 trainer.epochs=6"
DIABETES = "data=sklearn data.dataset=diabetes loader.batch_size=32 trainer.epochs=5"
CANCER = "data=sklearn data.dataset=breast_cancer loader.batch_size=32 trainer.epochs=4"
DIGITS = "data=sklearn data.dataset=digits loader.batch_size=64 trainer.epochs=3"
TABLE = "experiment=table data.path=rows.csv trainer.epochs=4"
CONVOLUTIONS = (
    "model=sequential 'model.layers=[{Unflatten:[1,[1,8,8]]},{Conv2d:{in_channels:1,"
    "out_channels:4,kernel_size:3}},ReLU,{MaxPool2d:2},Flatten,Linear]'"
)
DROPPED = "model=sequential 'model.layers=[{Linear:16},{BatchNorm1d:16},ReLU,{Dropout:0.3},Linear]'"

SINGLE = {
    "article": "",
    "article, sequential": "model=sequential seed=3",
    "article, manual": "model=manual seed=4",
    "article, full batch": "loader=full_batch optimizer.momentum=0.9",
    "article, nesterov": "optimizer.momentum=0.9 optimizer.nesterov=true "
    "optimizer.weight_decay=0.01",
    "iris, adam": f"{IRIS} optimizer=adam optimizer.lr=0.01",
    "iris, adamw, cosine": f"{IRIS} optimizer=adamw optimizer.lr=0.01 scheduler=cosine",
    "iris, rmsprop, step": f"{IRIS} optimizer=rmsprop scheduler=step scheduler.step_size=2",
    "iris, adagrad": f"{IRIS} optimizer=adagrad optimizer.lr=0.05 model=manual",
    "iris, onecycle": f"{IRIS} scheduler=onecycle optimizer=adam optimizer.lr=0.05",
    "iris, plateau": f"{IRIS} scheduler=plateau scheduler.patience=0 optimizer.lr=0.1",
    "iris, early stopping": f"{IRIS} trainer.epochs=60 optimizer=adam optimizer.lr=0.1 "
    "trainer.early_stopping.patience=3",
    "iris, last": f"{IRIS} trainer.select=last optimizer=adam trainer.gradient_clip=0.5",
    "iris, no shuffle": f"{IRIS} loader.shuffle=false loader.drop_last=true",
    "diabetes, mse": f"{DIABETES} optimizer=adamw optimizer.lr=0.01",
    "diabetes, l1": f"{DIABETES} loss=l1 optimizer=adam model.hidden=[16,16]",
    "diabetes, huber": f"{DIABETES} loss=huber data.standardize=false optimizer=adam",
    "cancer, bce": f"{CANCER} optimizer=adamw trainer.monitor=val/auroc",
    "cancer, batch norm": f"{CANCER} model.batch_norm=true model.dropout=0.2 model.hidden=[16]",
    "digits, wide": f"{DIGITS} model.hidden=[64] optimizer=adamw",
    "digits, convolutions": f"{DIGITS} {CONVOLUTIONS} optimizer=adam",
    "digits, dropout": f"{DIGITS} {DROPPED} optimizer=adam",
    "table, regression": f"{TABLE} data.target=y data.drop=[label]",
    "table, classes": f"{TABLE} data.target=label data.drop=[y]",
    "own, normalised": f"{IRIS} model._target_=own_parts.Normalised optimizer=adam",
    "own, recurrent": f"{DIGITS} model._target_=own_parts.Recurrent optimizer=adam",
}

STACKED = {
    "article, seeds": "'seed=range(0,6)'",
    "article, rates": "optimizer.lr=0.0001,0.0003,0.001 seed=1,2",
    "article, styles": "model=custom,sequential,manual seed=1,2",
    "article, batches": "loader.batch_size=1,2,4 seed=1,2",
    "iris, adam": f"{IRIS} optimizer=adam optimizer.lr=0.003,0.01,0.03",
    "iris, adamw": f"{IRIS} optimizer=adamw optimizer.weight_decay=0,0.01 seed=1,2",
    "iris, rmsprop": f"{IRIS} optimizer=rmsprop optimizer.alpha=0.9,0.99 optimizer.momentum=0,0.5",
    "iris, adagrad": f"{IRIS} optimizer=adagrad optimizer.lr=0.01,0.05 seed=1,2",
    "iris, sgd": f"{IRIS} optimizer.momentum=0.9 optimizer.nesterov=true seed=1,2,3",
    "iris, cosine": f"{IRIS} scheduler=cosine optimizer.lr=0.1,0.3 seed=1,2",
    "iris, onecycle": f"{IRIS} scheduler=onecycle optimizer=adam optimizer.lr=0.01,0.1 seed=1,2",
    "iris, plateau": f"{IRIS} scheduler=plateau scheduler.patience=0 optimizer.lr=0.1,0.5 seed=1,2",
    "iris, early stopping": f"{IRIS} trainer.epochs=40 optimizer=adam optimizer.lr=0.1,0.01 "
    "trainer.early_stopping.patience=2 seed=1,2",
    "iris, clipped": f"{IRIS} trainer.gradient_clip=0.1,1.0 trainer.select=last seed=1,2",
    "diabetes, losses": f"{DIABETES} loss=mse,l1,huber optimizer=adam seed=1,2",
    "diabetes, widths": f"{DIABETES} 'model.hidden=[8],[16],[8,8]' optimizer=adamw seed=1,2",
    "cancer, bce": f"{CANCER} optimizer=adamw trainer.monitor=val/auroc seed=1,2,3",
    "cancer, batch norm": f"{CANCER} model.batch_norm=true model.hidden=[16] optimizer=adam "
    "seed=1,2",
    "digits, wide": f"{DIGITS} model.hidden=[32] optimizer=adamw optimizer.lr=0.001,0.01 seed=1,2",
    "digits, convolutions": f"{DIGITS} {CONVOLUTIONS} optimizer=adam seed=1,2,3",
    "digits, dropout": f"{DIGITS} {DROPPED} optimizer=sgd seed=1,2,3 sweep.allow_random=true",
    "table, regression": f"{TABLE} data.target=y data.drop=[label] seed=1,2,3",
    "own, normalised": f"{IRIS} model._target_=own_parts.Normalised optimizer=sgd seed=1,2,3",
    "own, recurrent": f"{DIGITS} model._target_=own_parts.Recurrent optimizer=adam seed=1,2",
}

OFTEN = "'trainer.checkpoint_every=5 steps'"
KILLED = {
    "article": f"trainer.epochs=2000 {OFTEN}",
    "iris, dropout, cosine": f"{IRIS} {DROPPED} trainer.epochs=60 scheduler=cosine {OFTEN}",
    "iris, plateau": f"{IRIS} trainer.epochs=80 scheduler=plateau optimizer=rmsprop {OFTEN}",
    "digits, onecycle": f"{DIGITS} trainer.epochs=12 scheduler=onecycle optimizer=adamw {OFTEN}",
    "own, normalised": f"{IRIS} trainer.epochs=60 model._target_=own_parts.Normalised {OFTEN}",
}
KILLED_SWEEPS = {
    "article": f"trainer.epochs=1000 'seed=range(0,8)' {OFTEN}",
    "iris, styles": f"{IRIS} trainer.epochs=60 model=custom,manual optimizer=adam seed=1,2 {OFTEN}",
    "iris, plateau": f"{IRIS} trainer.epochs=80 scheduler=plateau seed=1,2,3 {OFTEN}",
    "digits, dropout": f"{DIGITS} {DROPPED} trainer.epochs=20 seed=1,2 {OFTEN} "
    "sweep.allow_random=true",
    "iris, singly": f"{IRIS} trainer.epochs=60 sweep.fuse=never seed=1,2 {OFTEN}",
}

OWN_PARTS = '''\
import torch
from torch import nn


class Normalised(nn.Module):
    """With batch statistics, a buffer and weights that it uses twice."""

    def __init__(self, in_features=4, out_features=3):
        super().__init__()
        self.into = nn.Linear(in_features, 8)
        self.norm = nn.BatchNorm1d(8)
        self.again = nn.Linear(8, 8)
        self.out = nn.Linear(8, out_features)
        self.register_buffer("scale", torch.rand(8))

    def forward(self, x):
        hidden = torch.tanh(self.norm(self.into(x)) * self.scale)
        return self.out(self.again(self.again(hidden)))


class Recurrent(nn.Module):
    """Reads an image row by row."""

    def __init__(self, in_features=64, out_features=10):
        super().__init__()
        self.rows = nn.GRU(8, 12, batch_first=True)
        self.out = nn.Linear(12, out_features)

    def forward(self, x):
        return self.out(self.rows(x.unflatten(1, (8, 8)))[0][:, -1])
'''


@dataclass(frozen=True)
class BitCase:
    """One of the sixty.

    Args:
        words: of `seedbed train`, as they are typed.
    """

    name: str
    way: Way
    words: str


CASES = [
    BitCase(name, way, words)
    for way, cases in (
        ("single", SINGLE),
        ("stack", STACKED),
        ("killed run", KILLED),
        ("killed sweep", KILLED_SWEEPS),
    )
    for name, words in cases.items()
]


def write_inputs(folder: Path) -> None:
    """Writes the module `own_parts` and the table `rows.csv` that the configs name."""
    (folder / "own_parts.py").write_text(OWN_PARTS, encoding="utf-8")
    rng = random.Random(0)
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "kind", "y", "label"])
        for _ in range(200):
            a, b, kind = rng.uniform(-1, 1), rng.uniform(-1, 1), rng.choice(["x", "y", "z"])
            y = 2 * a - b + (kind == "x")
            missing = rng.random() < 0.05
            label = "high" if y > 0.3 else "low"
            rows.writerow(["" if missing else f"{a:.4f}", f"{b:.4f}", kind, f"{y:.4f}", label])
