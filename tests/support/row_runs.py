"""Runs of each task with validation and test rows, and what pictures of these draw."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd

import seedbed as front
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening
from seedbed.views.own_rows import RowOutputs, split_outputs
from seedbed.views.trained import load_trained

SPLIT = ["data.split={validation:0.25,test:0.25,seed:3}", "trainer.epochs=4"]
TASKS = {
    "binary": ["data=sklearn", "data.dataset=breast_cancer"],
    "multiclass": ["data=sklearn", "data.dataset=iris"],
    "targets": ["data=csv", "data.path=table.csv", "data.target=[price,area]", "model.hidden=[8]"],
    "classes": ["data=csv", "data.path=table.csv", "data.target=kind", "data.drop=[price]"],
}


def table(rows: int = 200) -> pd.DataFrame:
    draws = np.random.default_rng(0)
    w, h = draws.normal(size=(2, rows)).round(3)
    price, area = 1e5 + 3e4 * w - 1e4 * h**2, 120 + 4 * h
    return pd.DataFrame(
        {"w": w, "h": h, "price": price, "area": area, "kind": np.where(w > h, "yes", "no")}
    )


def train_tasks(folder: Path) -> None:
    """A run of each task, in the folder that its data lies in."""
    with contextlib.chdir(folder):
        table().to_csv("table.csv", index=False)
        for name, words in TASKS.items():
            front.train(*words, *SPLIT, directory=name)


def outputs(run: str, rows: str = "val") -> RowOutputs:
    """What the model of a run says of its validation or test rows."""
    paths = RunPaths(Path(run))
    with opening(run) as bounds:
        return split_outputs(load_trained(run), paths, rows, bounds)
