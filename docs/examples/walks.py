"""Walks of 1 to 12 steps, up or down, and a network that reads a walk step by step."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import Dataset


class Walks(Dataset):
    """Where each goes is to be told; the start is a number beside the steps."""

    def __init__(self, rows=300):
        drawn = torch.Generator().manual_seed(0)
        self.lengths = torch.randint(1, 13, (rows,), generator=drawn).tolist()
        self.steps = [torch.randn(length, 2, generator=drawn) for length in self.lengths]

    def __len__(self):
        return len(self.steps)

    def __getitem__(self, index):
        steps = self.steps[index]
        goes = "up" if steps[:, 1].sum() > 0 else "down"
        return {"steps": steps, "start": {"x": 0.0, "y": index % 3}, "goes": goes}


class Reader(nn.Module):
    """A recurrent layer that stops where a walk ends, as `lengths` says."""

    def __init__(self, out_features, width=16):
        super().__init__()
        self.gru = nn.GRU(4, width, batch_first=True)
        self.head = nn.Linear(width, out_features)

    def forward(self, steps, start, lengths):
        """The logit of each walk."""
        place = torch.stack([start["x"], start["y"].float()], dim=1)
        steps = torch.cat([steps, place[:, None].expand(-1, steps.shape[1], -1)], dim=2)
        packed = pack_padded_sequence(steps, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, last = self.gru(packed)
        return self.head(last[0])


class Summed(nn.Module):
    """Adds what it makes of each step that there is, as `mask` says; trains in stacks."""

    def __init__(self, out_features, width=16):
        super().__init__()
        self.step = nn.Linear(2, width)
        self.head = nn.Linear(width, out_features)

    def forward(self, steps, start, mask):
        """The logit of each walk."""
        return self.head((torch.tanh(self.step(steps)) * mask[:, :, None]).sum(dim=1))
