"""From a source to batches: reading, preprocessing, splitting, ordering."""
