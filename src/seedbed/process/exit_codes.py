"""How a process of ours ends, as a shell sees it."""

DONE, RUN_FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
