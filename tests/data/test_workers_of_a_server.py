"""In a process with threads, a DataLoader's workers are a server's, and the run is the same."""

import sys
from pathlib import Path

from support import processes

PROGRAM = """
import os, sys, threading
forks = []
os.register_at_fork(before=lambda: forks.append(os.getpid()))
import seedbed

threading.Thread(target=threading.Event().wait, daemon=True).start()
words = ("data=sklearn", "data.dataset=iris", "trainer.epochs=2", "model.dropout=0.2")
runs = [
    seedbed.train(*words, f"loader.num_workers={number}", directory=f"run_{number}")
    for number in (0, 2)
]
weights = [(run.path / "model.pth").read_bytes() for run in runs]
print(weights[0] == weights[1], forks, vars(sys.modules["__main__"])["__file__"])
"""
"""Called at the top level of a script, which workers must not run again."""


def test_rows_and_weights_are_those_of_a_run_without_workers(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(PROGRAM)
    line = [sys.executable, "script.py"]
    done = processes.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.stdout.split(), done.stderr) == (["True", "[]", str(tmp_path / "script.py")], "")
