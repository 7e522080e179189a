"""What Hydra asks of us: the user's config folder, and the launcher of sweeps."""
