"""What the keys that fill and group rows have to be among each other."""

from collections.abc import Iterator

from seedbed.config.schema import DataConfig, DatasetConfig, LoaderConfig


def problems_of_padding(loader: LoaderConfig, data: DataConfig) -> Iterator[str]:
    """What is wrong with `loader.collate`, `loader.buckets` and `data.in_memory`."""
    looks_at_some = isinstance(data, DatasetConfig) and data.check_rows is not None
    if loader.pads and not isinstance(data, DatasetConfig):
        yield (
            f"loader.collate=pad is for rows of data=dataset, a Dataset of your own; those of data="
            f"{data.source} are all of one length; type loader.collate=null"
        )
    if loader.buckets is not None and not loader.pads:
        yield (
            f"loader.buckets={loader.buckets} groups rows by length, and with loader.collate=null "
            "all have the same; type loader.collate=pad beside it"
        )
    if loader.buckets is not None and not loader.shuffle:
        yield (
            f"loader.buckets={loader.buckets} orders the rows, and loader.shuffle=false leaves "
            "them as they stand; type loader.shuffle=true, or loader.buckets=null"
        )
    if loader.buckets is not None and looks_at_some:
        yield (
            f"loader.buckets={loader.buckets} needs the length of every row; type "
            "data.check_rows=null"
        )
    if isinstance(data, DatasetConfig) and data.in_memory and looks_at_some:
        yield (
            f"data.in_memory=true reads every row, and data.check_rows={data.check_rows} some; "
            "type data.check_rows=null"
        )
