"""Modules that learn in ways of their own: what a stack must do the same way, or refuse."""

import torch
from support.own_parts.sharing import Net
from torch import nn
from torch.nn.utils import parametrizations, prune


class MaskedByHook(Net):
    """Half of the first layer never learns, by a hook on its gradient."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        mask = torch.zeros_like(self.a.weight)
        mask[:4] = 1
        self.a.weight.register_hook(lambda gradient: gradient * mask)


class ClippedAfterwards(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.a.weight.register_post_accumulate_grad_hook(lambda one: one.grad.clamp_(-0.01, 0.01))


class ForwardHook(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.a.register_forward_hook(lambda module, inputs, output: output * 0.5)


class BackwardHook(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.a.register_full_backward_hook(lambda module, inputs, outputs: (inputs[0],))


class LateHook(Net):
    """Puts a hook on a gradient when it is called, which does nothing for now."""

    def forward(self, x):
        if not self.a.weight._backward_hooks and self.a.weight.requires_grad:
            self.a.weight.register_hook(lambda gradient: gradient)
        return super().forward(x)


class StopsByCount(Net):
    """Its first layer learns for three steps; torch leaves it alone from then on."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.calls = 0

    def forward(self, x):
        self.calls += self.training
        hidden = self.a(x) if self.calls <= 3 else x.new_ones(len(x), 8)
        return self.b(torch.tanh(hidden))


class StopsWhenFull(Net):
    """Does not use its gate in batches of less than sixteen rows."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.gate = nn.Parameter(torch.ones(8))

    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        return self.b(hidden * self.gate if len(x) == 16 else hidden)


class Freezing(Net):
    def forward(self, x):
        if self.training:
            self.a.weight.requires_grad_(False)
        return super().forward(x)


class HeadAlone(Net):
    """Gives the optimizer its last layer only."""

    def parameters(self, recurse=True):
        return self.b.parameters(recurse)


class OneMemory(Net):
    """Two parameters that lie in one memory."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.c = nn.Linear(8, 8)
        self.d = nn.Linear(8, 8)
        self.d.weight = nn.Parameter(self.c.weight.data)

    def forward(self, x):
        return self.b(self.d(torch.tanh(self.c(torch.tanh(self.a(x))))))


class Shadow(Net):
    """A buffer in the memory of a parameter."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.register_buffer("shadow", self.a.weight.data)

    def forward(self, x):
        return super().forward(x) + self.shadow.sum()


class Clamped(Net):
    """Keeps its weights small by itself."""

    def forward(self, x):
        self.a.weight.data.clamp_(-0.3, 0.3)
        return super().forward(x)


class NewParameter(Net):
    def forward(self, x):
        if self.training:
            self.a.bias = nn.Parameter(self.a.bias.detach() * 0.99)
        return super().forward(x)


class ReadsGradient(Net):
    """Scales by the gradient of the step before."""

    def forward(self, x):
        last = self.a.weight.grad
        return super().forward(x) * (1.0 if last is None else 1.1)


class OtherSelf(Net):
    """Goes through a function that holds the object that it was made in."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.hidden = lambda x: torch.tanh(self.a(x))

    def forward(self, x):
        return self.b(self.hidden(x))


class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class Reversed(Net):
    def forward(self, x):
        return self.b(Reversal.apply(torch.tanh(self.a(x))))


class OwnParameter(nn.Parameter):
    pass


class OwnParameters(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.scale = OwnParameter(torch.ones(8))

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)) * self.scale)


class Unsaved(Net):
    """A moving buffer that no checkpoint holds."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.register_buffer("mean", torch.zeros(8), persistent=False)

    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * hidden.detach().mean(0))
        return self.b(hidden - self.mean)


class OldWeightNorm(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        nn.utils.weight_norm(self.a)


class OldSpectralNorm(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        nn.utils.spectral_norm(self.a)


class Pruned(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        prune.random_unstructured(self.a, "weight", amount=0.5)


class WeightNorm(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        parametrizations.weight_norm(self.a)


class SpectralNorm(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        parametrizations.spectral_norm(self.a)


class Scripted(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.net = torch.jit.script(nn.Sequential(nn.Linear(in_features, 8), nn.Tanh()))
        self.head = nn.Linear(8, out_features)

    def forward(self, x):
        return self.head(self.net(x))


class Lazy(nn.Module):
    """Learns its sizes at the first call."""

    def __init__(self, out_features):
        super().__init__()
        self.hidden = nn.LazyLinear(8)
        self.norm = nn.LazyBatchNorm1d()
        self.head = nn.LazyLinear(out_features)

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.hidden(x))))


class Forgotten(Net):
    """Has a lazy layer that it does not call."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.late = nn.LazyLinear(3)


class TrainingAlone(Net):
    """Does in training what it does not do in evaluation."""

    def forward(self, x):
        return super().forward(x) * (0.5 if self.training else 1.0)


class MovingBuffer(Net):
    """A running mean in place, and a count with it."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.register_buffer("mean", torch.zeros(8))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        if self.training:
            self.steps += 1
            self.mean.mul_(0.9).add_(0.1 * hidden.detach().mean(0))
        return self.b(hidden - torch.where(self.steps > 5, self.mean, 0.0))


class Averaged(Net):
    """Keeps a mean of its weights, and answers by it."""

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.register_buffer("mean", self.a.weight.detach().clone())

    def forward(self, x):
        if self.training:
            self.mean.lerp_(self.a.weight.detach(), 0.1)
            return super().forward(x)
        return self.b(torch.tanh(nn.functional.linear(x, self.mean, self.a.bias)))


class Tied(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.c = nn.Linear(8, 8)
        self.again = self.c

    def forward(self, x):
        return self.b(self.again(torch.tanh(self.c(torch.tanh(self.a(x))))))


class OwnLinear(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(x, self.weight / (1 + self.weight.norm()), self.bias)


class Derived(Net):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.a = OwnLinear(in_features, 8)
        self.more = nn.ParameterDict({"scale": nn.Parameter(torch.ones(8))})
        self.norm = nn.BatchNorm1d(8)

    def forward(self, x):
        return self.b(torch.tanh(self.norm(self.a(x))) * self.more["scale"])


class Attending(nn.Module):
    """A row's numbers as a sequence."""

    def __init__(self, out_features):
        super().__init__()
        self.up = nn.Linear(1, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.head = nn.Linear(8, out_features)

    def forward(self, x):
        x = self.up(x[..., None])
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(self.layer(x).mean(1))


class Recurrent(nn.Module):
    """A row's numbers as a sequence."""

    def __init__(self, out_features, kind="GRU", layers=1, both_ways=False):
        super().__init__()
        self.net = getattr(nn, kind)(
            1, 6, num_layers=layers, bidirectional=both_ways, batch_first=True
        )
        self.head = nn.Linear(6 * (1 + both_ways), out_features)

    def forward(self, x):
        return self.head(self.net(x[..., None])[0][:, -1])


class Cell(nn.Module):
    def __init__(self, out_features, kind="GRUCell"):
        super().__init__()
        self.net = getattr(nn, kind)(1, 6)
        self.head = nn.Linear(6, out_features)

    def forward(self, x):
        state = None
        for step in x[..., None].unbind(1):
            state = self.net(step, state)
        return self.head(state[0] if isinstance(state, tuple) else state)


class ExtraState(Net):
    """A count that its `state_dict` holds as extra state."""

    calls = 0

    def get_extra_state(self):
        return {"calls": self.calls}

    def set_extra_state(self, state):
        self.calls = state["calls"]

    def forward(self, x):
        self.calls += self.training
        return super().forward(x) * (1 + 0.01 * self.calls)


class Dropped(Net):
    """Has a layer of torch's that draws."""

    def __init__(self, in_features, out_features, kind="Dropout"):
        super().__init__(in_features, out_features)
        self.drop = getattr(nn, kind)(0.2)

    def forward(self, x):
        return self.b(self.drop(torch.tanh(self.a(x))))


class Normalised(Net):
    """The bias before the normalisation has a gradient of rounding alone, unless it is left out."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__(in_features, out_features)
        self.a = nn.Linear(in_features, 8, bias=bias)
        self.norm = nn.BatchNorm1d(8, affine=False)

    def forward(self, x):
        return self.b(torch.tanh(self.norm(self.a(x))))
