"""Tables of MATLAB, read once in a process of their own: a damaged one can end the process that reads it."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from vlbench.core.errors import DataError
from vlbench.datasets.readers.file_listing import FoundFile

SECONDS, BYTES_A_SECOND = 5, 2**22
"""The processor time that tables may take, and bytes for each second more; scipy reads 2**26 in one."""
_ROOM, _TIMES = 2**30, 4
"""The bytes of memory that reading may take, and how many times the size of the tables in addition."""
_READ = """
import resource, sys, time
from contextlib import suppress
from scipy.io import loadmat
seconds, room = map(int, sys.argv[1:3])
bounds = (resource.RLIMIT_CPU, seconds + int(time.process_time())), (resource.RLIMIT_AS, room)
for kind, most in (*bounds, (resource.RLIMIT_CORE, 0)):
    with suppress(ValueError, OSError):  # a limit that is lower already, or a system without
        resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))
for path in sys.argv[3:]:
    print("begun", flush=True)
    loadmat(path, squeeze_me=True)
"""
"""Read tables within bounds; what stands last on its output is of the table that is read."""


def refuse_damaged_tables(tables: Sequence[FoundFile]) -> None:
    """Read tables in another process, within bounds of processor time and memory.

    scipy believes what they state: where its reader does not raise, it may loop for minutes, or crash.

    Raises:
        DataError: a table is damaged; it is named.
    """
    if not tables:
        return
    size = sum(table.size for table in tables)
    seconds = SECONDS + size // BYTES_A_SECOND
    command = [sys.executable, "-P", "-c", _READ, str(seconds), str(_ROOM + _TIMES * size)]
    done = subprocess.run(  # noqa: S603 - this interpreter, with code of ours
        [*command, *(table.path for table in tables)],
        capture_output=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each thread takes of the room
        check=False,
    )
    if not done.returncode:
        return
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
    begun = done.stdout.count(b"begun")
    if not begun:
        raise DataError(f"{tables[0].path}: scipy, which reads it, does not start ({said}); install it again")
    if done.returncode == -signal.SIGXCPU:
        said = f"reading it takes more than {seconds} s of processor time"
    elif done.returncode < 0:
        said = f"reading it ends a process by {signal.Signals(-done.returncode).name}"
    raise DataError(
        f"{tables[begun - 1].path} is no table of MATLAB, or damaged ({said}); unpack its archive again"
    )
