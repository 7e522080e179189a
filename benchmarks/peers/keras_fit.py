"""Keras on torch (KERAS_BACKEND is set by `training.py`), with printing off."""

import time

import keras
from measure.tasks import LEARNING_RATE, SEED, Task


def train(task: Task, epochs: int) -> float:
    if keras.backend.backend() != "torch":
        raise RuntimeError(f"KERAS_BACKEND is {keras.backend.backend()}, not torch")
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((task.x.shape[1],)),
            keras.layers.Dense(task.hidden, activation="relu"),
            keras.layers.Dense(task.y.shape[1]),
        ]
    )
    model.compile(optimizer=keras.optimizers.SGD(learning_rate=LEARNING_RATE), loss="mse")
    x, y = task.x.numpy(), task.y.numpy()
    few = slice(2 * task.batch_size)
    # The first fit builds the train function and the optimizer's variables.
    model.fit(x[few], y[few], batch_size=task.batch_size, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(x, y, batch_size=task.batch_size, epochs=epochs, verbose=0)
    return time.perf_counter() - started
