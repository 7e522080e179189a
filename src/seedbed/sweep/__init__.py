"""Many runs: each job a whole run of its own."""
