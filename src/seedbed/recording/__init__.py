"""What a run leaves behind: its directory, TensorBoard, checkpoints, tables."""
