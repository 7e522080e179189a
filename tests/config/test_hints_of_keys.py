"""Hints name what the key's own group takes, and say which config was taken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.config.locations import builds_on_ours, own_conf

FOREIGN = "defaults: [db: mysql]\nport: 3306\nmodel: {depth: 3}\ntrainer: {steps: 5}\n"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "loss.weight=3",
            "loss takes no keys here; pos_weight goes with loss=bce; label_smoothing",
        ),
        ("+loss.weight=3", "loss takes no keys here; pos_weight goes with loss=bce"),
        ("loss.weight=3", "; label_smoothing goes with loss=cross_entropy"),
        ("loss.class_weight=3", "'loss.class_weights'? loss=cross_entropy and focal have it"),
        ("loss.class_weights=auto", "loss takes no keys here; loss=cross_entropy and focal have"),
        ("optimizer.betas=[0.9,0.9]", "optimizer.lr, optimizer.maximize, "),
        ("optimizer.betas=[0.9,0.9]", "; optimizer=adam, adamax, adamw, "),
        ("scheduler.patience=3", "; scheduler=plateau has it"),
        ("loader.timeout=3", "there are loader.batch_size, loader.buckets"),
        ("trainer.lr=3", "did you mean 'optimizer.lr'?"),
        ("data.epoch=3", "did you mean 'trainer.epochs'?"),
        ("optimizer.weight=3", "did you mean 'optimizer.weight_decay'?"),
    ],
)
def test_a_key_is_looked_for_in_its_own_group(seedbed: Callable, word: str, said: str) -> None:
    result = seedbed("validate", word)
    assert (result.code, len(result.errors)) == (2, 1)
    assert said in result.errors[0]


def test_a_key_cannot_be_taken_away(seedbed: Callable) -> None:
    result = seedbed("validate", "~trainer.gradient_clip")
    assert result.errors == [
        "error: ~trainer.gradient_clip: a key is not taken away but set, and this one is null; "
        "leave it out"
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [("optimizer.lr", "0.5"), ("trainer.epochs", "3"), ("loader.shuffle", "true"),
     ("model.hidden", "[4]"), ("seed", "7")],
)  # fmt: skip
@pytest.mark.parametrize("sweep", [[], ["-m"]], ids=["run", "sweep"])
def test_a_number_of_the_environment_is_a_text_unless_decoded(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch, key: str, value: str, sweep: list[str]
) -> None:
    monkeypatch.setenv("WORD", value)
    result = seedbed("validate", *sweep, f"{key}=${{oc.env:WORD}}")
    assert (result.code, len(result.errors)) == (2, 1)
    hint = f"""'{key}="${{oc.decode:${{oc.env:NAME}}}}"'"""
    assert hint in result.errors[0]
    assert seedbed("validate", *sweep, hint[1:-1].replace("NAME", "WORD")).code == 0


def test_an_environment_variable_that_is_not_there_is_reported(seedbed: Callable) -> None:
    result = seedbed("validate", "optimizer.lr=${oc.env:NO_SUCH_WORD}")
    assert result.err == (
        "error: optimizer.lr: \"Environment variable 'NO_SUCH_WORD' not found\"\n"
    )


@pytest.mark.parametrize(
    "words", [[], ["optimizer.lr=3"], ["model=custom"], ["-m", "seed=1,2"], ["model.depth=5"]]
)
def test_the_config_of_another_program_is_named(seedbed: Callable, words: list[str]) -> None:
    taken = Path("conf/config.yaml").resolve()
    Path("conf/db").mkdir(parents=True)
    Path("conf/config.yaml").write_text(FOREIGN)
    Path("conf/db/mysql.yaml").write_text("user: me\n")
    result = seedbed("validate", *words)
    assert result.err == (
        f"error: '{taken}' was taken in place of Seedbed's own config, "
        "and does not build on it; begin it with 'defaults: [seedbed, _self_]', or type "
        f"--config-dir {own_conf()}\n"
    )
    if "model.depth=5" not in words:
        assert seedbed("validate", *words, "--config-dir", own_conf()).code == 0


def test_a_config_that_builds_on_ours_by_another_is_ours(seedbed: Callable) -> None:
    Path("conf").mkdir()
    Path("conf/config.yaml").write_text("defaults: [common, _self_]\nseed: 3\n")
    Path("conf/common.yaml").write_text("defaults: [seedbed, _self_]\n")
    assert builds_on_ours(Path("conf/config.yaml"))
    assert builds_on_ours(own_conf() / "config.yaml")
    assert seedbed("validate").code == 0
    assert "did you mean 'optimizer.lr'" in seedbed("validate", "optimizer.lrr=3").errors[0]


@pytest.mark.parametrize("clip", ["null", "0.5"])
def test_what_diverged_is_not_advised_what_it_had(seedbed: Callable, clip: str) -> None:
    words = [f"trainer.gradient_clip={clip}", "optimizer.lr=1e30", "trainer.epochs=3"]
    result = seedbed("train", *words)
    assert result.code == 1
    advice = "a trainer.gradient_clip below 0.5" if clip == "0.5" else "trainer.gradient_clip=1"
    assert result.err.endswith(f"type a smaller optimizer.lr, or {advice}\n")
