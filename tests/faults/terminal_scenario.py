"""The scenario of a head with a terminal: a person sees the output of programs,
types, changes the session and the size, and leaves."""

import os
import re
import signal

from parties import Console, Orphan, Refused
from scenario import Scenario, Wrapper

COMMAND = b'\x1c'
STAYS = b"can't go to the background"
PID = re.compile(r'^pid +([0-9]+)', re.M)


class TerminalScenario(Scenario):
    def start_head(self) -> None:
        # The end of who leads its session hangs a terminal up for good.
        self.console = self.place.add(Console())
        super().start_head()
        self.console.let_go()
        try:
            self.console.until(b'waits for its first program')
        except Refused:
            head, self.head = self.head, None
            self.refused_by(head, 'head')

    def press(self, keys: bytes, shown: bytes) -> None:
        """`shown` comes on the terminal then."""
        self.console.got = b''
        self.console.send(keys)
        self.console.until(shown)

    def type_into(self, session: str) -> None:
        """Types into the session that is shown; others who watch see it, too."""
        self.count += 1
        word = b'<%d>' % self.count
        if session not in self.clients:
            self.connect(session, f'raw{session}')
        try:
            self.press(word, word)
            self.clients[session].until(word)
        except Refused:
            self.clients.pop(session).close()
            raise

    def choose_a(self) -> None:
        self.press(COMMAND + b'l', b'2  b')
        self.press(b'1', b'size ')

    def next_and_back(self) -> None:
        self.press(COMMAND + b'n', b'size ')
        self.press(COMMAND + b'p', b'size ')

    def pages(self) -> None:
        for key, title in ((b'?', b'After ^'), (b'q', b'Quit head?')):
            self.press(COMMAND + key, title)
            self.press(b' ', b'size ')
        self.press(COMMAND + b'r', b'size ')

    def resize_terminal(self) -> None:
        for _ in range(2):
            self.count += 1
            self.console.resize(self.count, 100)
            self.console.until(b'size %dx100' % self.count)

    def stop_and_continue(self) -> None:
        """Continues head, as a shell's fg does."""
        self.console.got = b''
        os.kill(self.head_pid, signal.SIGCONT)
        self.console.until(b'size ')

    def go_to_background(self) -> None:
        self.console.got = b''
        self.console.send(COMMAND + b'd')
        try:
            self.console.until(STAYS)
        except Refused:  # nobody has it any more
            self.end_of_head()
        else:
            raise Refused(f'head: {STAYS.decode()}')
        self.said_path, self.head = self.head.said_path, None

    def find_head(self) -> None:
        """It is ours to wait for."""
        self.head_pid = int(PID.search(self.verb('status', '--head')).group(1))
        self.head = self.place.add(Orphan(self.head_pid, self.said_path))

    def stop(self) -> None:
        if not isinstance(self.head, Orphan):
            self.console.close()
            self.end_of_head()
        else:
            super().stop()

    # --- the whole -----------------------------------------------------------

    def begin(self, wrapper: Wrapper) -> None:
        self.wrapper = wrapper
        self.step(self.start_head)
        self.step(self.start_body, 'b', 'sizes')
        self.step(self.console.until, b'size ')
        self.step(self.echo)

    def at_terminal(self, wrapper: Wrapper) -> None:
        self.begin(wrapper)
        self.step(self.start_body, 'a', 'sizes')
        for act, *args in ((self.type_into, 'b'), (self.choose_a,), (self.type_into, 'a'),
                           (self.next_and_back,), (self.pages,), (self.type_into, 'a'),
                           (self.resize_terminal,), (self.stop_and_continue,)):
            self.step(act, *args)
            self.step(self.echo)
        self.console.got = b''
        self.step(self.end_a)
        self.step(self.console.until, b'waiting for the next start')
        self.step(self.console.until, b'size ')
        self.step(self.upgrade)
        self.step(self.type_into, 'a')
        self.step(self.echo)
        self.leave()

    def at_background(self, wrapper: Wrapper) -> None:
        self.begin(wrapper)
        self.step(self.go_to_background)
        self.step(self.find_head)
        self.step(self.echo)
        self.step(self.start_body, 'a', 'sizes')
        self.step(self.connect, 'a', 'rawa')
        self.leave()
