"""Tasks of a sweep in other processes, on this machine or on a cluster's: SLURM's, or Ray's."""
