"""What a run changes in its process, it puts back; and mixed precision."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support.single_runs import prepared, train
from torch.utils import deterministic

from seedbed.errors import DeviceError
from seedbed.recording.run import run
from seedbed.runs.directory import claim
from seedbed.training.run_components import RunComponents


def settings() -> dict[str, object]:
    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "fill": deterministic.fill_uninitialized_memory,
        "benchmark": torch.backends.cudnn.benchmark,
        "threads": torch.get_num_threads(),
        "random": torch.get_rng_state().tolist(),
        "sigint": signal.getsignal(signal.SIGINT),
        "sigterm": signal.getsignal(signal.SIGTERM),
        "gradients": torch.is_grad_enabled(),
    }


class Curious:
    """A reporter that looks at the settings within the run, and may fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.seen: dict[str, object] = {}
        self.has_ended = False

    def started(self, plan: RunComponents) -> None:
        self.seen = settings()

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        pass

    def epoch_done(self, row: dict[str, float]) -> None:
        if self.failure:
            raise self.failure

    def ended(self) -> None:
        self.has_ended = True


@pytest.fixture
def other_settings() -> Iterator[dict[str, object]]:
    """Not torch's own, so that "put back" differs from "reset"."""
    fill = deterministic.fill_uninitialized_memory
    torch.manual_seed(4)
    deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = True
    yield settings()
    deterministic.fill_uninitialized_memory = fill
    torch.backends.cudnn.benchmark = False


@pytest.mark.parametrize("deterministic_run", ["true", "false"])
def test_settings_are_put_back_after_a_run(
    tmp_path: Path, other_settings: dict[str, object], deterministic_run: str
) -> None:
    words = ["trainer.epochs=1", "trainer.threads=2", "model.dropout=0.5"]
    _, plan = prepared(*words, f"trainer.deterministic={deterministic_run}")
    curious = Curious()
    run(plan, claim(tmp_path / "run"), curious, draw=False)
    assert settings() == other_settings
    assert curious.seen["deterministic"] == (deterministic_run == "true")
    assert curious.seen["threads"] == 2


def test_settings_are_put_back_after_a_run_that_failed(
    tmp_path: Path, other_settings: dict[str, object]
) -> None:
    _, plan = prepared("trainer.threads=2")
    curious = Curious(ValueError("enough"))
    with pytest.raises(ValueError, match="enough"):
        run(plan, claim(tmp_path / "run"), curious, draw=False)
    assert settings() == other_settings
    assert curious.has_ended
    assert '"failed"' in (tmp_path / "run" / "status.json").read_text()


def test_a_second_interrupt_ends_at_once_and_is_told_as_interrupted(tmp_path: Path) -> None:
    _, plan = prepared()
    with pytest.raises(KeyboardInterrupt):
        run(
            plan,
            claim(tmp_path / "run"),
            Curious(KeyboardInterrupt()),
            draw=False,
        )  # type: ignore[arg-type]
    assert '"interrupted"' in (tmp_path / "run" / "status.json").read_text()


def test_preparing_leaves_torch_s_generator_alone() -> None:
    before = torch.get_rng_state()
    prepared("model.dropout=0.5", "data=sklearn", "loss=cross_entropy")
    assert torch.equal(torch.get_rng_state(), before)


class TestMixedPrecision:
    words = ("data=sklearn", "data.dataset=iris", "trainer.epochs=5", "optimizer=adam",
             "optimizer.lr=0.01", "loader.batch_size=16")  # fmt: skip

    def test_bfloat16_trains_on_the_cpu_with_weights_in_float32(self, tmp_path: Path) -> None:
        mixed = train(tmp_path / "mixed", *self.words, "trainer.precision=bfloat16")
        plain = train(tmp_path / "plain", *self.words)
        assert mixed.result["status"] == "completed"
        assert all(tensor.dtype == torch.float32 for tensor in mixed.weights.values())
        assert mixed.history["train/loss"] != plain.history["train/loss"]
        assert mixed.history["train/loss"] == pytest.approx(plain.history["train/loss"], rel=0.05)
        assert mixed.result["metrics"]["test/loss"] == pytest.approx(
            plain.result["metrics"]["test/loss"], rel=0.1
        )

    def test_float16_on_the_cpu_is_refused(self) -> None:
        with pytest.raises(DeviceError, match=r"float16 needs a cuda or mps device.*bfloat16"):
            prepared("trainer.precision=float16", "trainer.device=cpu")

    @pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has cuda")
    def test_a_device_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(DeviceError, match=r"trainer\.device=cuda:1 is not on this machine"):
            prepared("trainer.device=cuda:1")
