"""lettershop on a terminal: a person who reads what stands there and types answers."""
import os
import pty
import select
import signal
import time

from relay import LETTERSHOP


class Terminal:
    def __init__(self, *arguments, cwd=None, env=None):
        self.text = ""
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                if cwd:
                    os.chdir(cwd)
                os.execve(LETTERSHOP, [LETTERSHOP, *map(str, arguments)],
                          {**os.environ, "TERM": "xterm", **(env or {})})
            finally:
                os._exit(127)

    def read(self, seconds):
        """What comes within that time; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)

    def expect(self, words, seconds=20):
        """Waits for words after what was expected before."""
        until = time.monotonic() + seconds
        while words not in self.text:
            if time.monotonic() > until or not self.read(0.1):
                if words in self.text:
                    break
                self.close()
                raise AssertionError(f"{words!r} did not come:\n{self.text}")
        before, self.text = self.text.split(words, 1)
        return before

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self, seconds=30):
        """The exit status, and all that came until then in .text."""
        until = time.monotonic() + seconds
        while self.read(0.1):
            if time.monotonic() > until:
                self.close()
                raise AssertionError(f"it did not end:\n{self.text}")
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
