"""Head, bodies and clients as real processes and sockets, for tests that make
things fail: what each did is told apart in `Refused`, a failure in the way that
is documented, and `Finding`, any other."""

import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Callable

# Only a run that has failed comes to it.
DEADLINE = 30.0
PR_SET_CHILD_SUBREAPER = 36
# A program of ours says what failed, on one line.
OWN_WORDS = re.compile(r'^deptyr [a-z]+: .+$', re.M)


class Finding(Exception):
    """Something that may not happen."""


class Refused(Exception):
    """A failure that was reported as documented."""


def become_reaper() -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def can_trace() -> bool:
    try:
        return subprocess.run(['strace', '-o', '/dev/null', 'true'], capture_output=True,
                              check=False).returncode == 0
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f'/proc/{pid}/task').iterdir():
            found += map(int, (task / 'children').read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    return [one for child in children(pid) for one in [child, *descendants(child)]]


def end_descendants() -> None:
    """Ends everything that we started, even a tracee."""
    while pids := descendants(os.getpid()):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def crowding() -> float:
    """How many processes want each processor, at least 1 (as tests/support/wait.cc)."""
    load, _, _, running, _ = Path('/proc/loadavg').read_text().split()
    return max(1.0, max(float(load), float(running.split('/')[0])) / (os.cpu_count() or 1))


def wait_until(holds: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    """Waits for an event that no descriptor reports; where others want the
    processors, too, time counts for less."""
    last = time.monotonic()
    while not holds():
        now = time.monotonic()
        deadline -= (now - last) / crowding()
        last = now
        if deadline < 0:
            raise Finding(f'waited in vain for {what}')
        time.sleep(0.002)


def read_text(path: Path) -> str:
    try:
        return path.read_text(errors='replace')
    except OSError:
        return ''


def comm(pid: int) -> str:
    return read_text(Path(f'/proc/{pid}/comm')).strip()


def status_field(pid: int, name: str) -> str:
    found = re.search(rf'^{name}:\s*(.*)$', read_text(Path(f'/proc/{pid}/status')), re.M)
    return found.group(1) if found else ''


def descriptors(pid: int) -> Counter:
    """How many there are of each kind."""
    kinds: Counter = Counter()
    with contextlib.suppress(OSError):
        for entry in Path(f'/proc/{pid}/fd').iterdir():
            with contextlib.suppress(OSError):
                kind = re.sub(r'deptyr-faults-[^/]+|[0-9]+', '', os.readlink(entry))
                kinds[kind.replace('/dev/tty', '/dev/pts/')] += 1
    return kinds


def noise(seed: int, count: int) -> bytes:
    """The noise of tests/support/noise.h, up to its first repetition."""
    block = bytearray(count)
    mask = (1 << 64) - 1
    for i in range(count):
        seed = (seed + 0x9e3779b97f4a7c15) & mask
        z = ((seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9) & mask
        z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & mask
        block[i] = (z ^ (z >> 31)) & 0xff
        if block[i] == 0x1b:
            block[i] = 0x1c
    return bytes(block)


class Process:
    """A child with its outputs in files; gone with the object."""

    def __init__(self, folder: Path, name: str, words: list[str], **options) -> None:
        self.said_path = folder / f'{name}.said'
        with open(self.said_path, 'wb') as said:
            self.child = subprocess.Popen(
                words, **{'stdin': subprocess.DEVNULL, 'stdout': said, 'stderr': said,
                          'start_new_session': True} | options)
        self.pid = self.child.pid

    def said(self) -> str:
        return read_text(self.said_path)

    def last_line(self) -> str:
        return (self.said().splitlines() or [''])[-1]

    def ended(self) -> bool:
        return self.child.poll() is not None

    def wait(self, what: str) -> int:
        try:
            return self.child.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Finding(f'{what} hangs') from None

    def close(self) -> None:
        # A tracee would outlive its strace.
        for pid in [*descendants(self.pid), self.pid] if self.child.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.child.wait()


class Orphan(Process):
    """A process that goes on, as our child, when its starter has ended."""

    def __init__(self, pid: int, said_path: Path) -> None:
        self.pid = pid
        self.said_path = said_path
        self.status: int | None = None

    def ended(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def wait(self, what: str) -> int:
        wait_until(self.ended, f'the end of {what}')
        return os.waitstatus_to_exitcode(self.status or 0)

    def close(self) -> None:
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            self.wait('who goes on')


class Connection:
    """A client at a raw socket (or, with `framed`, a uwsgi one)."""

    who = 'client'

    def __init__(self, path: Path, framed: bool = False) -> None:
        self.framed = framed
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.got = b''
        try:
            self.socket.connect(str(path))
        except OSError as why:
            self.socket.close()
            raise Refused(f'connect to {path.name}: {why}') from None

    def close(self) -> None:
        self.socket.close()

    def send_all(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, data: bytes) -> None:
        try:
            self.send_all(data)
        except OSError as why:
            raise Refused(f'{self.who}: send: {why}') from None

    def packet(self, modifier2: int, size: int = 0, payload: bytes = b'') -> None:
        self.send(bytes([0, (len(payload) or size) & 0xff, (len(payload) or size) >> 8, modifier2])
                  + payload)

    def type(self, keys: bytes) -> None:
        if self.framed:
            self.packet(0, payload=keys)
        else:
            self.send(keys)

    def receive(self) -> bytes:
        return self.socket.recv(1 << 16)

    def read_some(self) -> None:
        try:
            data = self.receive()
        except TimeoutError:
            raise Finding(f'{self.who}: nothing comes after {self.got[-60:]!r}') from None
        except OSError as why:
            raise Refused(f'{self.who}: {why}') from None
        if not data:
            raise Refused(f'{self.who}: closed')
        self.got += data

    def until(self, what: bytes) -> None:
        while what not in self.got:
            self.read_some()

    def until_size(self, size: int) -> None:
        while len(self.got) < size:
            self.read_some()


class Console(Connection):
    """A terminal that a program is started on, and a person before it."""
    who = 'terminal'

    def __init__(self) -> None:
        self.framed = False
        self.got = b''
        self.controller, self.terminal = os.openpty()
        self.resize(rows=24, cols=80)

    def let_go(self) -> None:
        """Closes the client end, once the program has it."""
        if self.terminal >= 0:
            os.close(self.terminal)
            self.terminal = -1

    def close(self) -> None:
        self.let_go()
        if self.controller >= 0:
            os.close(self.controller)
            self.controller = -1

    def send_all(self, data: bytes) -> None:
        os.write(self.controller, data)

    def receive(self) -> bytes:
        if not select.select([self.controller], [], [], DEADLINE)[0]:
            raise TimeoutError
        return os.read(self.controller, 1 << 16)

    def resize(self, rows: int, cols: int) -> None:
        termios.tcsetwinsize(self.controller, (rows, cols))


class ServiceManager:
    """Plays systemd for head: it is told of readiness and state, and keeps
    descriptors."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.kept: dict[str, list[int]] = {}
        self.caught_up = threading.Event()
        self.closing = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 8)
            for fd in fds:
                os.set_inheritable(fd, False)
            lines = data.decode().splitlines()
            name = next((line[7:] for line in lines if line.startswith('FDNAME=')), '')
            if 'FDSTORE=1' in lines:
                self.kept.setdefault(name, []).extend(fds)
            elif 'FDSTOREREMOVE=1' in lines:
                self.drop(name)
            elif not lines:
                self.caught_up.set()
                if self.closing:
                    return

    def drop(self, name: str) -> None:
        for fd in self.kept.pop(name, []):
            os.close(fd)

    def catch_up(self) -> None:
        """Waits until everything that was sent has been heard."""
        self.caught_up.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
            bell.sendto(b'', self.socket.getsockname())
        self.caught_up.wait()

    def close(self) -> None:
        self.closing = True
        self.catch_up()
        self.thread.join()
        for name in list(self.kept):
            self.drop(name)
        self.socket.close()


class Place:
    """A temporary folder and everything that was started there."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix='deptyr-faults-'))
        self.things: list = []

    def __enter__(self) -> 'Place':
        return self

    def __exit__(self, *_) -> None:
        for thing in reversed(self.things):
            thing.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, thing):
        self.things.append(thing)
        return thing
