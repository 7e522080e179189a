"""What holds of every engine. An engine's class of tests inherits this and makes its training."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from seedbed.training.training import Training

WORDS = [
    *("data=sklearn", "data.split={validation:0.2,test:0.2}", "loader.batch_size=30"),
    *("optimizer=adam", "optimizer.lr=0.02", "scheduler=step", "scheduler.step_size=1"),
    *("model.batch_norm=true", "trainer.epochs=4"),
]
METRICS = ["loss", "accuracy", "f1", "auroc"]


class EngineContract:
    """A suite for one engine."""

    def training(self) -> Training:
        """Runs that are ready to start, of WORDS; each call makes them anew."""
        raise NotImplementedError

    def stepped(self, training: Training, steps: int, start: int = 0) -> list[Tensor]:
        """Makes steps of the first epoch; the losses of each."""
        engine, losses = training.engine, []
        for x, y in list(engine.batches(0, start))[:steps]:
            losses.append(engine.step(x, y).clone())
            engine.end_batch()
        return losses

    def slots(self, training: Training) -> int:
        return len(training.progress.configs)

    def all_slots(self, training: Training) -> np.ndarray:
        return np.ones(self.slots(training), dtype=bool)

    def state(self, training: Training, slot: int = 0) -> dict[str, Tensor]:
        """The current weights of a run."""
        none = np.zeros(self.slots(training), dtype=bool)
        return training.engine.state_dict(slot, training.engine.final_weights(none))

    def test_every_slot_has_a_loss_a_rate_and_finite_weights(self) -> None:
        training = self.training()
        with training.engine.settings():
            (losses,) = self.stepped(training, 1)
        slots = self.slots(training)
        assert losses.shape == (slots,)
        assert not losses.requires_grad
        assert np.shape(training.engine.learning_rates()) == (slots,)
        assert training.engine.finite().tolist() == [True] * slots

    @pytest.mark.parametrize("split", ["validation", "test"])
    def test_evaluation_measures_every_slot_and_changes_nothing(self, split: str) -> None:
        training = self.training()
        with training.engine.settings():
            self.stepped(training, 2)
            before = copy.deepcopy(self.state(training))
            measured = training.engine.evaluate(split)
            again = training.engine.evaluate(split)
        assert list(measured) == METRICS
        for name, values in measured.items():
            assert values.shape == (self.slots(training),)
            assert values.tolist() == again[name].tolist()
        assert_equal(self.state(training), before)

    def test_remembered_weights_stay_while_training_goes_on(self) -> None:
        training = self.training()
        engine = training.engine
        with engine.settings():
            self.stepped(training, 2)
            remembered = copy.deepcopy(engine.checkpoint(0, "last")["model"])
            engine.remember_best(self.all_slots(training))
            self.stepped(training, 2, start=2)
            now = engine.checkpoint(0, "last")["model"]
            assert_equal(engine.checkpoint(0, "best")["model"], remembered)
            assert any(not torch.equal(now[name], remembered[name]) for name in now)
            final = engine.final_weights(self.all_slots(training))
        assert_equal(engine.state_dict(0, final), remembered)

    def test_only_the_slots_that_are_named_are_remembered(self) -> None:
        training = self.training()
        engine = training.engine
        with engine.settings():
            engine.remember_best(self.all_slots(training))
            start = copy.deepcopy(engine.checkpoint(0, "best")["model"])
            self.stepped(training, 2)
            engine.remember_best(~self.all_slots(training))
        assert_equal(engine.checkpoint(0, "best")["model"], start)

    def test_restored_training_makes_the_same_next_step(self) -> None:
        first, second = self.training(), self.training()
        with first.engine.settings():
            first.engine.remember_best(self.all_slots(first))
            for number, (x, y) in enumerate(list(first.engine.batches(0, 0))[:3]):
                weight, rates = first.engine.batch_weight(y), first.engine.learning_rates()
                if number < 2:
                    first.progress.add_step(first.engine.step(x, y), weight, rates)
                    first.engine.end_batch()
            runs = range(first.progress.num_active)
            taken = [
                [copy.deepcopy(first.checkpoint(run, which)) for run in runs]
                for which in ("last", "best")
            ]
            (losses,) = self.stepped(first, 1, start=2)
        second.restore(*taken)
        assert (second.progress.step, second.progress.batch) == (2, 2)
        with second.engine.settings():
            (again,) = self.stepped(second, 1, start=2)
        assert torch.equal(losses, again)
        assert_equal(self.state(first), self.state(second))

    def test_a_weight_that_is_not_finite_is_seen(self) -> None:
        training = self.training()
        with training.engine.settings():
            training.engine.remember_best(self.all_slots(training))
            (x, y), *_ = training.engine.batches(0, 0)
            training.engine.step(x * float("inf"), y)
        assert not training.engine.finite().any()

    def test_settings_of_the_process_are_put_back(self) -> None:
        before = (torch.get_rng_state(), torch.get_num_threads())
        deterministic = torch.are_deterministic_algorithms_enabled()
        training = self.training()
        with training.engine.settings():
            self.stepped(training, 1)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert torch.get_num_threads() == before[1]
        assert torch.are_deterministic_algorithms_enabled() == deterministic


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Equal names, and equal numbers to the bit."""
    assert list(one) == list(other)
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name
