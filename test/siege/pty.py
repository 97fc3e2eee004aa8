"""A terminal of its own for a command: nobody reads what it prints. A line on standard input closes the terminal."""
import os, pty, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
print(pid, flush=True)
sys.stdin.readline()
os.close(terminal)
_, status = os.waitpid(pid, 0)
print("signal" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)
