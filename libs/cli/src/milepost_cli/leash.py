"""Owns that a program dies with the supervisor that started it; then becomes that program (exec).

    python -I -S leash.py SUPERVISOR_PID COMMAND [ARGUMENT...]

A supervisor killed by SIGKILL can clean nothing up, so the kernel has to: PR_SET_PDEATHSIG survives
exec, which makes this work for Valkey too, and costs no code between fork and exec in the
supervisor (posix_spawn has no such attribute). The signal is sent when the *thread* that started
the child ends: the supervisor has only one. The pid, and what `ps` shows, are the program's own.

Where there is no prctl (macOS), a watcher is left behind in the program's process group. It ends
with the group, or ends the group once the supervisor is no longer its group's parent.
"""

import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
WATCH_SECONDS = 0.5


def main(arguments: list[str]) -> int:
    """Tie this process to its parent and exec; returns (2) only for what cannot be run."""
    supervisor, command = int(arguments[0]), arguments[1:]
    if not die_with_parent():
        leave_watcher(supervisor)
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


def leave_watcher(supervisor: int) -> None:
    """Fork a process that kills this process group soon after `supervisor` has ended."""
    program = os.getpid()
    if os.fork() != 0:
        return
    os.closerange(0, 1024)  # the program's output, socket and lock must end with the program
    while os.getppid() == program and _lives(supervisor):
        time.sleep(WATCH_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the number is another user's by now
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
