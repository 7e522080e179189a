"""One self-contained HTML page of runs: what it holds, and how it becomes a file."""
