"""Keys, options and values as people bring them from other programs lead to ours."""

import pytest

from seedbed.compose.compose import composed
from seedbed.config.key_paths import NOTHING, value_at
from seedbed.config.locations import own_conf
from seedbed.config.options import options_of
from seedbed.config.other_names import ADVICE, KEYS, OPTIONS
from seedbed.errors import ConfigError

CSV = ["data=csv", "data.path=x.csv", "data.target=y"]


def problem(*words: str) -> str:
    with pytest.raises(ConfigError) as caught:
        composed(words)
    (line,) = caught.value.problems
    return line


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["trainer.max_epochs=3"], "trainer.epochs"),
        (["optimizer.learning_rate=0.1"], "optimizer.lr"),
        (["learning_rate=0.1"], "optimizer.lr"),
        (["batch_size=3"], "loader.batch_size"),
        (["data.batch_size=4"], "loader.batch_size"),
        (["loader.workers=3"], "loader.num_workers"),
        (["shuffle=false"], "loader.shuffle"),
        (["trainer.gpus=1"], "trainer.device"),
        (["device=cpu"], "trainer.device"),
        (["trainer.amp=true"], "trainer.precision"),
        (["trainer.gradient_clip_val=1"], "trainer.gradient_clip"),
        (["trainer.patience=3"], "trainer.early_stopping.patience"),
        (["model.hidden_sizes=[3]"], "model.hidden"),
        (["hidden_layer_sizes=[3]"], "model.hidden"),
        (["model.dropout_rate=0.1"], "model.dropout"),
        (["model.input_dim=3"], "model.in_features"),
        (["model.num_classes=3"], "model.out_features"),
        (["random_state=3"], "seed"),
        (["trainer.seed=3"], "seed"),
        (["output_dir=x"], "hydra.run.dir"),
        (["n_jobs=2"], "sweep.workers"),
        (["optim=adam"], "optimizer"),
        (["lr_scheduler=step"], "scheduler"),
        (["trainer.validation_split=0.2"], "data.split.validation"),
        (["data.test_size=0.2"], "data.split.test"),
        (["optimizer.param_groups={}"], "optimizer.groups"),
        (["pretrained=x.pth"], "init.weights"),
        (["init.freeze_layers=[x]"], "init.freeze"),
        (["trainer.world_size=2"], "trainer.devices"),
        (["trainer.ddp=true"], "trainer.strategy"),
        (["n_splits=5"], "data.folds"),
        (["data.fold_idx=1"], "data.fold"),
        ([*CSV, "data.sample_weight=w"], "data.weight"),
        ([*CSV, "data.group_col=g"], "data.split.by"),
        ([*CSV, "data.time_col=g"], "data.split.time"),
        ([*CSV, "data.label=q"], "data.target"),
        ([*CSV, "data.sep='x'"], "data.delimiter"),
        ([*CSV, "data.na_values=[x]"], "data.missing"),
        ([*CSV, "data.filename=x"], "data.path"),
        (["data.normalize=true"], "data.standardize"),
    ],
)
def test_a_key_of_another_program_names_ours(words: list[str], key: str) -> None:
    assert f"; did you mean '{key}'?" in problem(*words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["scheduler=plateau", "scheduler.mode=max"], "follows from trainer.monitor"),
        (["trainer.early_stopping.mode=min"], "follows from trainer.monitor"),
        (["model.num_layers=3"], "type 'model.hidden=[64,64]'"),
        (["optimizer.name=adam"], "chosen by optimizer=OPTION; there are adadelta, adafactor, "),
        (
            ["optimizer.beta1=0.9"],
            "did you mean 'optimizer.betas'? optimizer=adam, adamax, adamw, ",
        ),
        (
            ["data.file=x.csv"],
            "did you mean 'data.path'? data=csv, images, npy, npz and parquet have it",
        ),
        (["dataset=iris"], "did you mean 'data.dataset'? data=sklearn has it"),
        (["scheduler.gamma=0.1"], "scheduler=exponential, multistep and step have it"),
        (["trainer.ckpt_path=x"], "type seedbed resume RUN"),
        (["trainer.epochs.x=3"], "trainer.epochs is a value, and holds no keys"),
        (["loss=ce"], "did you mean 'cross_entropy'?"),
        (["loss=bce_with_logits"], "did you mean 'bce'?"),
        (["loss=MAE"], "did you mean 'l1'?"),
        (["model=mlp"], "did you mean 'custom'?"),
        (["scheduler=null"], "did you mean 'none'?"),
        (["scheduler=ReduceLROnPlateau"], "did you mean 'plateau'?"),
    ],
)
def test_what_has_no_key_of_its_own_names_what_does_it(words: list[str], told: str) -> None:
    assert told in problem(*words)


@pytest.mark.parametrize(
    ("word", "typed"),
    [
        ("optimizer=0.1", "optimizer.lr=0.1"),
        ("loader=32", "loader.batch_size=32"),
        ("trainer=50", "trainer.epochs=50"),
        ("model=3", "'model.hidden=[3]'"),
        ("model=[64,32]", "'model.hidden=[64,32]'"),
        ("data=x.csv", "data=csv data.path=x.csv"),
        ("data=/some/x.TSV.gz", "data=csv data.path=/some/x.TSV.gz"),
        ("data=x.parquet", "data=parquet data.path=x.parquet"),
        ("data=iris", "data=sklearn data.dataset=iris"),
        ("optimizer=torch.optim.Adam", "optimizer._target_=torch.optim.Adam"),
        ("data.split=0.2", "data.split.validation=0.2"),
        ("data.split=[0.7,0.2,0.1]", "data.split.validation=0.2 data.split.test=0.1"),
        ("trainer.early_stopping=[5]", "trainer.early_stopping.patience=5"),
        ("trainer.early_stopping=off", "trainer.early_stopping.patience=null to turn it off"),
        ("trainer.early_stopping=1.5", "trainer.early_stopping.patience=N, a whole number of"),
        ("trainer.early_stopping=true", "trainer.early_stopping.patience=N, a whole number of"),
    ],
)
def test_a_value_in_the_place_of_a_group_is_reported_with_its_key(word: str, typed: str) -> None:
    line = problem(word)
    assert f"; type {typed}" in line
    assert word.partition("=")[0] in line


def test_every_name_that_is_led_to_is_ours_and_none_is_listed_twice() -> None:
    whole = composed([]).resolved
    listed = [*KEYS.values(), *ADVICE.values()]
    others = [other for names in listed for other in names.split()]
    assert len(others) == len(set(others))
    for key in KEYS:
        group, _, rest = key.partition(".")
        if group == "hydra":
            continue
        is_there = value_at(whole, tuple(key.split("."))) is not NOTHING
        first = rest.partition(".")[0]
        assert is_there or any(first in one for one in options_of(group).values()), key
    for group, options in OPTIONS.items():
        assert set(options) <= {path.stem for path in (own_conf() / group).glob("*.yaml")}
