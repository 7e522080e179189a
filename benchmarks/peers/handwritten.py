"""What a person writes for one of the tasks: the measure of all others."""

import time

import torch
from measure.tasks import LEARNING_RATE, SEED, Task
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class Rows(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x = x
        self.y = y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index], self.y[index]


class Network(nn.Module):
    def __init__(self, features: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.input_to_hidden_layer = nn.Linear(features, hidden)
        self.hidden_layer_activation = nn.ReLU()
        self.hidden_to_output_layer = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.input_to_hidden_layer(x)
        x = self.hidden_layer_activation(x)
        return self.hidden_to_output_layer(x)


def network(task: Task) -> Network:
    torch.manual_seed(SEED)
    return Network(task.x.shape[1], task.hidden, task.y.shape[1])


def loader(task: Task) -> DataLoader[tuple[Tensor, Tensor]]:
    return DataLoader(Rows(task.x, task.y), batch_size=task.batch_size, shuffle=True)


def train(task: Task, epochs: int) -> float:
    model = network(task)
    batches = loader(task)
    loss_function = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    losses = []
    started = time.perf_counter()
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return time.perf_counter() - started
