"""What a model is asked for: losses, predictions and metrics of each task."""
