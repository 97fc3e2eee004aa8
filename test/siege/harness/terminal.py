"""
A terminal of its own for a command, already full, that nobody reads. A line on standard input closes it; then the
command's exit code is printed, or `signal`.
"""
import os, pty, sys

pid, terminal = pty.fork()
if pid == 0:
    os.set_blocking(1, False)
    try:
        while True:
            os.write(1, b"nobody reads this\n")
    except BlockingIOError:
        os.set_blocking(1, True)
    os.execv(sys.argv[1], sys.argv[1:])
sys.stdin.readline()
os.close(terminal)
_, status = os.waitpid(pid, 0)
print("signal" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)
