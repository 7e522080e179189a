"""What metrics take for each run of a stack: Seedbed's at once, torchmetrics's one by one.

python benchmarks/metrics_by_name.py
"""

import time

import torch

from seedbed.components import AllowList
from seedbed.compose.compose import composed
from seedbed.training.build_run import build_run

RUNS, ROWS, TIMES = 64, 360, 10
NAMES = ["accuracy", "f1", "auroc", "Recall", "MatthewsCorrCoef", "AUROC"]


def main() -> None:
    torch.set_num_threads(1)
    words = ["data=sklearn", "data.dataset=digits", f"metrics=[{','.join(NAMES)}]"]
    head = build_run(composed(words).config, AllowList()).head
    predictions = torch.rand(RUNS, ROWS, 10).softmax(2).double()
    targets = torch.randint(0, 10, (RUNS, ROWS))
    for name in NAMES:
        head.metric(name, predictions, targets)
        start = time.process_time()
        for _ in range(TIMES):
            head.metric(name, predictions, targets)
        took = (time.process_time() - start) / TIMES / RUNS
        print(f"{name:>16} {took * 1e6:6.0f} µs a run")


if __name__ == "__main__":
    main()
