"""Looking at runs: what they learnt, what they predict, how their loss fell."""
