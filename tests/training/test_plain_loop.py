"""Our training and the article's loop, written by hand, to the bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.article_nets import ARTICLE_NETS, X, Y
from support.plain_loop import train_by_hand
from support.single_runs import same_weights, train
from torch.optim import lr_scheduler as schedules

EPOCHS = 12
SEED = 3

OPTIMIZERS: dict[str, tuple[list[str], Callable[[Any], torch.optim.Optimizer]]] = {
    "sgd": (
        ["optimizer=sgd", "optimizer.lr=0.002"],
        lambda parameters: torch.optim.SGD(parameters, lr=0.002),
    ),
    "sgd with momentum": (
        ["optimizer=sgd", "optimizer.lr=0.001", "optimizer.momentum=0.9"],
        lambda parameters: torch.optim.SGD(parameters, lr=0.001, momentum=0.9),
    ),
    "adamw": (
        ["optimizer=adamw", "optimizer.lr=0.01", "optimizer.weight_decay=0.1"],
        lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1),
    ),
    "adam": (
        ["optimizer=adam", "optimizer.lr=0.01", "optimizer.betas=[0.8,0.99]"],
        lambda parameters: torch.optim.Adam(parameters, lr=0.01, betas=(0.8, 0.99)),
    ),
    "rmsprop": (
        ["optimizer=rmsprop", "optimizer.lr=0.01"],
        lambda parameters: torch.optim.RMSprop(parameters, lr=0.01),
    ),
    "adagrad": (
        ["optimizer=adagrad", "optimizer.lr=0.05"],
        lambda parameters: torch.optim.Adagrad(parameters, lr=0.05),
    ),
}
SCHEDULES: dict[str, tuple[list[str], Callable[[torch.optim.Optimizer], Any]]] = {
    "step": (
        ["scheduler=step", "scheduler.step_size=4", "scheduler.gamma=0.5"],
        lambda optimizer: schedules.StepLR(optimizer, 4, 0.5),
    ),
    "cosine": (
        ["scheduler=cosine", "scheduler.eta_min=1e-5"],
        lambda optimizer: schedules.CosineAnnealingLR(optimizer, EPOCHS, 1e-5),
    ),
    "onecycle": (
        ["scheduler=onecycle"],
        lambda optimizer: schedules.OneCycleLR(optimizer, 0.002, total_steps=EPOCHS * 2),
    ),
    "plateau": (
        ["scheduler=plateau", "scheduler.patience=1", "scheduler.threshold=0.5"],
        lambda optimizer: schedules.ReduceLROnPlateau(optimizer, patience=1, threshold=0.5),
    ),
}
BATCHES = {"full batch": ("null", 4, False), "pairs": ("2", 2, True), "uneven": ("3", 3, True)}


def check(
    path: Path,
    style: str,
    words: list[str],
    make_optimizer: Callable[[Any], torch.optim.Optimizer],
    batches: str = "uneven",
    **settings: Any,
) -> list[float]:
    """Trains both ways; the learning rates of our epochs."""
    written, batch_size, shuffle = BATCHES[batches]
    loader = [f"loader.batch_size={written}", f"loader.shuffle={str(shuffle).lower()}"]
    run = [f"model={style}", f"seed={SEED}", f"trainer.epochs={EPOCHS}", *loader]
    ours = train(path / "run", *run, *words)
    torch.manual_seed(SEED)
    plain = ARTICLE_NETS[style]()
    order = SEED if shuffle else None
    losses = train_by_hand(
        plain, X, Y, make_optimizer, epochs=EPOCHS, batch_size=batch_size, seed=order, **settings
    )
    assert ours.history["train/loss"] == losses
    assert same_weights(ours.weights, plain.state_dict())
    assert losses[-1] < losses[0]
    return ours.history["lr"]


@pytest.mark.parametrize("batches", BATCHES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns_what_the_loop_learns(
    tmp_path: Path, optimizer: str, batches: str
) -> None:
    words, made = OPTIMIZERS[optimizer]
    check(tmp_path, "custom", words, made, batches)


@pytest.mark.parametrize("style", ARTICLE_NETS)
def test_every_style_learns_what_the_article_s_class_learns(tmp_path: Path, style: str) -> None:
    words, made = OPTIMIZERS["sgd"]
    check(tmp_path, style, words, made)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_moves_the_rate_as_the_loop_does(
    tmp_path: Path, schedule: str, optimizer: str
) -> None:
    words, made = OPTIMIZERS[optimizer]
    more, make_schedule = SCHEDULES[schedule]
    if schedule == "onecycle":
        more = [*more, "scheduler.max_lr=0.002"]
    rates = check(tmp_path, "custom", [*words, *more], made, make_schedule=make_schedule)
    assert len(set(rates)) > 1


@pytest.mark.parametrize("optimizer", ["sgd with momentum", "adamw"])
def test_gradients_are_clipped_as_in_the_loop(tmp_path: Path, optimizer: str) -> None:
    words, made = OPTIMIZERS[optimizer]
    check(tmp_path, "custom", [*words, "trainer.gradient_clip=2.5"], made, clip=2.5)


def test_validation_rows_do_not_change_what_is_learnt(tmp_path: Path) -> None:
    """The same training rows, once with and once without a validation file."""
    rows = "\n".join(f"{a},{b},{a + b}" for a, b in [(1, 2), (3, 4), (5, 6), (7, 8)])
    (tmp_path / "rows.csv").write_text(f"a,b,y\n{rows}\n")
    (tmp_path / "more.csv").write_text("a,b,y\n2,3,5\n4,5,9\n")
    words = [
        "data=csv",
        f"data.path={tmp_path / 'rows.csv'}",
        "data.target=y",
        "data.standardize=false",
    ]
    words += ["data.split={validation:0,test:0}", "trainer.select=last", "model.dropout=0.3"]
    words += ["trainer.epochs=50", "trainer.early_stopping.patience=null"]
    alone = train(tmp_path / "alone", *words)
    watched = train(tmp_path / "watched", *words, f"data.validation_path={tmp_path / 'more.csv'}")
    assert same_weights(alone.weights, watched.weights)
    assert alone.history["train/loss"] == watched.history["train/loss"]
