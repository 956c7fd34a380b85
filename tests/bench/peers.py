"""How deptyr, its peers and the bare loops are started and ended, and how
clients reach them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

sys.path.append(str(Path(__file__).resolve().parent.parent / 'faults'))

from parties import ServiceManager  # noqa: E402

DEADLINE = 60.0


class Failure(Exception):
    """Something did not work; the text says what."""


def wait_until(holds: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    """Waits for events that nobody reports: files appear, processes go."""
    end = time.monotonic() + deadline
    while not holds():
        if time.monotonic() > end:
            raise Failure(f'waited in vain for {what}')
        time.sleep(0.002)


def command_line(pid: int) -> list[str]:
    try:
        return Path(f'/proc/{pid}/cmdline').read_text().split('\0')[:-1]
    except (OSError, UnicodeDecodeError):
        return []


def children(pid: int) -> list[int]:
    found = []
    try:
        for task in Path(f'/proc/{pid}/task').iterdir():
            found += map(int, (task / 'children').read_text().split())
    except OSError:
        pass  # it has ended
    return found


def descendants(pid: int, prune: Callable[[int], bool] = lambda pid: False) -> list[int]:
    found = []
    for child in children(pid):
        if not prune(child):
            found += [child] + descendants(child, prune)
    return found


def end_descendants() -> None:
    """Ends daemons, too, because we are their reaper."""
    while pids := descendants(os.getpid()):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            reaped, _ = os.waitpid(-1, 0)
            while reaped != 0:
                reaped, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pass


class Tools:
    """The built programs."""

    def __init__(self, build: Path, against: Path | None = None) -> None:
        self.build = build
        self.deptyr = str(build / 'deptyr')
        self.against = str(against or '')  # another deptyr
        self.meter = str(build / 'tests/meter')
        self.bare = str(build / 'tests/bare')
        self.bare_pty = str(build / 'tests/bare-pty')
        self.first = str(build / 'tests/first-instruction')

    def is_program(self, pid: int) -> bool:
        return command_line(pid)[:2] == [self.meter, 'program']


class Server:
    """A peer that runs with its sessions in a folder of its own; it goes with
    everything it started at the end of a `with`."""

    dialect = 'raw'

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.folder = Path(tempfile.mkdtemp(prefix='deptyr-compare-'))
        self.roots: list[int] = []  # of the relay's processes
        self.started: list[subprocess.Popen] = []
        self.closers: list[Callable[[], None]] = []

    def __enter__(self) -> 'Server':
        return self

    def __exit__(self, *_) -> None:
        # Whoever is asked to end does so when this is done.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
        end_descendants()
        for process in self.started:
            process.wait()
        for close in self.closers:
            close()
        shutil.rmtree(self.folder, ignore_errors=True)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    # A peer says how it starts `count` sessions of the program, where "@" is
    # the number of each, and how their clients connect.

    def start(self, program: list[str], count: int) -> None:
        raise NotImplementedError

    def address(self, session: int) -> str:
        return str(self.folder / str(session))

    def relay(self) -> list[int]:
        """The processes between program and client."""
        skip = self.tools.is_program
        return self.roots + [pid for root in self.roots for pid in descendants(root, skip)]

    def spawn(self, *words: object, root: bool = True, **options) -> subprocess.Popen:
        """A child that ends with us."""
        with open(self.folder / 'log', 'ab') as log:
            process = subprocess.Popen(
                [self.tools.meter, 'child', *map(str, words)], stderr=log,
                start_new_session=True, **{'stdin': subprocess.DEVNULL, 'stdout': log} | options)
        self.started.append(process)
        if root:
            self.roots.append(process.pid)
        return process

    def call(self, *words: object) -> str:
        """Returns the output of a command that ends at once."""
        try:
            done = subprocess.run(list(map(str, words)), stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True, timeout=DEADLINE, check=False)
        except subprocess.TimeoutExpired as expired:
            raise Failure(f'{words[0]} did not end') from expired
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip() or f'ended with {done.returncode}'
            raise Failure(f'{Path(str(words[0])).name}: {said}')
        return done.stdout.strip()

    def await_newline(self, ready: int, written: int, who: str) -> None:
        os.close(written)
        with open(ready, 'rb') as pipe:
            if pipe.read(1) != b'\n':
                raise Failure(f'{who}: {(self.folder / "log").read_text().strip()}')

    def script(self, program: list[str], session: int) -> str:
        """Makes a script for peers that take no arguments for a program."""
        path = self.folder / f'program{session}'
        path.write_text(f'#!/bin/sh\nexec {" ".join(numbered(program, session))}\n')
        path.chmod(0o700)
        return str(path)


def numbered(program: list[str], number: int) -> list[str]:
    return [str(number) if word == '@' else word for word in program]


class Peer:
    """The facts about a peer that compare needs."""

    def __init__(self, name: str, server: type[Server], package: str = '', program: str = '', *,
                 crowd: bool = True, alone: bool = True, exact: bool = True,
                 share: float = 1.0, sessions: int = 1000) -> None:
        self.name = name
        self.server = server
        self.package = package      # of Debian (or several), and
        self.program = program      # what shows that it is installed
        self.crowd = crowd          # takes several clients
        self.alone = alone          # runs programs without a client
        self.exact = exact          # passes all on as it is
        self.share = share          # of the bytes of a measurement: the slow ones'
        self.sessions = sessions    # how many of them are measured at rest

    def missing(self) -> bool:
        return bool(self.program) and not (
            os.path.exists(self.program) or shutil.which(self.program))


class BareRelay(Server):
    def start(self, program: list[str], count: int) -> None:
        self.spawn(self.tools.bare, 'relay', self.address(0), *numbered(program, 0))


class BareDrain(Server):
    def start(self, program: list[str], count: int) -> None:
        self.spawn(self.tools.bare, 'drain', *numbered(program, 0))


class BarePoll(Server):
    loop = 'poll'

    def start(self, program: list[str], count: int) -> None:
        self.spawn(self.tools.bare, self.loop, self.folder, count, *program)


class BareKeep(BarePoll):
    loop = 'keep'


class BareHold(Server):
    def hold(self) -> Path:
        socket = self.folder / 'hold'
        ready, written = os.pipe()
        self.spawn(self.tools.bare, 'hold', socket, stdout=written)
        self.await_newline(ready, written, 'bare hold')
        return socket


class Deptyr(Server):
    """Runs deptyr with a keeper, if there is an s6-fdholder."""

    kept = 1000  # sessions; what the keeper below has room for
    listened = 64  # sessions that each have sockets of their own
    environment: dict[str, str] = {}  # head's, beside ours

    def binary(self) -> str:
        return self.tools.deptyr

    def start(self, program: list[str], count: int) -> None:
        self.head(count)
        for session in range(count):
            self.body(session, numbered(program, session))

    def keeper(self, count: int) -> str:
        if count <= self.kept and shutil.which('s6-fdholder-daemon'):
            return 's6:' + self.fdholder()
        return 'none'

    def head(self, count: int) -> None:
        clients = self.folder / 'clients'
        clients.mkdir()
        sockets = ['--client-dir', clients]
        if count > self.listened:
            sockets = ['--raw', f'{clients}/0.raw=0']
        ready, written = os.pipe()
        self.spawn(self.binary(), 'head', '--headless', '--max-sessions', 20000, '--keeper',
                   self.keeper(count), '--ready-fd', written, *sockets, self.folder / 'head', pass_fds=[written],
                   env=os.environ | self.environment)
        self.await_newline(ready, written, 'deptyr head')

    def body(self, session: int, program: list[str], **options) -> subprocess.Popen:
        return self.spawn(self.binary(), 'body', '--name', session, self.folder / 'head', '--',
                          *program, root=False, **options)

    def fdholder(self) -> str:
        env = self.folder / 'rules/uid/self/env'
        env.mkdir(parents=True)
        (env.parent / 'allow').touch()
        for name in 'LIST', 'STORE_REGEX', 'RETRIEVE_REGEX':
            (env / f'S6_FDHOLDER_{name}').write_text('^d')
        socket = self.folder / 'fdholder'
        ready, written = os.pipe()
        self.spawn('s6-fdholder-daemon', '-1', '-n', 4000, '-i', self.folder / 'rules', socket,
                   root=False, stdout=written)
        self.await_newline(ready, written, 's6-fdholder-daemon')
        return str(socket)

    def address(self, session: int) -> str:
        return str(self.folder / f'clients/{session}.raw')


class DeptyrAgainst(Deptyr):
    def binary(self) -> str:
        return self.tools.against


class DeptyrUnkept(Deptyr):
    kept = 0


class DeptyrSystemd(Deptyr):
    """systemd keeps copies of the descriptors."""

    def keeper(self, count: int) -> str:
        manager = ServiceManager(self.folder / 'notify')
        self.closers.append(manager.close)
        self.environment = {'NOTIFY_SOCKET': str(self.folder / 'notify'), 'FDSTORE': '4000'}
        return 'systemd'


class DeptyrLogged(DeptyrUnkept):
    """A logger has what the programs show."""

    def body(self, session: int, program: list[str], **options) -> subprocess.Popen:
        logger, log = os.pipe()
        self.spawn('cat', stdin=logger, stdout=subprocess.DEVNULL, root=False)
        os.close(logger)
        body = super().body(session, program, stdout=log)
        os.close(log)
        return body


class DeptyrFollowed(DeptyrUnkept):
    """Somebody waits for something on the screen."""

    def start(self, program: list[str], count: int) -> None:
        super().start(program, count)
        self.spawn(self.binary(), 'wait', '--timeout', 'never', '--screen', 'not shown',
                   self.folder / 'head', 0, root=False)


class DeptyrFramed(Deptyr):
    dialect = 'uwsgi'

    def address(self, session: int) -> str:
        return str(self.folder / f'clients/{session}.uwsgi')


class DeptyrAttach(Deptyr):
    dialect = 'tty'

    def address(self, session: int) -> str:
        return f'{self.tools.deptyr} attach {self.folder}/head {session}'


class Dtach(Server):
    dialect = 'dtach'

    def start(self, program: list[str], count: int) -> None:
        for session in range(count):
            self.spawn('dtach', '-N', self.address(session), '-r', 'none',
                       *numbered(program, session))


class DtachAttach(Dtach):
    dialect = 'tty'

    def start(self, program: list[str], count: int) -> None:
        for session in range(count):
            self.spawn('dtach', '-N', self.folder / str(session), '-r', 'none',
                       *numbered(program, session))

    def address(self, session: int) -> str:
        return f'dtach -a {self.folder}/{session} -r none'


class Tmux(Server):
    dialect = 'tty'

    def tmux(self) -> list[str]:
        return ['env', '-u', 'TMUX', 'TERM=xterm', 'tmux', '-f', '/dev/null',
                '-S', f'{self.folder}/tmux']

    def start(self, program: list[str], count: int) -> None:
        for session in range(count):
            self.call(*self.tmux(), 'new-session', '-d', '-s', f's{session}', '-x', 80, '-y', 24,
                      ' '.join(['exec', *numbered(program, session)]))
        self.roots.append(int(self.call(*self.tmux(), 'display-message', '-p', '#{pid}')))

    def address(self, session: int) -> str:
        return ' '.join([*self.tmux(), 'attach', '-t', f's{session}'])


class Screen(Server):
    dialect = 'tty'

    def screen(self) -> list[str]:
        return ['env', f'SCREENDIR={self.folder}/screens', 'TERM=xterm', 'screen',
                '-c', '/dev/null', '-ln']  # without a line in utmp

    def start(self, program: list[str], count: int) -> None:
        (self.folder / 'screens').mkdir(mode=0o700)
        for session in range(count):
            self.spawn(*self.screen(), '-D', '-m', '-S', f's{session}',
                       *numbered(program, session))

    def address(self, session: int) -> str:
        return ' '.join([*self.screen(), '-x', f's{session}'])


class Socat(Server):
    """Starts the program when its client connects, as do uWSGI's routers."""

    def start(self, program: list[str], count: int) -> None:
        for session in range(count):
            words = ' '.join(numbered(program, session))
            self.spawn('socat', f'UNIX-LISTEN:{self.address(session)}',
                       f'EXEC:{words},pty,setsid,ctty')


class Conmon(Server):
    dialect = 'conmon'

    def start(self, program: list[str], count: int) -> None:
        for session in range(count):
            bundle = self.folder / f'bundle{session}'
            bundle.mkdir()
            (bundle / 'program').write_text('\n'.join(numbered(program, session)))
            # It forks and goes on in the background.
            self.spawn('conmon', '--terminal', '--stdin', '--bundle', bundle, '--cid', session,
                       '--cuuid', session, '--runtime', self.tools.meter, '--runtime-arg',
                       'runtime', '--container-pidfile', bundle / 'pid', '--conmon-pidfile',
                       bundle / 'conmon', '--socket-dir-path', self.folder, '--log-path', 'none:',
                       root=False)
        for session in range(count):
            pid = self.folder / f'bundle{session}/conmon'
            wait_until(lambda pid=pid: pid.exists() and pid.read_text().strip(), 'conmon')
            self.roots.append(int(pid.read_text()))

    def address(self, session: int) -> str:
        return str(self.folder / str(session) / 'attach')


class Conserver(Server):
    dialect = 'tty'
    port = 0

    def start(self, program: list[str], count: int) -> None:
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        config = self.folder / 'conserver.cf'
        config.write_text('access * { trusted 127.0.0.1; }\n' + ''.join(
            f'console s{session} {{ master localhost; type exec; rw *; '
            f'exec "{self.script(program, session)}"; }}\n' for session in range(count)))
        self.spawn('conserver', '-M', '127.0.0.1', '-p', self.port, '-C', config, '-m', 1000)
        wait_until(self.listens, 'conserver')

    def listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(('127.0.0.1', self.port)) == 0

    def address(self, session: int) -> str:
        return f'console -M 127.0.0.1 -p {self.port} -f s{session}'


class UwsgiRouter(Server):
    option = '--forkptyrouter'

    def start(self, program: list[str], count: int) -> None:
        root = self.spawn('uwsgi-core', '--plugins', 'corerouter,forkptyrouter', '--master',
                          self.option, self.address(0), '--forkptyrouter-command',
                          self.script(program, 0))
        wait_until(lambda: children(root.pid), 'forkptyrouter')


class UwsgiRouterFramed(UwsgiRouter):
    option = '--forkpty-urouter'
    dialect = 'uwsgi'


class UwsgiPty(Server):
    def start(self, program: list[str], count: int) -> None:
        for session in range(count):
            self.spawn('uwsgi-core', '--plugins', 'pty', '--master', '--workers', 1,
                       '--socket', f'{self.address(session)}.unused',
                       '--pty-socket', self.address(session),
                       '--pty-exec', self.script(program, session))


PLUGINS = '/usr/lib/uwsgi/plugins'
BARE_DRAIN = Peer('bare drain', BareDrain)
BARE_RELAY = Peer('bare relay', BareRelay, alone=False)
BARE_POLL = Peer('bare poll', BarePoll)
BARE_KEEP = Peer('bare poll that keeps a MiB each', BareKeep)
DEPTYR = Peer('deptyr', Deptyr, sessions=16000)
DEPTYR_AGAINST = Peer('deptyr, the other', DeptyrAgainst)
DEPTYR_UNKEPT = Peer('deptyr, no keeper', DeptyrUnkept)
DEPTYR_SYSTEMD = Peer('deptyr, kept by systemd', DeptyrSystemd)
DEPTYR_LOGGED = Peer('deptyr, with a log', DeptyrLogged)
DEPTYR_FOLLOWED = Peer('deptyr, its screen waited for', DeptyrFollowed)
DEPTYR_RUN = Peer('deptyr run -d', DeptyrUnkept)
DEPTYR_FRAMED = Peer('deptyr, framed', DeptyrFramed)
DEPTYR_ATTACH = Peer('deptyr attach', DeptyrAttach)
PEERS = [
    Peer('dtach', Dtach, 'dtach', 'dtach'),
    Peer('dtach -a', DtachAttach, 'dtach', 'dtach'),
    Peer('tmux', Tmux, 'tmux', 'tmux', exact=False, share=1 / 2),
    Peer('screen', Screen, 'screen', 'screen', exact=False, share=1 / 8, sessions=100),
    Peer('socat', Socat, 'socat', 'socat', crowd=False, alone=False, sessions=100),
    Peer('conmon', Conmon, 'conmon', 'conmon', sessions=100),
    Peer('conserver', Conserver, 'conserver-server conserver-client', 'conserver', sessions=100),
    Peer('uwsgi router', UwsgiRouter, 'uwsgi-core', f'{PLUGINS}/forkptyrouter_plugin.so',
         crowd=False, alone=False),
    Peer('uwsgi router, framed', UwsgiRouterFramed, 'uwsgi-core',
         f'{PLUGINS}/forkptyrouter_plugin.so', crowd=False, alone=False),
    Peer('uwsgi pty', UwsgiPty, 'uwsgi-core', f'{PLUGINS}/pty_plugin.so', sessions=100),
]
