"""Every wrong input is answered by one line that says what to type, and leaves nothing behind.

The tables below hold commands, and under each what its only `error:` line has to say. The files
are there for all of them; the run directories that a command names are copies of a finished run,
each damaged in its own way.
"""

import io
import json
import pickle
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from support import processes

ROWS = "".join(f"{n},{n % 3},{2 * n + 1}\n" for n in range(1, 21))
HOUSES = f"area,rooms,price\n{ROWS}"
KINDS = "w,h,kind\n" + "".join(f"{n},{n % 5},{'ab'[n % 2]}\n" for n in range(20))


def npz(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def parquet(**columns: object) -> bytes:
    file = io.BytesIO()
    pa.parquet.write_table(pa.table(columns), file)
    return file.getvalue()


class Dangerous:
    """Would run a command when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return subprocess.getoutput, ("touch it_ran",)


FILES: dict[str, str | bytes] = {
    "houses.csv": HOUSES,
    "kinds.csv": KINDS,
    "empty.csv": "",
    "header.csv": "area,rooms,price\n",
    "long_line.csv": HOUSES + "1,2,3,4\n",
    "short_line.csv": HOUSES + "1,2\n",
    "umlaut.csv": ("area,größe,price\n" + ROWS).encode("latin-1"),
    "umlaut_below.csv": ("area,rooms,price\nköln,2,3\n" + ROWS).encode("latin-1"),
    "semicolons.csv": HOUSES.replace(",", ";"),
    "slip.csv": HOUSES + "ten,2,3\n",
    "gap.csv": "area,gap,price\n" + "".join(f"{n},,{n}\n" for n in range(20)),
    "twice.csv": "area,area,price\n" + ROWS,
    "one_row.csv": "area,rooms,price\n1,2,3\n",
    "no_target.csv": HOUSES + "21,0,\n",
    "infinite.csv": HOUSES + "inf,0,3\n",
    "infinite_target.csv": HOUSES + "21,0,inf\n",
    "rare.csv": KINDS + "20,0,c\n",
    "one_kind.csv": KINDS.replace("b\n", "a\n"),
    "names.csv": "who,kind\n" + "".join(f"n{n % 140},{'ab'[n % 2]}\n" for n in range(700)),
    "cut.parquet": parquet(area=[1.0, 2.0], price=[1.0, 2.0])[:-40],
    "lists.parquet": parquet(area=[[1.0], [2.0]], price=[1.0, 2.0]),
    "cut.npz": npz(x=np.zeros((20, 2)), y=np.zeros(20))[:200],
    "pickled.npz": npz(x=np.array([Dangerous(), []], dtype=object), y=np.zeros(2)),
    "uneven.npz": npz(x=np.zeros((20, 2)), y=np.zeros(19)),
    "rows.json": "[]",
    "no_color.csv": "w,h\n1,2\n",
    "green.csv": "w,h,color\n1,2,green\n",
    "word.csv": "w,h,color\n1,two,red\n",
    "no_rows.csv": "w,h,color\n",
    "conf/experiment/broken.yaml": "# @package _global_\nname: [a\nseed: 1\n",
    "conf/experiment/twice.yaml": "# @package _global_\nseed: 1\nseed: 2\n",
    "conf/experiment/latin.yaml": "# @package _global_\nname: größe\n".encode("latin-1"),
    "conf/experiment/unpackaged.yaml": "trainer: {epochs: 2}\n",
    "conf/experiment/late.yaml": (
        "# mine\n# @package _global_\ndefaults: [{override /optimizer: adam}]\n"
    ),
    "conf/experiment/misspelt.yaml": "# @package _global_\ntrainer: {epoch: 2}\n",
    "conf/experiment/no_such_model.yaml": (
        "# @package _global_\ndefaults: [{override /model: manuel}]\n"
    ),
    "bare/config.yaml": "name: mine\n",
    "based/config.yaml": "defaults: [sedbed, _self_]\n",
}

KEYS = """
unknown key: train lrr=0.1
    no key 'lrr'; did you mean 'optimizer.lr'?
unknown key of a group: train optimizer.lrr=0.1
    no key 'optimizer.lrr'; did you mean 'optimizer.lr'?
unknown group: train modle=custom
    no key 'modle'; did you mean 'model'?
unknown option: train model=manuel
    model: no option 'manuel'; there are cnn, custom, manual, sequential; did you mean 'manual'?
unknown key behind +: train +lrr=0.1
    no key 'lrr'; did you mean 'optimizer.lr'?
unknown key behind ++: train ++optimizer.lrr=0.1
    no key 'optimizer.lrr'; did you mean 'optimizer.lr'?
unknown group behind +: train +modle=custom
    no key 'modle'; did you mean 'model'?
unknown group behind ++: train ++modle=custom
    no key 'modle'; did you mean 'model'?
number for an option: train model=3
    model: no option '3'; there are cnn, custom, manual, sequential
null for an option: train scheduler=null
    scheduler: no option 'null'; there are chain, cosine, cosine_restarts, exponential, linear,
    multistep, none, onecycle, plateau, polynomial, sequence, step
number for a group of Hydra: train hydra=3
    hydra: no option '3'
unknown option behind +: train +model=custm
    no option 'custm'; there are cnn, custom
unknown option behind ++: train ++model=custm
    did you mean 'custom'?
second option: train +model=manual
    model has an option already; type model=OPTION without '+'
deleted key: train ~optimizer.lr
    optimizer.lr is missing; type optimizer.lr=VALUE
deleted unknown key: train ~nope
    no key 'nope'; there are allow, callbacks,
unknown key of Hydra: train hydra.run.dri=x
    no key 'hydra.run.dri'; did you mean 'hydra.run.dir'?
missing value: train data=csv data.path=a.csv
    data.target is missing; type data.target
"""

VALUES = """
word for a number: train optimizer.lr=abc
    must be a number > 0, got 'abc'
number for a truth value: train loader.shuffle=3
    must be true or false, got 3
fraction for a whole number: train trainer.epochs=1.5
    trainer.epochs must be a whole number >= 1, got 1.5
batch size 0: train loader.batch_size=0
    loader.batch_size must be a whole number >= 1 or one of auto, largest or null, got 0
lr -1: train optimizer.lr=-1
    optimizer.lr must be a number > 0, got -1
lr nan: train optimizer.lr=nan
    optimizer.lr must be a number > 0, got nan
lr inf: train optimizer.lr=inf
    optimizer.lr must be a number > 0, got inf
epochs 0: train trainer.epochs=0
    trainer.epochs must be a whole number >= 1, got 0
no hidden width: train model.hidden=[]
    model.hidden must be a list of whole numbers >= 1 (one width for each hidden layer)
hidden without brackets: train model.hidden=8
    got 8; type 'model.hidden=[8]'
words for widths: train model.hidden=[a]
    a list of whole numbers >= 1
negative seed: train seed=-1
    seed must be a whole number >= 0
name with ../: train name=../x
    name must be a text (letters, digits, '.', '_', '-')
unknown activation: train model.activation=rellu
    'rellu'; did you mean 'relu'?
one beta: train optimizer=adam optimizer.betas=[0.9]
    (2 of them), got [0.9]
broken interval: train 'trainer.log_every=3 weeks'
    'N steps' or 'N s'
unknown interpolation: train 'optimizer.lr=${oops}'
    optimizer.lr: Interpolation key 'oops' not found
misspelt interpolation: train 'optimizer.lr=${optimizer.momentun}'
    not found; did you mean 'optimizer.momentum'?
several values: train seed=1,2
    'seed=1,2' has several values; for a sweep type seedbed train -m …
"""

WORDS = """
no value: train foo
    cannot read the override 'foo'; an override is KEY=VALUE
no key: train =3
    cannot read the override '=3'; an override is KEY=VALUE
open bracket: train 'model.hidden=[1'
    'model.hidden=[1'; a bracket stays open: close it, and quote the whole
open interpolation: train 'seed=${a'
    cannot read the override 'seed=${a'
unknown flag: train --nopeeee
    unrecognized arguments: --nopeeee; type seedbed train --help
misspelt flag: train --cgf job
    unrecognized arguments: --cgf; did you mean '--cfg'?
wrong kind of --cfg: train --cfg all_of_it
    invalid choice: 'all_of_it'
--resolve alone: train --resolve
    --resolve and --package go with --cfg job
misspelt flag of validate: validate --jsn
    did you mean '--json'?
unknown command: frobnicate
    no command 'frobnicate'; there are train, validate, summary, predict
misspelt command: trian
    no command 'trian'; did you mean 'train'?
no such --config-dir: train --config-dir nope
    --config-dir: no folder 'nope'
file as --config-dir: train --config-dir houses.csv
    no folder 'houses.csv'
no such --config-name: train --config-name confg
    --config-name: no 'confg' in any config folder; there are config
"""

YAML = """
broken YAML: train experiment=broken
    broken.yaml
key twice in YAML: train experiment=twice
    found duplicate key seed
YAML in latin-1: train experiment=latin
    latin.yaml' is not UTF-8 text; save it as UTF-8
experiment without its header: train experiment=unpackaged
    begin the experiment's YAML with the line '# @package _global_'
header behind another line: train experiment=late
    'experiment/late': begin the experiment's YAML with the line '# @package _global_'
unknown key in YAML: train experiment=misspelt
    no key 'trainer.epoch'; did you mean 'trainer.epochs'?
unknown option in YAML: train experiment=no_such_model
    defaults: no 'model/manuel' in any config folder; there are cnn, custom, manual, sequential;
    did you mean 'manual'?
misspelt experiment: train experiment=brokn
    did you mean 'broken'?
config on nothing: train --config-dir bare
    begin it with 'defaults: [seedbed, _self_]'
config on nothing, with a key: train --config-dir bare trainer.epochs=1
    was taken in place of Seedbed's own config, and does not build on it; begin it with
config on an unknown one: train --config-dir based
    defaults: no 'sedbed' in any config folder; there are config, seedbed; did you mean
"""

DATA = """
missing file: train data=csv data.target=price data.path=housse.csv
    no file 'housse.csv'; did you mean 'houses.csv'?
folder for a file: train data=csv data.target=price data.path=conf
    data.path: 'conf' is a folder, not a file
empty file: train data=csv data.target=price data.path=empty.csv
    data.path: 'empty.csv' is empty
header only: train data=csv data.target=price data.path=header.csv
    data: header.csv has no rows
too many cells: train data=csv data.target=price data.path=long_line.csv
    line 22 of 'long_line.csv' has 4 cells, the header 3: 1,2,3,4
too few cells: train data=csv data.target=price data.path=short_line.csv
    line 22 of 'short_line.csv' has 2 cells
other delimiter: train data=csv data.target=price data.path=semicolons.csv
    has one column, 'area;rooms;price'; if ';' separates its cells, type
latin-1 header: train data=csv data.target=price data.path=umlaut.csv
    'umlaut.csv' is not utf-8 text; type data.encoding=latin-1
latin-1 cell: train data=csv data.target=price data.path=umlaut_below.csv
    'umlaut_below.csv' is not utf-8 text
unknown encoding: train data=csv data.target=price data.path=houses.csv data.encoding=utf-9
    data.encoding must be a text that names a text encoding, such as utf-8, utf-16 or latin-1
absent target: train data=csv data.target=price data.path=houses.csv data.target=prise
    data.target: no column 'prise' in houses.csv; columns are area, rooms, price; did you mean
    'price'?
absent feature: train data=csv data.target=price data.path=houses.csv data.features=[area,room]
    data.features: no column 'room' in houses.csv; columns are area, rooms, price; did you mean
    'rooms'?
absent category: train data=csv data.target=price data.path=houses.csv data.categories=[room]
    data.categories: no column 'room' in houses.csv
target as feature: train data=csv data.target=price data.path=houses.csv data.features=[price]
    'price' is the target; it cannot be a feature too
text among numbers: train data=csv data.target=price data.path=slip.csv
    column 'area' holds numbers, but row 21 (line 22) holds 'ten'; mend it, or type
    'data.categories=[area]'
column without values: train data=csv data.target=price data.path=gap.csv
    column 'gap' of gap.csv has no value in any training row; leave it out with
column name twice: train data=csv data.target=price data.path=twice.csv
    'twice.csv' has the column 'area' more than once
one row: train data=csv data.target=price data.path=one_row.csv
    data: one_row.csv has one row only; 2 to train on are the least
rare class: train data=csv data.target=kind data.path=rare.csv data.split.stratify=false seed=2
    class 'c' of 'kind' is in no training row; type data.split.stratify=true
one class: train data=csv data.target=kind data.path=one_kind.csv
    data.target: 'kind' has one class only, 'a'
too many names: train data=csv data.target=kind data.path=names.csv
    column 'who' of names.csv has 140 different names
missing target: train data=csv data.target=price data.path=no_target.csv
    no usable value in 1 of 21 rows, the first is row 21
infinite value: train data=csv data.target=price data.path=infinite.csv
    'area' of infinite.csv holds an infinite number (row 21)
infinite target: train data=csv data.target=price data.path=infinite_target.csv
    'price' of infinite_target.csv has no usable value in 1 of 21
other test file: train data=csv data.target=price data.path=houses.csv data.test_path=kinds.csv
    no column 'area' in kinds.csv; columns are w, h, kind
damaged parquet: train data=parquet data.path=cut.parquet data.target=price
    'cut.parquet' is not a Parquet file
parquet of lists: train data=parquet data.path=lists.parquet data.target=price
    column 'area' holds list<element: double>, which no feature can be made of
damaged npz: train data=npz data.path=cut.npz
    'cut.npz' is not a .npz file, or is cut short
text for npz: train data=npz data.path=houses.csv
    'houses.csv' is not a .npz file
pickled npz: train data=npz data.path=pickled.npz
    pickled, could run code and is not opened
uneven npz: train data=npz data.path=uneven.npz
    'uneven.npz' differ in their number of rows: x 20, y 19
split of 1: train data.split.validation=0.6 data.split.test=0.4
    data.split leaves nothing to train on: validation 0.6 + test 0.4 must be < 1
split above 1: train data.split.test=1.5
    must be a number >= 0 and < 1, got 1.5
split without rows: train data.split.validation=0.01
    data.split leaves no validation rows of 4
number beyond float32: train 'data.x=[[1e39, 2], [3, 4], [5, 6], [7, 8]]'
    column 'x1' of the rows of the YAML holds a number beyond float32, 3.4e38 (row 1)
no number: train 'data.x=[[nan, 2], [3, 4]]'
    data.x: row 1 holds nan, which is not a finite number
ragged rows: train 'data.x=[[1, 2], [3]]'
    data.x: row 2 has 1 value, the first has 2
unknown set: train data=sklearn data.dataset=irsi
    'irsi'; did you mean 'iris'?
"""

FITS = """
batch larger than the data: train loader.drop_last=true loader.batch_size=8
    loader.drop_last=true leaves no batch: 4 rows, loader.batch_size=8; type
cross_entropy on numbers: train loss=cross_entropy
    loss=cross_entropy does not fit the target 'y', which is real-valued (task regression); type
    loss=mse
bce on numbers: train loss=bce
    loss=bce does not fit the target 'y', which is real-valued
mse on classes: train data=sklearn loss=mse
    loss=mse does not fit the target 'target', which is one of 3 classes; type loss=cross_entropy
bce on three classes: train data=sklearn loss=bce
    type loss=cross_entropy
no cuda: train trainer.device=cuda
    trainer.device=cuda is not on this machine, which has cpu
no fourth cuda: train trainer.device=cuda:3
    type trainer.device=auto
no such device: train trainer.device=nonsense
    (auto, cpu, cuda, cuda:N or mps), got
float16 on cpu: train trainer.precision=float16 trainer.device=cpu
    float16 needs a cuda or mps device, this run has cpu; type trainer.precision=bfloat16
wrong in_features: train model.in_features=3
    model.in_features is 3, the data has 2; type model.in_features=null
wrong out_features: train model.out_features=5
    model.out_features is 5, the data and the loss ask for 1; type model.out_features=null
misfit layers: train model=sequential 'model.layers=[{Linear: 4}, {Linear: [7, 1]}]'
    model.layers[1]: Linear does not take rows of (4,)
misfit first layer: train model=sequential 'model.layers=[{Linear: [3, 1]}]'
    model.layers[0]: Linear does not take rows of (2,)
misfit last layer: train model=sequential 'model.layers=[{Linear: 5}]'
    forward gives (2, 5) for 2 rows, the loss asks for (2, 1); leave the last layer's size
unknown layer: train model=sequential 'model.layers=[{Liner: 5}]'
    model.layers[0]: no class 'Liner' in torch.nn; did you mean 'Linear'?
batch_norm on one row: train model.batch_norm=true loader.batch_size=3
    cannot train on a batch of one row, and the last one would be; type loader.drop_last=true
unknown monitor: train trainer.monitor=trian/loss
    no column 'trian/loss'; there are no validation rows; there are train/loss; did you mean
function for a class: train model._target_=os.system
    'os.system' is not allowed
class of a stranger: train model._target_=my.Net
    'my.Net' is not allowed; classes of torch.nn, torch.optim, torch.optim.lr_scheduler,
    seedbed.models, seedbed.losses, seedbed.optimizers are; if 'my' is your own code, type
    'allow=[my]'
misspelt class: train model._target_=seedbed.models.CustomMPL
    no class 'CustomMPL' in seedbed.models; did you mean 'CustomMLP'?
optimizer for a model: train model._target_=torch.optim.SGD
    model._target_: SGD is no torch.nn.Module
allowed, but not there: train model._target_=my.Net 'allow=[my]'
    model._target_: cannot import 'my'
scheduler without its argument: train scheduler._target_=torch.optim.lr_scheduler.CyclicLR
    missing a required argument: 'base_lr'; type +scheduler.base_lr=VALUE
optimizer that needs the loss again: train optimizer._target_=torch.optim.LBFGS
    LBFGS asks for the loss more than once a step, which a run does not do
nesterov without momentum: train optimizer.nesterov=true
    optimizer: SGD cannot be built: ValueError: Nesterov momentum requires a momentum
folder below a file: train hydra.run.dir=houses.csv/x
    cannot write 'houses.csv/x': Not a directory
sweep below a file: train -m seed=1,2 hydra.sweep.dir=houses.csv/x
    cannot write 'houses.csv/x': Not a directory
directory of another run: train hydra.run.dir=good
    'good' holds a run already; type
"""

RUNS = """
no such run: predict nope --input '[[1, 2]]'
    run directory 'nope' does not exist
misspelt run: predict confi --input '[[1, 2]]'
    'confi' does not exist; did you mean 'conf'?
file for a run: predict houses.csv --input '[[1, 2]]'
    'houses.csv' is a file, not a run directory
folder that is no run: predict conf --input '[[1, 2]]'
    'conf' is no run directory: it has no config.yaml
run without a model: predict no_model --input '[[1, 2]]'
    'no_model' has no model.pth, as it did not end; predict, evaluate, inspect and plot take its
truncated model: predict cut_model --input '[[1, 2]]'
    'cut_model/model.pth' is damaged or cut short
empty model: predict empty_model --input '[[1, 2]]'
    is damaged or cut short, or no file of torch.save
model of objects: predict dangerous_model --input '[[1, 2]]'
    is damaged or cut short, or no file of torch.save
model that is a list: predict list_model --input '[[1, 2]]'
    'list_model/model.pth' holds no state_dict
another model: predict other_model --input '[[1, 2]]'
    is of another model: input_to_hidden_layer.weight is (8, 2), the config builds (4, 2)
deeper model: predict deeper_model --input '[[1, 2]]'
    is of another model: it holds input_to_hidden_layer.weight
damaged config: predict cut_config --input '[[1, 2]]'
    'cut_config/config.yaml' is not plain YAML
config with a tag: predict tagged_config --input '[[1, 2]]'
    'tagged_config/config.yaml' is not plain YAML
config that is a list: predict list_config --input '[[1, 2]]'
    is not the config of a run
config without a group: predict no_data_config --input '[[1, 2]]'
    'no_data_config/config.yaml' has no keys of 'data'
config with a function: predict os_config --input '[[1, 2]]'
    'os.system' is not allowed
damaged preprocessing: predict cut_prep --input '[[1, 2]]'
    'cut_prep/preprocessing.json' is damaged
preprocessing without a key: predict short_prep --input '[[1, 2]]'
    damaged: it has no 'features'
preprocessing with a wrong size: predict wide_prep --input '[[1, 2]]'
    damaged: 2 inputs, but input_shape is [3]
preprocessing with a wrong task: predict task_prep --input '[[1, 2]]'
    there is no task 'guessing'
no best checkpoint: predict no_best --input '[[1, 2]]' --checkpoint best
    no checkpoint 'no_best/checkpoints/best.pt'; the run did not get that far
killed, by evaluate: evaluate no_model --file x.csv
    last checkpoint with --checkpoint last; to go on with it, type seedbed resume no_model
killed before it had a checkpoint: predict no_weights --input '[[1, 2]]'
    no checkpoint 'no_weights/model.pth'; the run did not get that far
unknown checkpoint: predict good --input '[[1, 2]]' --checkpoint bst
    (choose from 'last', 'best')
damaged history: plot cut_history
    'cut_history/history.csv' is damaged: could not convert string to float
history without its header: plot bare_history
    damaged: it has no column 'epoch'
history in latin-1: plot latin_history
    error: cannot read 'latin_history/history.csv'
run without a history: plot no_history
    error: 'no_history' has no history.csv; the run did not get that far
"""

READING = """
row too wide: predict good --input '[[1, 2, 3]]'
    --input: row 1 has 3 values, the run takes 2: x1, x2
row too narrow: predict good --input '[[1, 2], [1]]'
    --input: row 2 has 1 value, the run takes 2
bare row: predict good --input '[1, 2]'
    row 1 must be a list of 2 values, got 1; one row is written [[x1, x2]]
unknown column: predict table --input '[{"w": 1, "h": 2, "colour": "red"}]'
    row 1 has the unknown column 'colour'; the run takes w, h, color; did you mean 'color'?
column left out: predict table --input '[{"w": 1, "h": 2}]'
    row 1 has no 'color'; write null if its value is missing
unknown category: predict strict --input '[[1, 2, "rde"]]'
    'rde' was not in the training rows; known are blue, red; did you mean 'red'?
list for a name: predict table --input '[[1, 2, [3]]]'
    'color' must be a name, got [3]
text for a number: predict table --input '[[1, "x", "red"]]'
    column 'h' of --input holds 'x' in row 1, but numbers in the run's training file
infinite number: predict good --input '[[1e999, 2]]'
    --input holds an infinite number
broken JSON: predict good --input '[[1, 2'
    --input is not JSON (Expecting ',' delimiter at character 7): [[1, 2; type --input
JSON that is no list: predict good --input 3
    must be a list of rows such as [[10, 11]]
empty list: predict good --input '[]'
    a list of rows such as [[10, 11]], got []
no rows: predict good
    one of the arguments --input --file is required
missing --file: predict table --file gren.csv
    no file 'gren.csv'; did you mean 'green.csv'?
--file of another kind: predict table --file rows.json
    'rows.json' is no .csv, .tsv, .parquet, .npz or .npy file
--file without a column: predict table --file no_color.csv
    --file: no column 'color' in no_color.csv; columns are w, h
--file with an unknown name: predict strict --file green.csv
    'green' was not in the training rows
--file with a word: predict table --file word.csv
    column 'h' of word.csv holds 'two'
--file without rows: predict table --file no_rows.csv
    'no_rows.csv' has no rows
--output in no folder: predict good --input '[[1, 2]]' --output nowhere/new.csv
    --output: no folder 'nowhere'; make it first
--output that is a folder: predict good --input '[[1, 2]]' --output conf
    'conf' is a folder; name a file in it
unknown layer to inspect: inspect good --layer hidden_layer_activatio --input '[[1, 2]]'
    --layer: no layer 'hidden_layer_activatio'; there are input_to_hidden_layer,
    hidden_layer_activation, hidden_to_output_layer; did you mean 'hidden_layer_activation'?
nothing to inspect: inspect good
    say what to show: --weights, --layers
layer without rows: inspect good --layer hidden_layer_activation
    inspect --layer needs rows; type --input '[[1, 2]]'
several runs in one picture: plot good table
    several runs need a file to draw to; type --output loss.png
picture in no folder: plot good --output nowhere/x.png
    no folder 'nowhere'; make it first
picture of another kind: plot good --output loss.jpg
    'loss.jpg' must end in .png
no run to plot: plot
    the following arguments are required: RUN
summary of nothing: summary nope
    run directory 'nope' does not exist
summary of an unknown option: summary model=custm
    did you mean 'custom'?
"""


def cases(*tables: str) -> dict[str, tuple[str, list[str]]]:
    """By name, a command and the parts of its error, each on an indented line below it."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in "".join(tables).split("\n"):
        if line.startswith(" "):
            found[name][1].append(line.strip())
        elif line:
            name, _, command = line.partition(": ")
            assert name not in found
            found[name] = (command, [])
    return found


CASES = cases(KEYS, VALUES, WORDS, YAML, DATA, FITS, RUNS, READING)


Damage = Callable[[Path], object]
"""Changes a run directory."""


def written(name: str, content: str | bytes) -> Damage:
    """The damage of a file replaced."""
    as_bytes = content.encode() if isinstance(content, str) else content
    return lambda run: (run / name).write_bytes(as_bytes)


def replaced(name: str, old: str, new: str) -> Damage:
    """The damage of a text edited."""

    def edit(run: Path) -> None:
        text = (run / name).read_text(encoding="utf-8")
        assert old in text
        (run / name).write_text(text.replace(old, new), encoding="utf-8")

    return edit


def cut_model(run: Path) -> None:
    (run / "model.pth").write_bytes((run / "model.pth").read_bytes()[:500])


def list_model(run: Path) -> None:
    import torch

    torch.save([1, 2], run / "model.pth")


def without_weights(run: Path) -> None:
    for name in ("model.pth", "checkpoints/last.pt"):
        (run / name).unlink()


def wide_prep(run: Path) -> None:
    path = run / "preprocessing.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "input_shape": [3]}))


DAMAGES: dict[str, Damage] = {
    "good": lambda run: None,
    "cut_model": cut_model,
    "empty_model": lambda run: (run / "model.pth").open("w").close(),
    "dangerous_model": written("model.pth", pickle.dumps(Dangerous())),
    "list_model": list_model,
    "other_model": replaced("config.yaml", "- 8", "- 4"),
    "deeper_model": replaced("config.yaml", "  - 8", "  - 8\n  - 8"),
    "cut_config": written("config.yaml", "model: {_target_:\nname: ["),
    "tagged_config": written("config.yaml", "a: !!python/object/apply:os.system ['touch it_ran']"),
    "list_config": written("config.yaml", "- 3"),
    "no_data_config": replaced("config.yaml", "data:", "date:"),
    "os_config": replaced("config.yaml", "seedbed.models.CustomMLP", "os.system"),
    "cut_prep": written("preprocessing.json", '{"features": ['),
    "short_prep": written("preprocessing.json", "{}"),
    "wide_prep": wide_prep,
    "task_prep": replaced("preprocessing.json", '"regression"', '"guessing"'),
    "no_best": lambda run: (run / "checkpoints/best.pt").unlink(),
    "no_model": lambda run: (run / "model.pth").unlink(),
    "no_weights": without_weights,
    "cut_history": written("history.csv", "epoch,train/loss\n1,ab"),
    "bare_history": written("history.csv", "1,2\n3,4\n"),
    "latin_history": written("history.csv", "größe\n".encode("latin-1")),
    "no_history": lambda run: (run / "history.csv").unlink(),
}

OF_TABLES: dict[str, Damage] = {
    "table": lambda run: None,
    "strict": replaced("preprocessing.json", '"unknown": "zeros"', '"unknown": "error"'),
}
"""Copies of a run on a table."""


def prepare(folder: Path, command: str, sum_run: Path, table_run: Path) -> None:
    """Puts into `folder` what the command names."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    for name, damage in DAMAGES.items():
        if re.search(rf"\b{name}\b", command):
            shutil.copytree(sum_run, folder / name)
            damage(folder / name)
    for name, damage in OF_TABLES.items():
        if re.search(rf"\b{name}\b", command):
            shutil.copytree(table_run, folder / name)
            damage(folder / name)


def on_disk(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder with its size and time."""
    found = {path: path.stat() for path in folder.rglob("*")}
    return {str(path): (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}


@pytest.mark.parametrize(("command", "says"), CASES.values(), ids=CASES)
def test_wrong_input_is_answered_in_one_line_and_leaves_nothing(
    seedbed, tmp_path: Path, sum_run: Path, table_run: Path, command: str, says: list[str]
) -> None:
    prepare(tmp_path, command, sum_run, table_run)
    before = on_disk(tmp_path)
    result = seedbed(*shlex.split(command))
    assert result.err.splitlines() == result.errors
    assert len(result.errors) == 1
    assert [part for part in says if part not in result.errors[0]] == []
    assert result.out == ""
    assert result.code == 2
    assert on_disk(tmp_path) == before


def test_all_mistakes_are_told_at_once(seedbed) -> None:
    result = seedbed("validate", "trainer.epochs=0", "optimizer.lr=-1", "loader.batch_size=x")
    assert result.code == 2
    assert sorted(error.split()[1] for error in result.errors) == [
        "loader.batch_size",
        "optimizer.lr",
        "trainer.epochs",
    ]


@pytest.mark.parametrize("command", ["train", "validate"])
def test_constant_columns_are_allowed_and_said_once(seedbed, tmp_path: Path, command: str) -> None:
    rows = "".join(f"{n},7,{n}\n" for n in range(20))
    (tmp_path / "flat.csv").write_text(f"area,rooms,price\n{rows}")
    words = ["data=csv", "data.path=flat.csv", "data.target=price", "trainer.epochs=1"]
    result = seedbed(command, *words)
    assert result.code == 0
    notes = [line for line in result.out.splitlines() if line.startswith("note: ")]
    assert notes == ["note: column 'rooms' of flat.csv has one value in all training rows"]


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size", ["16k", "64k"])
def test_a_full_disk_ends_the_run_in_one_line(seedbed, tmp_path: Path, size: str) -> None:
    with small_disk(tmp_path / "small", size):
        result = seedbed("train", "trainer.epochs=2", "hydra.run.dir=small/run")
        assert result.code == 2
        assert result.err == f"{result.errors[0]}\n"
        assert re.search(r"cannot write 'small/run/.+': No space left", result.errors[0])
        assert "run: " not in result.out
        assert not list((tmp_path / "small").rglob("*.tmp"))


LIMITED = """
import resource, sys
from seedbed.cli.main import main

largest = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("largest", [8_000, 20_000])
def test_a_file_that_cannot_be_finished_is_not_left_half_written(
    tmp_path: Path, largest: int
) -> None:
    line = [sys.executable, "-c", LIMITED, str(largest)]
    line += ["train", "trainer.epochs=1", "hydra.run.dir=run"]
    result = processes.run(line, capture_output=True, text=True)
    assert result.returncode == 2
    (error,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
    name = re.search(r"cannot write '(.+)': File too large", error)[1]
    assert not (tmp_path / name).exists()
    status = json.loads((tmp_path / "run/status.json").read_text())
    assert status["status"] == "failed"
    assert name in status["error"]
