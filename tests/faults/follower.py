"""Follows a program of tests/faults/counter.py, and checks every byte."""

import os
import threading

from parties import Place, Process

# Then they begin again.
EXPECTED = b''.join(b'%015d\n' % n for n in range(1 << 20))
HEADER = len(b'pid 00000000000\n')


class Follower:
    """A `deptyr attach`, and the output it shows."""

    def __init__(self, place: Place, command: list[str], session: str) -> None:
        self.session = session
        self.got: dict[int, int] = {}  # of each run, by its pid: the bytes
        self.pid = 0
        self.rest = b''
        self.wrong = ''
        ours, theirs = os.pipe()
        self.process = place.add(Process(place.folder, f'follower-{session}-{ours}',
                                         [*command, session], stdout=theirs))
        os.close(theirs)
        self.thread = threading.Thread(target=self.read, args=[ours], daemon=True)
        self.thread.start()

    def read(self, pipe: int) -> None:
        while data := os.read(pipe, 1 << 18):
            if not self.wrong:
                self.take(self.rest + data)
        os.close(pipe)

    def take(self, data: bytes) -> None:
        """Checks everything except a line that has only begun."""
        at = 0
        while at < len(data) and not self.wrong:
            step = self.begin(data, at) if self.pid == 0 or data.startswith(b'p', at) \
                else self.lines(data, at)
            if step == 0:
                break
            at += step
        self.rest = data[at:]

    def begin(self, data: bytes, at: int) -> int:
        """Of a run; or, for who comes later, from its next line on."""
        if data.startswith(b'pid ', at):
            if len(data) < at + HEADER:
                return 0
            self.pid = int(data[at + 4:at + 15])
            self.position = 0
            self.count(0)
            return HEADER
        if self.pid != 0:
            if len(data) - at >= 4:
                self.wrong = f'{self.session}: {data[at:at + 40]!r} amid {self.pid}'
            return 0
        line = data.find(b'\n', at) + 1
        if line == 0 or len(data) < line + HEADER:
            return 0
        if not data.startswith(b'p', line):
            self.pid = -1
            self.position = int(data[line:line + 15]) * HEADER
        return line - at

    def lines(self, data: bytes, at: int) -> int:
        part = data[at:at + min(4096, len(EXPECTED) - self.position % len(EXPECTED))]
        start = self.position % len(EXPECTED)
        wanted = EXPECTED[start:start + len(part)]
        same = len(part) if part == wanted else len(os.path.commonprefix([part, wanted]))
        self.count(same)
        # A run that was killed may have been amid a line.
        if same < len(part) and not data.startswith(b'p', at + same):
            self.wrong = (f'{self.session}: after {self.position} bytes of {self.pid}: '
                          f'{data[at + same:at + same + 40]!r}')
        return same

    def has(self, pid: int, size: int) -> bool:
        """Whether it has so much of that run; or what it has is wrong."""
        if self.wrong or pid in self.got:
            return bool(self.wrong) or self.got[pid] >= size
        # A client that came later knows where it is, not how often they began.
        return (self.got.get(-1, 0) - size) % len(EXPECTED) == 0

    def count(self, size: int) -> None:
        self.position += size
        self.got[self.pid] = self.position + HEADER
