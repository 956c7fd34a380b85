"""The scenario of a router: everybody who connects gets a program of their own,
says which, and is served by it for as long as both are there."""

import signal

from parties import Finding, Refused, children, wait_until
from scenario import DOWN, TYPED, UP, WRITTEN, Scenario, Wrapper

# It is told the rest of its words.
TRAFFIC = 'stty -echo; echo hello; read -r words; exec {} $words'


class RouterScenario(Scenario):
    def start_router(self) -> None:
        self.start_service(
            'router', [self.tools.deptyr, 'router', '--raw', str(self.path('rawb')),
                       '--uwsgi', str(self.path('uwsgib')), '--',
                       'sh', '-c', TRAFFIC.format(self.tools.traffic)],
            ', uwsgi', {'NOTIFY_SOCKET': str(self.path('notify'))})

    def connect(self, name: str, path: str, framed: bool = False, words: bytes = b'sizes') -> None:
        super().connect(name, path, framed)
        client = self.clients[name]
        client.until(b'hello\r\n')
        client.got = b''
        client.type(words + b'\n')

    def noise(self) -> None:
        """Sends both ways; then the client goes first."""
        for path, framed in (('rawb', False), ('uwsgib', True)):
            self.connect('a', path, framed, b'both %d %d' % (WRITTEN, TYPED))
            client = self.clients['a']
            client.until(b'ready\n')
            client.type(b'\n')
            start = len(b'ready\n')
            client.until_size(start + 1)
            client.type(UP)
            wanted = DOWN + b'read %d as sent\n' % TYPED
            client.until_size(start + len(wanted))
            self.same('client', client.got[start:], wanted)
            client.close()
        self.one_is_left()

    def end_program(self) -> None:
        """A program ends; its connection does, too."""
        self.connect('a', 'uwsgib', framed=True)
        client = self.clients['a']
        client.until(b'size ')
        client.packet(signal.SIGTERM)
        try:
            while True:
                client.read_some()
        except Refused as why:
            if str(why) != 'client: closed':
                raise
        self.one_is_left()

    def one_is_left(self) -> None:
        """Expects the echoing program alone; ended ones have been reaped."""
        wait_until(lambda: len(children(self.head_pid)) <= 1, 'the end of a program')

    def leave(self) -> None:
        super().leave()
        wait_until(lambda: not children(self.head_pid), 'the end of the programs')

    def check_socket(self, may_stay: bool) -> None:
        for name in ('rawb', 'uwsgib'):
            if self.path(name).exists() and not may_stay:
                raise Finding('a socket was left behind')

    def at_router(self, wrapper: Wrapper) -> None:
        self.wrapper = wrapper
        self.step(self.start_router)
        self.step(self.echo)
        for act in (self.resize, self.noise, self.end_program):
            self.step(act)
            self.step(self.echo)
        self.leave()
