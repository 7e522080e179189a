"""The commands that open a run of somebody else's, and what is typed behind its path."""

from pathlib import Path

LABELLED = str(Path(__file__).with_name("labelled.csv"))
"""Rows that the run can be measured on."""

COMMANDS = {
    "predict": ["--input", "[[10, 11]]"],
    "evaluate": ["--file", LABELLED],
    "inspect": ["--weights", "--layers"],
    "summary": [],
    "plot": [],
    "reproduce": [],
    "resume": ["trainer.epochs=3"],
}
