"""A row through a model on `meta` is counted the same with torch's compiler and without it."""

import json
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from seedbed.training.bounds import bounded

FLAT, CHANNELS, STEPS = (2, 4), (2, 4, 8, 8), (2, 3, 4)
SPECIAL = {"Threshold", "MultiheadAttention", "Softmax2d", "Module", "Parameter"}
SPECIAL |= {"Softmin", "Softmax", "LogSoftmax"}
ACTIVATIONS = [name for name in nn.modules.activation.__all__ if name not in SPECIAL]
LAYERS = {f"nn.{name}()": FLAT for name in ACTIVATIONS}
LAYERS |= {
    "nn.Threshold(1, 0)": FLAT,
    "nn.Softmin(1)": FLAT,
    "nn.Softmax(1)": FLAT,
    "nn.LogSoftmax(1)": FLAT,
    "nn.Linear(4, 3)": FLAT,
    "nn.BatchNorm1d(4)": FLAT,
    "nn.LayerNorm(4)": FLAT,
    "nn.Dropout()": FLAT,
    "nn.Flatten()": CHANNELS,
    "nn.BatchNorm2d(4)": CHANNELS,
    "nn.GroupNorm(2, 4)": CHANNELS,
    "nn.Conv2d(4, 3, 3)": CHANNELS,
    "nn.ConvTranspose2d(4, 3, 3)": CHANNELS,
    "nn.MaxPool2d(2)": CHANNELS,
    "nn.AdaptiveAvgPool2d(1)": CHANNELS,
    "nn.Upsample(scale_factor=2, mode='bilinear')": CHANNELS,
    "nn.GRU(4, 5, batch_first=True)": STEPS,
    "nn.LSTM(4, 5, batch_first=True)": STEPS,
    "nn.TransformerEncoderLayer(4, 2, batch_first=True)": STEPS,
}

WITHOUT = """
import json, sys, torch
from seedbed.process import fast_start
from seedbed.process.no_compiler import shapes_without_compiler
fast_start.begin()
sys.path.insert(0, sys.argv[1])
from test_counting_on_meta import counted
found, has_compiler = counted(), "torch._dynamo" in sys.modules
with shapes_without_compiler():
    nn_on_meta = torch.nn.Linear(2, 2, device="meta")(torch.zeros(1, 2, device="meta"))
    stands_in = sys.modules["torch._dynamo"]
    compiles = torch._dynamo.is_compiling()
torch._dynamo.explain
compiler = sys.modules["torch._dynamo"]
asked = [compiles, compiler is not stands_in, torch._dynamo.explain is compiler.explain]
print(json.dumps([found, has_compiler, asked]))
"""
"""Counts in a process without the compiler, and asks for more of it in the end."""


@pytest.fixture(scope="module")
def told_without() -> list[Any]:
    """What layers count, whether the compiler was there, and what became of the one asked for."""
    line = [sys.executable, "-c", WITHOUT, str(__file__).rpartition("/")[0]]
    done = subprocess.run(line, capture_output=True, text=True, timeout=200, check=True)
    told: list[Any] = json.loads(done.stdout)
    return told


def counted() -> dict[str, list[int]]:
    """Operations, and the values of the largest output, by layer."""
    from seedbed.process.no_compiler import shapes_without_compiler

    found = {}
    for layer, shape in LAYERS.items():
        model = eval(layer, {"nn": nn}).eval()
        inside = (torch.device("meta"), torch.no_grad(), shapes_without_compiler())
        with bounded(2**30) as bounds, inside[0], inside[1], inside[2], bounds:
            model.to("meta")(torch.zeros(shape))
        found[layer] = [bounds.operations, bounds.largest]
    return found


def test_layers_of_torch_are_counted_the_same_without_its_compiler(
    told_without: list[Any],
) -> None:
    without, has_compiler, _ = told_without
    import torch._dynamo  # noqa: F401 - here it is there

    assert not has_compiler
    assert len(without) > 40
    assert without == counted()


def test_who_asks_for_more_of_the_compiler_gets_it(told_without: list[Any]) -> None:
    compiles, is_no_stand_in, is_its_own = told_without[2]
    assert compiles is False
    assert is_no_stand_in
    assert is_its_own
