"""The same sweeps by hand in JAX, as one `jit` of a `scan` over steps: what these cores can do.

    python benchmarks/peers/sweeps/jax_scan.py article|digits|wide [RUNS]

Each run has starting weights and an order of rows of its own; the losses are kept, no run
directories, no validation. Prints the seconds of importing, compiling and training as JSON, and the
CPU seconds of the training, which draws the orders too.

Of what was tried, the fastest: one `scan` whose step is a `vmap` over the runs, not a `vmap` of
scans; orders by NumPy, as `jax.random.permutation` sorts (0.3 of 0.6 s for digits); rows gathered
in each step; classes first where there are any, which the softmax runs over.
"""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

TASKS = json.loads(Path(__file__).with_name("limit_tasks.json").read_text(encoding="utf-8"))


def main(name: str, runs: int) -> None:
    task = TASKS[name] | {"runs": runs or TASKS[name]["runs"]}
    started = time.perf_counter()
    import jax
    import jax.numpy as jnp

    imported = time.perf_counter()
    x, y = (jnp.asarray(one) for one in rows(task["data"]))
    keys = jax.random.split(jax.random.key(0), task["runs"])
    began = time.perf_counter()
    sweep = jax.jit(lambda keys, order: trained(keys, order, x, y, task))
    compiled = sweep.lower(keys, orders(len(x), task)).compile()
    ready = time.perf_counter()
    losses = compiled(keys, orders(len(x), task)).block_until_ready()
    if not bool(jnp.isfinite(losses).all()):
        raise RuntimeError("a loss is not finite")
    again, cpu = time.perf_counter(), time.process_time()
    compiled(keys, orders(len(x), task)).block_until_ready()
    done, cpu = time.perf_counter(), time.process_time() - cpu
    figures = {"import": imported - started, "compile": ready - began, "train": done - again}
    print(json.dumps({**figures, "cpu": cpu, "loss": float(losses[-1].mean())}))


def orders(rows: int, task):
    """Row numbers of every step of every run, (epochs, batches, runs, batch)."""
    import numpy as np

    epochs, runs, batch = task["epochs"], task["runs"], task["batch"]
    numbers = np.broadcast_to(np.arange(rows, dtype=np.int32), (epochs, runs, rows))
    drawn = np.random.default_rng().permuted(numbers, axis=2)[..., : rows // batch * batch]
    steps = drawn.reshape(epochs, runs, -1, batch)
    return np.ascontiguousarray(steps.swapaxes(1, 2))


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


def trained(keys, order, x, y, task):
    """The mean loss of each epoch of each run."""
    import jax
    import jax.numpy as jnp

    classes = task["data"] != "sum"
    widths = [x.shape[1], *task["hidden"], 10 if classes else 1]

    def weights(key):
        layers = []
        for before, after in pairwise(widths):
            key, one, two = jax.random.split(key, 3)
            shape, bound = (after, before) if classes else (before, after), before**-0.5
            layers.append((
                jax.random.uniform(one, shape, minval=-bound, maxval=bound),
                jax.random.uniform(two, (after,), minval=-bound, maxval=bound),
            ))  # fmt: skip
        return layers

    def outputs(weights, x):
        """(batch, outputs)"""
        for w, b in weights[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = weights[-1]
        return x @ w + b

    def outputs_first(weights, x):
        """(outputs, batch)"""
        x = x.T
        for w, b in weights[:-1]:
            x = jax.nn.relu(w @ x + b[:, None])
        w, b = weights[-1]
        return w @ x + b[:, None]

    def loss(weights, x, y):
        if not classes:
            return jnp.square(outputs(weights, x) - y).mean()
        told = jax.nn.log_softmax(outputs_first(weights, x), axis=0)
        return -(told * jax.nn.one_hot(y, 10, axis=0)).sum(0).mean()

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
    learnt_from = jax.vmap(jax.value_and_grad(loss))

    def step(state, rows):
        values, gradient = learnt_from(state[0], x[rows], y[rows])
        return update(state, gradient), values

    def epoch(state, steps):
        state, losses = jax.lax.scan(step, state, steps)
        return state, losses.mean(0)

    started = jax.vmap(weights)(keys)
    zeros = jax.tree.map(jnp.zeros_like, started)
    state = [started] if task["optimizer"] == "sgd" else [started, zeros, zeros, 0.0]
    return jax.lax.scan(epoch, state, order)[1]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
