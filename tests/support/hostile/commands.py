"""The commands that open a run of somebody else's, and what is typed behind its path."""

COMMANDS = {
    "predict": ["--input", "[[10, 11]]"],
    "inspect": ["--weights", "--layers"],
    "summary": [],
    "plot": [],
    "reproduce": [],
    "resume": ["trainer.epochs=3"],
}
