"""A run of an earlier version lacks keys that came later: that is no difference of runs."""

from pathlib import Path

import yaml
from support.command_line import Command

from seedbed.catalog.differing import differing_keys
from seedbed.catalog.finding import find_runs
from seedbed.config.lacked import lacked

LATER = {
    "trainer": ["accumulate", "max_steps", "ema_decay", "swa_start", "fast_dev_run", "strategy"],
    "optimizer": ["maximize", "decoupled_weight_decay"],
    "data": ["folds", "fold"],
}


def test_keys_that_a_run_lacks_have_their_meaning(seedbed: Command, tmp_path: Path) -> None:
    words = ("data=sklearn", "data.dataset=iris", "optimizer=adam", "trainer.epochs=1")
    for name in ("old", "new"):
        assert seedbed("train", *words, f"hydra.run.dir=runs/{name}").code == 0
    file = tmp_path / "runs" / "old" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    del config["init"]
    for group, keys in LATER.items():
        for key in keys:
            del config[group][key]
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    assert differing_keys(find_runs(["runs"])) == []
    config["trainer"]["accumulate"] = 3
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    assert differing_keys(find_runs(["runs"])) == ["trainer.accumulate"]


def test_a_key_means_what_its_class_says() -> None:
    torchs = {"optimizer._target_": "torch.optim.SGD"}
    assert lacked("optimizer.maximize", torchs) is False
    assert lacked("optimizer.maximize", {"optimizer._target_": "mine.Own"}) is None
    assert lacked("trainer.accumulate", {}) == 1
    assert lacked("trainer.none_such", {}) is None
