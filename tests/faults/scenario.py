"""The scenario of head and bodies while one of their system calls fails.

Two sessions, a and b, each with its program and its clients; every step may be
refused once in the whole run, for there is one fault, and has to work when it
is tried again.  Somebody who types into b always gets an echo, whatever was refused."""

import os
import select
import shlex
import signal
from collections import Counter
from pathlib import Path
from typing import Callable

from parties import (OWN_WORDS, Connection, Console, Finding, Place, Process, Refused,
                     ServiceManager, comm, descendants, descriptors, noise, status_field, wait_until)

WRITTEN = 60_000
TYPED = 9_000
DOWN = noise(1, WRITTEN)
UP = noise(2, TYPED)
SYSTEM_FAILURE = 111
CANNOT_EXECUTE = 126
RULES = Path(__file__).resolve().parents[2] / 's6/deptyr-fdholder/data/rules'


class Tools:
    def __init__(self, build: Path, deptyr: str = 'deptyr') -> None:
        self.deptyr = str(build / deptyr)
        self.traffic = str(build / 'tests/traffic')
        self.short_io = str(build / 'tests/libshort-io.so')


class Wrapper:
    """The command and the environment that start the program under test."""

    def __init__(self, words: list[str] | None = None, env: dict[str, str] | None = None) -> None:
        self.words = words or []
        self.env = env or {}


NO_WRAPPER = Wrapper()


class Scenario:
    def __init__(self, place: Place, tools: Tools) -> None:
        self.place = place
        self.folder = place.folder
        self.tools = tools
        self.refusals: list[str] = []
        self.head: Process | None = None
        self.head_pid = 0
        self.bodies: dict[str, Process] = {}
        self.clients: dict[str, Connection] = {}
        self.fds: Counter = Counter()
        self.count = 0
        self.trace = ''  # what strace said
        self.own = tools.deptyr  # what head is executed as
        self.wrapper = NO_WRAPPER  # of what is started next
        self.keeper = ''  # the service manager, or an s6-fdholder's socket
        self.console: Console | None = None  # head's own terminal
        self.manager = place.add(ServiceManager(self.folder / 'notify'))

    def path(self, name: str) -> Path:
        return self.folder / name

    # --- steps ---------------------------------------------------------------

    def step(self, act: Callable[..., None], *args) -> None:
        try:
            act(*args)
        except Refused as why:
            self.refusals.append(str(why))
            if len(self.refusals) > 1:
                raise Finding(f'refused again after one fault: {self.refusals}') from None
            self.check_head_lives()
            try:
                act(*args)
            except Refused as again:
                raise Finding(f'refused again after one fault: {self.refusals}, {again}') from None
        if act != self.stop:
            self.check_head_lives()

    def check_head_lives(self) -> None:
        if self.head is not None and self.head.ended():
            raise Finding(f'head ended with {self.head.child.returncode}: {self.head.last_line()}')

    def process(self, name: str, words: list[str], wrapper: Wrapper = NO_WRAPPER,
                **options) -> Process:
        self.count += 1
        env = {**os.environ, **wrapper.env, **options.pop('env', {})}
        return self.place.add(Process(self.folder, f'{self.count}-{name}', wrapper.words + words,
                                      env=env, **options))

    def start_head(self) -> None:
        self.start_service(
            'head', [self.own, 'head', *([] if self.console else ['--headless']),
                     '--client-dir', str(self.folder),
                     *(['--keeper', f's6:{self.keeper}'] if self.keeper else []),
                     *(word for name in ('raw', 'uwsgi') for session in 'ab'
                       for word in (f'--{name}', f'{self.path(name + session)}={session}')),
                     str(self.path('head'))],
            'listens on', {} if self.keeper else
            {'NOTIFY_SOCKET': str(self.path('notify')), 'FDSTORE': '100'})

    def start_service(self, name: str, words: list[str], last_said: str,
                      env: dict[str, str]) -> None:
        wrapper, self.wrapper = self.wrapper, NO_WRAPPER
        ready, told = os.pipe2(os.O_NONBLOCK)
        options = {}
        if self.console:
            wrapper = Wrapper(['setsid', '--ctty', *wrapper.words], wrapper.env)
            terminal = self.console.terminal
            options = {'stdin': terminal, 'stdout': terminal, 'start_new_session': False}
        try:
            head = self.process(name, [*words[:2], '--ready-fd', str(told), *words[2:]],
                                wrapper, pass_fds=[told], env=env, **options)
            # It may be the very write that fails.
            wait_until(lambda: select.select([ready], [], [], 0)[0] or head.ended()
                       or last_said in head.said(), name)
        finally:
            os.close(ready)
            os.close(told)
        pids = [pid for pid in [head.pid, *descendants(head.pid)] if comm(pid) == 'deptyr']
        if head.ended() or not pids:
            self.refused_by(head, name)
        self.head = head
        self.head_pid = pids[0]

    def refused_by(self, process: Process, who: str, code: int = SYSTEM_FAILURE) -> None:
        end = process.wait(who)
        lines = [line for line in process.said().splitlines() if OWN_WORDS.match(line)]
        if end != code or not lines:
            raise Finding(f'{who} ended with {end}: {process.said()[-300:]!r}')
        raise Refused(lines[-1])

    def start_body(self, session: str, *program: str) -> None:
        wrapper, self.wrapper = self.wrapper, NO_WRAPPER
        if old := self.bodies.pop(session, None):
            old.close()
        body = self.process('body', [self.tools.deptyr, 'body', '--name', session,
                                     str(self.path('head')), '--', self.tools.traffic, *program],
                            wrapper)

        def executed() -> bool:
            return body.ended() or any(comm(pid) == 'traffic'
                                       for pid in [body.pid, *descendants(body.pid)])
        wait_until(executed, f'the body of {session}')
        if body.ended():
            self.refused_by(body, 'body')
        self.bodies[session] = body

    def connect(self, name: str, path: str, framed: bool = False) -> None:
        if old := self.clients.pop(name, None):
            old.close()
        self.clients[name] = self.place.add(Connection(self.path(path), framed))

    def echo(self) -> None:
        """Somebody at b is answered, on the connection that was there."""
        self.count += 1
        word = b'<%d>' % self.count
        try:
            if 'b' not in self.clients:
                self.connect('b', 'rawb')
                self.clients['b'].until(b'size ')
            self.clients['b'].send(word)
            self.clients['b'].until(word)
        except Refused:
            if broken := self.clients.pop('b', None):
                broken.close()
            raise

    def flood(self) -> None:
        """a writes and reads noise; a raw, a uwsgi and an attached client get
        all of it, and it gets the keys of one of them."""
        if 'a' not in self.bodies:
            self.start_body('a', 'both', str(WRITTEN), str(TYPED))
        attached = None
        try:
            self.connect('a', 'rawa')
            self.connect('u', 'uwsgia', framed=True)
            for name in 'au':
                self.clients[name].until(b'ready\n')
            attached = self.attach('a')
            wait_until(lambda: attached.ended() or '"attach"' in self.verb('status', '--json', 'a'),
                       'attach')
            start = len(b'ready\n')
            self.clients['u'].type(b'\n')
            self.clients['u'].until_size(start + 1)
            self.clients['a'].type(UP)
            wanted = DOWN + b'read %d as sent\n' % TYPED
            for name in 'au':
                self.clients[name].until_size(start + len(wanted))
                self.same(f'client {name}', self.clients[name].got[start:], wanted)
            wait_until(lambda: attached.ended()
                       or self.attached_path.stat().st_size >= len(wanted), 'what attach shows')
            if attached.ended():
                self.refused_by(attached, 'attach')
        except Refused:
            self.bodies.pop('a').close()
            if attached:
                attached.close()
            raise
        self.same('attach', self.attached_path.read_bytes(), wanted)
        attached.child.terminate()
        if attached.wait('attach') != 0:
            raise Finding(f'attach: {attached.said()[-300:]}')

    def attach(self, session: str) -> Process:
        self.attached_path = self.path(f'attached-{self.count}')
        with open(self.attached_path, 'wb') as out:
            return self.process('attach', [self.tools.deptyr, 'attach', '--read-only',
                                           str(self.path('head')), session], stdout=out)

    def same(self, who: str, got: bytes, wanted: bytes) -> None:
        if got != wanted:
            at = next((i for i, (x, y) in enumerate(zip(got, wanted)) if x != y),
                      min(len(got), len(wanted)))
            raise Finding(f'{who}: {len(got)} bytes for {len(wanted)}, other from {at} on: '
                          f'{got[at:at + 40]!r} for {wanted[at:at + 40]!r}')

    def resize(self) -> None:
        """A uwsgi client's size is that of b's terminal."""
        self.connect('ub', 'uwsgib', framed=True)
        client = self.clients['ub']
        for rows, cols in ((31, 101), (32, 102)):
            client.packet(100, rows)
            client.packet(101, cols)
            client.until(b'size %dx%d' % (rows, cols))
        client.close()

    def verb(self, *words: str) -> str:
        done = self.process('verb', [self.tools.deptyr, words[0], str(self.path('head')), *words[1:]])
        if done.wait(words[0]) == 0:
            return done.said()
        self.refused_by(done, words[0])
        return ''

    def verbs(self) -> None:
        for words in (['ls', '--json'], ['status', '--json', 'b'], ['status', '--head'],
                      ['snapshot', 'b'], ['history', 'b'], ['send', 'b', 'text']):
            self.verb(*words)

    def end_a(self) -> None:
        """The program ends, the next comes, and all clients see both."""
        client = self.clients['a']
        client.got = b''
        if 'a' in self.bodies:
            self.bodies.pop('a').close()
        wait_until(lambda: '"running"' not in self.verb('status', '--json', 'a'), 'the end of a')
        self.start_body('a', 'sizes')
        try:
            client.until(b'size ')
        except Refused:
            self.connect('a', 'rawa')
            raise

    def client_dir(self) -> None:
        for session in 'ab':
            if not self.path(f'{session}.raw').exists():
                said = self.head.said() if self.head else ''
                if f"session={session} can't be attached to there" not in said:
                    raise Finding(f'no {session}.raw, and nothing was said')
                self.refusals.append(f'no {session}.raw')
                continue
            client = self.place.add(Connection(self.path(f'{session}.raw')))
            try:
                client.until(b'size ')
            finally:
                client.close()

    def lose_socket(self) -> None:
        """The socket's file goes, and comes back."""
        before = self.head.said().count("can't restore")
        self.path('head').unlink(missing_ok=True)
        os.kill(self.head_pid, signal.SIGHUP)

        def listens() -> bool:
            try:
                Connection(self.path('head')).close()
            except Refused:
                return False
            return True
        wait_until(lambda: self.head.said().count("can't restore") > before or listens(),
                   'the restored socket')
        if self.head.said().count("can't restore") > before:
            raise Refused(self.head.last_line())

    def upgrade(self) -> None:
        said = self.verb('upgrade')
        if 'is deptyr' not in said:
            raise Finding(f'upgrade: {said}')

    def start_holder(self) -> None:
        self.keeper = str(self.path('holder'))
        holder = self.process('holder', ['s6-fdholder-daemon', '-1', '-i', str(RULES), self.keeper])
        wait_until(lambda: holder.ended() or '\n' in holder.said(), 's6-fdholder-daemon')

    def kill_head(self) -> None:
        os.kill(self.head_pid, signal.SIGKILL)
        self.head.wait('head')
        self.head = None
        for name in list(self.clients):
            self.clients.pop(name).close()

    def fall_back(self) -> None:
        """No head is there: the program runs without a terminal."""
        wrapper, self.wrapper = self.wrapper, NO_WRAPPER
        body = self.process('body', [self.tools.deptyr, 'body', '--fallback', '--wait', '0',
                                     str(self.path('nobody')), '--', 'echo', 'it runs'], wrapper)
        end = body.wait('body')
        if (end == 0) != ('it runs' in body.said()):
            raise Finding(f'body ended with {end}: {body.said()!r}')
        if end != 0:
            self.refused_by(body, 'body', CANNOT_EXECUTE if end == CANNOT_EXECUTE else SYSTEM_FAILURE)

    def leave(self) -> None:
        """Everybody leaves."""
        for name in list(self.clients):
            self.clients.pop(name).close()
        for name in list(self.bodies):
            self.bodies.pop(name).close()

    def stop(self) -> None:
        os.kill(self.head_pid, signal.SIGTERM)
        self.end_of_head()

    def end_of_head(self) -> None:
        end = self.head.wait('head')
        if end != 0:
            raise Finding(f'head ended with {end}: {self.head.last_line()}')

    # --- the whole -----------------------------------------------------------

    def at_head(self, wrapper: Wrapper) -> None:
        self.wrapper = wrapper
        self.step(self.start_head)
        self.step(self.start_body, 'b', 'sizes')
        self.step(self.echo)
        for act in (self.flood, self.resize, self.verbs, self.end_a, self.client_dir,
                    self.lose_socket, self.upgrade):
            self.step(act)
            self.step(self.echo)
        self.leave()

    def at_trial(self, wrapper: Wrapper) -> None:
        """The scenario of the process that an upgrade is tried with."""
        own = self.path('deptyr')
        own.symlink_to(self.tools.deptyr)
        self.own = str(own)
        self.step(self.start_head)
        self.step(self.start_body, 'b', 'sizes')
        self.step(self.echo)
        own.unlink()
        env = [f'{name}={value}' for name, value in wrapper.env.items()]
        trial = ' '.join(map(shlex.quote, ['env', *env, *wrapper.words, self.tools.deptyr]))
        own.write_text('#!/bin/sh\n'
                       'command=$1 && shift\n'
                       f'case $DEPTYR_OFFER in *trial) mkdir {self.path("tried")} 2> /dev/null &&\n'
                       f'    exec {trial} "$command" "$@" ;; esac\n'
                       f'exec {shlex.quote(self.tools.deptyr)} "$command" "$@"\n')
        own.chmod(0o755)
        self.step(self.upgrade)
        self.step(self.echo)
        self.leave()

    def at_body(self, wrapper: Wrapper) -> None:
        self.step(self.start_head)
        self.step(self.start_body, 'b', 'sizes')
        self.step(self.echo)
        self.wrapper = wrapper
        self.step(self.start_body, 'a', 'sizes')
        self.step(self.echo)
        self.connect('a', 'rawa')
        self.clients['a'].until(b'size ')
        self.leave()

    def at_s6(self, wrapper: Wrapper) -> None:
        """The scenario of a head that takes its sessions back from an s6-fdholder."""
        self.start_holder()
        self.step(self.start_head)
        self.step(self.start_body, 'b', 'sizes')
        self.step(self.echo)
        self.kill_head()
        self.wrapper = wrapper
        self.step(self.start_head)
        self.step(self.echo)
        self.step(self.start_body, 'a', 'sizes')
        self.step(self.connect, 'a', 'rawa')
        for act in (self.echo, self.end_a, self.echo):
            self.step(act)
        self.leave()

    def at_fallback(self, wrapper: Wrapper) -> None:
        self.step(self.start_head)
        self.step(self.start_body, 'b', 'sizes')
        self.wrapper = wrapper
        self.step(self.fall_back)
        self.step(self.echo)
        self.leave()

    def settle(self, wanted: Counter | None, spare: int) -> None:
        """The descriptors of head once it is idle: no more than `wanted`."""
        if wanted is not None:
            try:
                wait_until(lambda: (descriptors(self.head_pid) - wanted).total() <= spare, '')
            except Finding:
                more = dict(descriptors(self.head_pid) - wanted)
                raise Finding(f'descriptors that were left open: {more}') from None
        switches = ''

        def quiet() -> bool:
            nonlocal switches
            before, switches = switches, status_field(self.head_pid, 'voluntary_ctxt_switches')
            return before == switches
        wait_until(quiet, 'head to be idle')
        self.fds = descriptors(self.head_pid)

    def check_socket(self, may_stay: bool) -> None:
        if self.path('head').exists() and not may_stay:
            raise Finding('the socket was left behind')
