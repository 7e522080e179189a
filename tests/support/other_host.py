"""Another host on this machine: network and host name are namespaces of their own."""

import subprocess

HOST = "elsewhere"
OTHER_HOST = ["unshare", "--net", "--uts", "--", "sh", "-c", f'hostname {HOST} && exec "$@"', "sh"]
"""In front of a command that is to run there."""

ON_OTHER_HOST = f"""
import ctypes, runpy, socket, sys
CLONE_NEWUTS, CLONE_NEWNET = 0x04000000, 0x40000000  # unshare(2)
assert ctypes.CDLL(None).unshare(CLONE_NEWUTS | CLONE_NEWNET) == 0
socket.sethostname({HOST!r})
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""A program that takes another with it there: `python -c ON_OTHER_HOST MODULE WORD …`."""


def refused() -> str:
    """Why there can be none; or nothing."""
    try:
        line = [*OTHER_HOST, "hostname"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except OSError as err:
        return str(err)
    return "" if done.stdout == f"{HOST}\n" else f"no namespaces here: {done.stderr.strip()}"
