"""A CSV made ready to train on by pyarrow and scikit-learn: `columns.py FILE TARGET`.

What `seedbed validate` does by the defaults of data=csv: a tenth of the rows to validate on and a
fifth to test on, means in gaps, numbers standardized, names one-hot, float32 tensors of torch.
"""

import sys

import numpy as np
import pyarrow.csv
import torch
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def main(path: str, target: str) -> None:
    frame = pyarrow.csv.read_csv(path).to_pandas()
    y = frame.pop(target)
    numbers = [name for name in frame if frame[name].dtype.kind in "if"]
    names = [name for name in frame if name not in numbers]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("names", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), names),
        ]
    )
    train, rest, y_train, y_rest = train_test_split(frame, y, test_size=0.3, random_state=0)
    validation, test, y_validation, y_test = train_test_split(
        rest, y_rest, test_size=2 / 3, random_state=0
    )
    columns.fit(train)
    for x, labels in ((train, y_train), (validation, y_validation), (test, y_test)):
        tensor = torch.from_numpy(columns.transform(x).astype(np.float32))
        print(tuple(tensor.shape), tuple(torch.from_numpy(labels.to_numpy(np.float32)).shape))


if __name__ == "__main__":
    main(*sys.argv[1:])
