"""Owns that a program dies with the supervisor that started it; then becomes that program (exec).

    python -I -S leash.py SUPERVISOR_PID COMMAND [ARGUMENT...]

A supervisor killed by SIGKILL can clean nothing up, so the kernel has to: PR_SET_PDEATHSIG survives
exec, which makes this work for Valkey too, and costs no code between fork and exec in the
supervisor (posix_spawn has no such attribute). The signal is sent when the *thread* that started
the child ends: the supervisor has only one. The pid, and what `ps` shows, are the program's own.

Where there is no prctl (macOS), a watcher is left behind in the program's process group. It reads
from a pipe whose other end the supervisor alone has open: at its end it kills the group.
"""

import os
import select
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
LIFELINE = 4
"""The descriptor of the pipe; the program itself does not get it."""
WATCH_SECONDS = 0.5
_PLAIN = """
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, int(sys.argv[1]), 0, 0, 0)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def leashed(command: Sequence[str], number: signal.Signals) -> list[str]:
    """The same command, sent this signal when who starts it ends; on Linux alone.

    For who has no supervisor's pipe: a benchmark, a storm.
    """
    return [sys.executable, "-I", "-S", "-c", _PLAIN, str(int(number)), *command]


def main(arguments: list[str]) -> int:
    """Tie this process to its parent and exec; returns (2) only for what cannot be run."""
    supervisor, command = int(arguments[0]), arguments[1:]
    os.set_inheritable(LIFELINE, False)
    if not die_with_parent():
        leave_watcher()
    if os.getppid() != supervisor:  # it died before we were tied to it
        return 2
    try:
        os.execvp(command[0], command)
    except OSError as err:
        sys.stderr.write(f"milepost: cannot run {command[0]}: {err.strerror}\n")
    return 2


def die_with_parent() -> bool:
    """Ask the kernel for SIGKILL when the parent ends; False where it cannot do that."""
    if sys.platform != "linux":
        return False
    import ctypes

    return ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0


def leave_watcher() -> None:
    """Fork a process that kills this process group when the supervisor or the program has ended."""
    program = os.getpid()
    if os.fork() != 0:
        return
    os.closerange(0, LIFELINE)  # the program's output, socket and lock must end with the program
    while os.getppid() == program and not select.select([LIFELINE], [], [], WATCH_SECONDS)[0]:
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
