"""What bends the process: signals, streams, forks, the fast start, torch's private parts."""
