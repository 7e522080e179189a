"""What a file of a user's package keeps for another."""

CALLS: list[int] = []
