"""What the keys of `loader` have to be beside each other, and beside `data.stream`."""

from seedbed.config.schema import DataConfig, LoaderConfig


def problems_of_loading(data: DataConfig, loader: LoaderConfig) -> list[str]:
    """What is asked of worker processes where there are none."""
    asked = []
    if loader.persistent_workers is True:
        asked.append("loader.persistent_workers=true")
    if loader.prefetch_factor is not None:
        asked.append(f"loader.prefetch_factor={loader.prefetch_factor}")
    if getattr(data, "stream", False):
        asked += ["loader.pin_memory=true"] if loader.pin_memory is True else []
        return [
            f"{one} goes with a DataLoader, and data.stream=true has threads of this process read "
            "ahead; leave it out"
            for one in asked
        ]
    if loader.num_workers:
        return []
    return [f"{one} needs worker processes; type loader.num_workers=2, say" for one in asked]
