"""Random changes of training images, each row's own in each epoch.

What is drawn for a row hangs on the seed, the epoch and the row alone, so that it is the same in
batches of any size, on any number of ranks, alone or in a stack, and after a resume.
"""
