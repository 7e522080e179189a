"""Another host on this machine: network and host name are namespaces of their own."""

import subprocess

HOST = "elsewhere"
OTHER_HOST = ["unshare", "--net", "--uts", "--", "sh", "-c", f'hostname {HOST} && exec "$@"', "sh"]
"""In front of a command that is to run there."""


def refused() -> str:
    """Why there can be none; or nothing."""
    try:
        line = [*OTHER_HOST, "hostname"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except OSError as err:
        return str(err)
    return "" if done.stdout == f"{HOST}\n" else f"no namespaces here: {done.stderr.strip()}"
