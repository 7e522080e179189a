"""The front door: what a program asks of Seedbed; commands and Hydra's plugins call the same."""
