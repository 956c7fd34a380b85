"""One measurement of one peer: start it, put meter's ends on it, end it."""

import ctypes
import json
import os
import re
import resource
import select
import socket
import subprocess
import tempfile
from pathlib import Path

from peers import DEADLINE, Failure, Peer, Server, Tools

PR_SET_CHILD_SUBREAPER = 36


def become_reaper() -> None:
    """Makes daemons our children, so that they can be found and ended."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Control:
    """The socket to which the programs of a measurement connect."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix='deptyr-compare-')
        self.path = str(Path(self.folder.name) / 'control')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4096)

    def close(self) -> None:
        self.listener.close()
        self.folder.cleanup()


class Measurement:
    """A peer with `count` sessions; with `others` the first is measured, and
    the rest is theirs."""

    def __init__(self, tools: Tools, peer: Peer, count: int = 1, others: bool = False) -> None:
        self.tools = tools
        self.peer = peer
        self.count = count
        self.control = Control()
        self.others = Control() if others else None
        self.server: Server = peer.server(tools)

    def __enter__(self) -> 'Measurement':
        program = [self.tools.meter, 'program', self.control.path, '@']
        if self.others:
            program.append(self.others.path)
        try:
            self.server.start(program, self.count)
            if self.peer.alone and not self.has_program():
                raise Failure(f'the program did not start; {self.log()}')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.server.__exit__()
        self.control.close()
        if self.others:
            self.others.close()

    def has_program(self) -> bool:
        return bool(select.select([self.control.listener], [], [], DEADLINE)[0])

    def log(self) -> str:
        path = self.server.folder / 'log'
        lines = path.read_text(errors='replace').split('\n') if path.exists() else []
        return ' '.join(line for line in lines[-4:] if line)

    def addresses(self, first: int, count: int) -> list[str]:
        return [self.server.dialect,
                *(self.server.address(session) for session in range(first, first + count))]

    def meter(self, subcommand: str, control: Control, *words: object) -> subprocess.Popen:
        fd = control.listener.fileno()
        return subprocess.Popen(
            [self.tools.meter, subcommand, '--listen', str(fd), '--relay',
             ','.join(map(str, self.server.relay())), *map(str, words)],
            pass_fds=[fd], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def result(self, process: subprocess.Popen) -> dict:
        try:
            said, complaint = process.communicate(timeout=2 * DEADLINE)
        except subprocess.TimeoutExpired as expired:
            process.kill()
            raise Failure('no result in time') from expired
        if process.returncode != 0:
            raise Failure(f'{complaint.strip()} {self.log()}'.strip())
        return json.loads(said)

    def sink(self, *options: object, clients: int = 1) -> dict:
        """Measures all sessions; see sink.cc."""
        words = self.addresses(0, self.count) if clients else []
        return self.result(self.meter('sink', self.control, '--clients', clients, '--sessions',
                                      self.count, *options, *words))

    def keys(self, *options: object) -> dict:
        """Measures the first session; see keys.cc."""
        sessions = 1 if self.others else self.count
        return self.result(self.meter('keys', self.control, '--sessions', sessions, *options,
                                      *self.addresses(0, 1)))

    def flood_others(self, clients: int, kind: str = 'bytes') -> None:
        """Goes on until the end of the measurement."""
        assert self.others
        words = self.addresses(1, self.count - 1) if clients else []
        flood = self.meter('sink', self.others, '--clients', clients, '--sessions',
                           self.count - 1, '--kind', kind, '--seconds', 0, *words)
        self.server.started.append(flood)
        assert flood.stdout
        if not select.select([flood.stdout], [], [], DEADLINE)[0] or not flood.stdout.readline():
            raise Failure(f'no flood; {self.log()}')


def memory(pids: list[int]) -> int:
    """Their own bytes, and their share of shared memory."""
    total = 0
    for pid in pids:
        for line in Path(f'/proc/{pid}/smaps_rollup').read_text().split('\n'):
            if line.startswith('Pss:'):
                total += int(line.split()[1]) * 1024
    return total


def ring_bytes(pid: int, rings: int) -> int:
    """The bytes in deptyr's rings, in whole pages.  The first page of each counts as
    its session's, whatever it holds."""
    total, ring = -4096 * rings, False
    for line in Path(f'/proc/{pid}/smaps').read_text().split('\n'):
        if re.match('[0-9a-f]+-', line):
            ring = 'memfd:deptyr-ring' in line
        elif ring and line.startswith('Pss:'):
            total += int(line.split()[1]) * 1024
    return total


def wake_ups(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        for status in Path(f'/proc/{pid}/task').glob('*/status'):
            for line in status.read_text().split('\n'):
                if line.startswith('voluntary_ctxt_switches'):
                    total += int(line.split()[1])
    return total


def processor_time(pids: list[int]) -> float:
    """The seconds that all threads have run."""
    total = 0
    for pid in pids:
        for task in Path(f'/proc/{pid}/task').glob('*/schedstat'):
            total += int(task.read_text().split()[0])
    return total / 1e9


def raise_descriptor_limit() -> None:
    """Allows enough descriptors: 16,000 sessions of deptyr need 48,000, and their
    programs need 16,000 here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in max(hard, 131072), hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return
        except (ValueError, PermissionError):
            pass  # only root may have more


def cpu_model() -> str:
    for line in Path('/proc/cpuinfo').read_text().split('\n'):
        if line.startswith('model name'):
            return line.split(':', 1)[1].strip()
    return os.uname().machine
