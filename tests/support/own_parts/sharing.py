"""Modules that keep or draw more than parameters and buffers, which a stack has once for all."""

import enum
import itertools
import logging
import random
from collections import deque
from dataclasses import dataclass

import numpy as np
import torch
from support.own_parts import elsewhere
from torch import nn

CALLS = {"forward": 0}
STEPS = itertools.count()


class Net(nn.Module):
    """What the others are made of."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.a = nn.Linear(in_features, 8)
        self.b = nn.Linear(8, out_features)

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


class RunningMean(Net):
    """A buffer that forward assigns anew."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.register_buffer("mean", torch.zeros(8))

    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * hidden.detach().mean(0)
        return self.b(hidden - self.mean)


class RandomFeatures(Net):
    """Drawn by the seed, and neither parameter nor buffer."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.projection = torch.randn(in_features, in_features)

    def forward(self, x):
        return super().forward(x @ self.projection)


class Permuted(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.order = torch.randperm(in_features).tolist()

    def forward(self, x):
        return super().forward(x[:, self.order])


class ListOfLayers(Net):
    """A plain list does not register what is in it."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.layers = [nn.Linear(in_features, in_features), nn.Linear(in_features, in_features)]

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return super().forward(x)


class NumpyArray(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.scale = {"of": torch.rand(in_features).numpy()}

    def forward(self, x):
        return super().forward(x * torch.from_numpy(self.scale["of"]))


class NumpysGenerator(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.scale = np.random.rand(in_features).astype(np.float32)

    def forward(self, x):
        return super().forward(x * torch.from_numpy(self.scale))


class PythonNumber(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.scale = float(torch.rand(())) + random.random()

    def forward(self, x):
        return super().forward(x * self.scale)


class DrawnFunction(Net):
    """Drawn by the seed, and hidden in a closure."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        phase = torch.rand(in_features)
        self.feature = lambda x: torch.cos(x + phase)

    def forward(self, x):
        return super().forward(self.feature(x))


class Rarely(Net):
    """Draws the same for most seeds."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.side = int(torch.randint(0, 10, ()) > 8)


class Counter(Net):
    """Does something else from its hundredth step on."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.step = 0

    def forward(self, x):
        if self.training:
            self.step += 1
        return super().forward(x) * (0.5 if self.step > 100 else 1.0)


class Iterator(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.steps = itertools.count()

    def forward(self, x):
        return super().forward(x) * min(1.0, (1 + next(self.steps)) / 50)


class GlobalCounter(Net):
    def forward(self, x):
        CALLS["forward"] += 1
        return super().forward(x) * (1 + 1e-3 * CALLS["forward"])


class GlobalIterator(Net):
    def forward(self, x):
        return super().forward(x) * (0.5 if next(STEPS) % 1000 > 500 else 1.0)


class ClassCounter(Net):
    calls = 0

    def forward(self, x):
        ClassCounter.calls += 1
        return super().forward(x) * (0.5 if ClassCounter.calls > 10_000 else 1.0)


class LongText(Net):
    text = "x" * 10_000

    def forward(self, x):
        LongText.text = f"{LongText.text[1:]}y"
        return super().forward(x) * (0.5 if LongText.text[0] == "y" else 1.0)


class DefaultCounter(Net):
    """Keeps its count in a default of its forward."""

    def forward(self, x, calls=[0]):  # noqa: B006
        calls[0] += 1
        return super().forward(x) * (0.5 if calls[0] > 10_000 else 1.0)


class FunctionCounter(Net):
    """Keeps its count at a function of its file."""

    def forward(self, x):
        return super().forward(x) * scale()


def scale():
    scale.calls += 1
    return 0.5 if scale.calls > 10_000 else 1.0


scale.calls = 0


class ElsewhereCounter(Net):
    """Keeps its count in another file of its package."""

    def forward(self, x):
        elsewhere.CALLS.append(1)
        return super().forward(x) * (0.5 if len(elsewhere.CALLS) > 10_000 else 1.0)


class ClosureCounter(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        calls = 0

        def count():
            nonlocal calls
            calls += 1
            return calls

        self.count = count

    def forward(self, x):
        return super().forward(x) * min(1.0, self.count() / 50)


class MovingAttribute(Net):
    """A running mean that is neither registered nor saved."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.mean = torch.zeros(8)

    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        if self.training:
            with torch.no_grad():
                self.mean = 0.9 * self.mean + 0.1 * hidden.mean(0)
        return self.b(hidden - self.mean)


class MovingInPlace(MovingAttribute):
    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * hidden.detach().mean(0))
        return self.b(hidden - self.mean)


class Memory(Net):
    """Keeps the last batches."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.seen = deque(maxlen=3)

    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        self.seen.append(hidden.detach().mean())
        return self.b(hidden) + sum(self.seen) / len(self.seen)


class Grown(Net):
    """Makes a layer at its first call."""

    def forward(self, x):
        if not hasattr(self, "late"):
            self.late = nn.Linear(x.shape[-1], x.shape[-1])
        return super().forward(self.late(x))


class PythonsDice(Net):
    """Leaves its hidden layer out now and then."""

    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        return self.b(hidden if not self.training or random.random() < 0.8 else hidden * 0)


class NumpysDice(Net):
    def forward(self, x):
        return super().forward(x) * (1 + 0.1 * float(np.random.rand()) * self.training)


class OwnDice(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.dice = np.random.default_rng(0)

    def forward(self, x):
        return super().forward(x) * (1 + 0.1 * float(self.dice.random()) * self.training)


class OwnGenerator(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.generator = torch.Generator().manual_seed(1)

    def forward(self, x):
        return super().forward(x + 0.1 * torch.randn(x.shape, generator=self.generator))


class CountedEpochs(Net):
    """Evaluation tells it that an epoch has ended."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.epochs = 0

    def train(self, mode=True):
        if mode and not self.training:
            self.epochs += 1
        return super().train(mode)

    def forward(self, x):
        return super().forward(x) * 0.9**self.epochs


class FallingDropout(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.rate = 0.5

    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        if self.training:
            self.rate *= 0.99
        return self.b(nn.functional.dropout(hidden, self.rate, self.training))


class Locked(Net):
    """Holds what cannot be compared."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.rows = (one for one in range(3))

    def __deepcopy__(self, memo):
        made = type(self)(self.a.in_features, self.b.out_features)
        made.load_state_dict(self.state_dict())
        return made


class Kind(enum.Enum):
    TANH = 1


@dataclass(frozen=True)
class Settings:
    scale: float = 1.5
    kinds: tuple = (Kind.TANH,)


class Harmless(Net):
    """Holds much that never changes and is the same for every seed."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.huge = 10**5000  # of more digits than Python writes
        self.settings = Settings()
        self.log = logging.getLogger(__name__)
        self.shift = torch.ones(8)
        self.names = {"a": [1, 2, 3], "b": {4, 5}}
        self.bound = self.settings.__class__
        self.function = torch.tanh
        self.scaled = lambda x: x * 1.5
        self.weights = np.ones(8, dtype=np.float32)
        self.parts = [self.a, self.b]

    def forward(self, x):
        first, last = self.parts
        hidden = self.scaled(self.function(first(x)) + self.shift * 0.1) * self.settings.scale
        return last(hidden * torch.from_numpy(self.weights))
