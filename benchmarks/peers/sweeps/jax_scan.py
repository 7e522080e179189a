"""The same sweeps by hand in JAX, as one `jit(vmap(scan))`: what these cores can do.

    python benchmarks/peers/sweeps/jax_scan.py article|digits|wide

Each run has starting weights and an order of rows of its own; the losses are kept, no run
directories, no validation. Prints the seconds of importing, compiling and training as JSON, and the
CPU seconds of the training.
"""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

TASKS = json.loads(Path(__file__).with_name("limit_tasks.json").read_text(encoding="utf-8"))


def main(name: str) -> None:
    task = TASKS[name]
    started = time.perf_counter()
    import jax
    import jax.numpy as jnp

    imported = time.perf_counter()
    x, y = rows(task["data"])
    x, y = jnp.asarray(x), jnp.asarray(y)
    keys = jax.random.split(jax.random.key(0), task["runs"])
    sweep = jax.jit(jax.vmap(lambda key: trained(key, x, y, task)))
    began = time.perf_counter()
    compiled = sweep.lower(keys).compile()
    ready = time.perf_counter()
    losses = compiled(keys).block_until_ready()
    if not bool(jnp.isfinite(losses).all()):
        raise RuntimeError("a loss is not finite")
    again, cpu = time.perf_counter(), time.process_time()
    compiled(keys).block_until_ready()
    done, cpu = time.perf_counter(), time.process_time() - cpu
    figures = {"import": imported - started, "compile": ready - began, "train": done - again}
    print(json.dumps({**figures, "cpu": cpu}))


def rows(data: str):
    """Features and targets, as NumPy arrays."""
    import numpy as np

    if data == "sum":
        x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], np.float32)
        return x, x.sum(axis=1, keepdims=True)
    from sklearn.datasets import load_digits

    found = load_digits()
    x = found.data.astype(np.float32)
    deviation = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1), found.target


def trained(key, x, y, task):
    """The mean loss of each epoch of one run."""
    import jax
    import jax.numpy as jnp

    batch, classes = task["batch"], task["data"] != "sum"
    widths = [x.shape[1], *task["hidden"], 10 if classes else 1]
    weights = []
    for before, after in pairwise(widths):
        key, one, two = jax.random.split(key, 3)
        bound = before**-0.5
        weights.append((
            jax.random.uniform(one, (before, after), minval=-bound, maxval=bound),
            jax.random.uniform(two, (after,), minval=-bound, maxval=bound),
        ))  # fmt: skip

    def loss(weights, x, y):
        for w, b in weights[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = weights[-1]
        output = x @ w + b
        if not classes:
            return jnp.square(output - y).mean()
        told = jax.nn.log_softmax(output)
        return -jnp.take_along_axis(told, y[:, None], axis=1).mean()

    def sgd(state, gradient):
        return [jax.tree.map(lambda w, g: w - task["lr"] * g, state[0], gradient)]

    def adam(state, gradient):
        weights, first, second, step = state
        step = step + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        scale, size = 1 - 0.999**step, task["lr"] / (1 - 0.9**step)
        new = jax.tree.map(
            lambda w, m, v: w - size * m / (jnp.sqrt(v / scale) + 1e-8), weights, first, second
        )
        return [new, first, second, step]

    update = adam if task["optimizer"] == "adam" else sgd

    def step(state, index):
        value, gradient = jax.value_and_grad(loss)(state[0], x[index], y[index])
        return update(state, gradient), value

    def epoch(state, key):
        order = jax.random.permutation(key, len(x))[: len(x) // batch * batch]
        state, losses = jax.lax.scan(step, state, order.reshape(-1, batch))
        return state, losses.mean()

    zeros = jax.tree.map(jnp.zeros_like, weights)
    start = [weights] if task["optimizer"] == "sgd" else [weights, zeros, zeros, 0.0]
    return jax.lax.scan(epoch, start, jax.random.split(key, task["epochs"]))[1]


if __name__ == "__main__":
    main(sys.argv[1])
