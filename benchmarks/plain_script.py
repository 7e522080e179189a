"""The article's task as a plain script: what `seedbed train` is timed against."""

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class Sums(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, x: list[list[int]], y: list[list[int]]) -> None:
        self.x = torch.tensor(x).float()
        self.y = torch.tensor(y).float()

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index], self.y[index]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.input_to_hidden_layer = nn.Linear(2, 8)
        self.hidden_layer_activation = nn.ReLU()
        self.hidden_to_output_layer = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.input_to_hidden_layer(x)
        x = self.hidden_layer_activation(x)
        return self.hidden_to_output_layer(x)


torch.manual_seed(0)
dataset = Sums([[1, 2], [3, 4], [5, 6], [7, 8]], [[3], [7], [11], [15]])
batches = DataLoader(dataset, batch_size=2, shuffle=True)
model = Network()
loss_function = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
losses = []
for _ in range(50):
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
torch.save(model.state_dict(), "model.pth")
print(f"loss {losses[-1]:.5g}")
