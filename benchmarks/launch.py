"""Runs one command and prints its wall seconds, processor seconds and peak memory in KiB.

A process of its own, and a small one: the kernel counts the launcher's memory as the command's
least, so what imports argparse and statistics must not be the one that starts it.
"""

import os
import sys
import time

null = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=null)
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status) != 0)
