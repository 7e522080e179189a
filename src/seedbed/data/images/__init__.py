"""Images as rows: fitted, cut to one shape, changed at random in training, and put into batches."""
