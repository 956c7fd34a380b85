"""The scenarios that are measured, and how results are shown."""

import contextlib
import json
import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterable, Iterator

from measure import Measurement, memory, processor_time, ring_bytes, wake_ups
from peers import (BARE_DRAIN, BARE_KEEP, BARE_POLL, BARE_RELAY, DEADLINE, DEPTYR,
                   DEPTYR_AGAINST, DEPTYR_ATTACH, DEPTYR_FOLLOWED, DEPTYR_FRAMED, DEPTYR_LOGGED, DEPTYR_RUN,
                   DEPTYR_SYSTEMD, DEPTYR_UNKEPT, BareHold, Deptyr, Dtach, Failure, Peer, Screen, Server,
                   Tmux, Tools, descendants, wait_until)

MIB = 1 << 20
GIB = 1 << 30
OURS = ('deptyr', 'bare')

# Without a blank or a line break; see meter.h.
FULL_SCREEN = '\x1b[?1049h' + ''.join(
    f'\x1b[{row};1H\x1b[3{row % 8}m{"x" * 78}' for row in range(1, 25))

Result = dict
Value = Callable[[Result], float]


@dataclass
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        lines = [self.columns, ['---'] * len(self.columns), *self.rows]
        return f'### {self.title}\n\n' + '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


@dataclass
class Bar:
    """A bar of the plot, as a multiple of the bare loop; more is better."""
    scenario: str
    deptyr: float
    best: float
    best_name: str


@dataclass
class Row:
    """A figure of deptyr beside the best peer's."""
    what: str
    ours: list[float]    # one for each round, as are the others
    best: str            # the peer; '' if none does this
    theirs: list[float]
    ratios: list[float]  # ours to theirs
    most: bool           # more is better

    def standing(self) -> str:
        """Says who is ahead; somebody is if all rounds agree."""
        if not self.ratios:
            return '-'
        if min(self.ratios) > 1:
            return 'ahead' if self.most else '**behind**'
        if max(self.ratios) < 1:
            return '**behind**' if self.most else 'ahead'
        return 'even'

    def compared(self) -> list[float]:
        """What is compared with another run's, on a machine of another speed."""
        return self.ratios or self.ours

    def cells(self) -> list[str]:
        theirs = f'{spread(self.theirs)}, {self.best}' if self.best else '-'
        return [self.what, spread(self.ours), theirs, spread(self.ratios), self.standing()]


@dataclass
class Report:
    tables: list[Table] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    targets: list[list[str]] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    against: list[list[str]] = field(default_factory=list)  # rows: ours and another deptyr
    growth: dict[str, dict[str, list[tuple[int, float]]]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)  # peers, and why
    broken: list[str] = field(default_factory=list)       # of ours


def number(value: float) -> str:
    if value == 0:
        return '0'
    return f'{value:.0f}' if abs(value) >= 100 else f'{value:.3g}'


def spread(values: list[float]) -> str:
    """The median, and the range."""
    if not values:
        return '-'
    median = number(statistics.median(values))
    return median if len(values) == 1 else f'{median} ({number(min(values))}-{number(max(values))})'


class Rounds:
    """Results of several peers that took turns."""

    def __init__(self, names: list[str]) -> None:
        self.results: dict[str, list[Result | None]] = {name: [] for name in names}

    def values(self, name: str, value: Value) -> list[float]:
        return [value(result) for result in self.results.get(name, []) if result is not None]

    def ratios(self, name: str, to: str, value: Value) -> list[float]:
        """Ratios, each of one round."""
        pairs = zip(self.results.get(name, []), self.results.get(to, []))
        return [value(a) / value(b) for a, b in pairs
                if a is not None and b is not None and value(b) != 0]

    def best(self, value: Value, most: bool = True, among: Iterable[str] | None = None) -> str:
        """The peer that is ahead of the others; '' without any."""
        medians = {name: statistics.median(self.values(name, value))
                   for name in among or self.results
                   if not name.startswith(OURS) and self.values(name, value)}
        return (max if most else min)(medians, key=medians.__getitem__, default='')

    def names(self) -> Iterable[str]:
        return [name for name in self.results if any(self.results[name])]


class Scenarios:
    def __init__(self, tools: Tools, peers: list[Peer], rounds: int, small: bool,
                 say: Callable[[str], None]) -> None:
        self.tools = tools
        self.peers = peers
        self.ours = [DEPTYR, DEPTYR_AGAINST] if tools.against else [DEPTYR]
        self.rounds = rounds
        self.small = small
        self.say = say
        self.report = Report()

    # Parts that scenarios have in common.

    def take_turns(self, peers: list[Peer], one: Callable[[Peer], Result]) -> Rounds:
        rounds = Rounds([peer.name for peer in peers])
        failed: set[str] = set()
        for _ in range(self.rounds):
            for peer in peers:
                result = None
                if peer.name not in failed:
                    try:
                        result = one(peer)
                    except (Failure, OSError, ValueError) as failure:
                        failed.add(peer.name)
                        self.failed(peer.name, failure)
                rounds.results[peer.name].append(result)
        return rounds

    def failed(self, name: str, failure: object) -> None:
        self.say(f'{name}: {failure}')
        if name.startswith(OURS):
            self.report.broken.append(f'{self.scenario}: {name}: {failure}')
        else:
            self.report.absent[f'{name} ({self.scenario})'] = str(failure)

    def check(self, peer: Peer, result: Result) -> Result:
        """Checks that deptyr lost nothing."""
        if peer.name.startswith(OURS) and not (result['done'] and result['intact']):
            self.report.broken.append(f'{self.scenario}: {peer.name}: bytes were lost: {result}')
        return result

    def table(self, title: str, rounds: Rounds, columns: dict[str, Callable[[str], str]]) -> None:
        self.report.tables.append(Table(title, ['peer', *columns], [
            [name, *(column(name) for column in columns.values())] for name in rounds.names()]))

    def target(self, what: str, wanted: str, values: list[float], limit: float,
               least: bool = True, unit: str = '') -> None:
        """Adds a target; the median has to meet it."""
        met = '-'
        if values:
            median = statistics.median(values)
            met = 'yes' if (median >= limit if least else median <= limit) else '**no**'
        self.report.targets.append([what, wanted, spread(values) + unit, met])

    def versus(self, what: str, rounds: Rounds, value: Value, most: bool = True) -> None:
        """Says how deptyr does beside another deptyr; a difference is one if all rounds agree."""
        ratios = rounds.ratios('deptyr', DEPTYR_AGAINST.name, value)
        if not ratios:
            return
        verdict = 'no difference'
        if min(ratios) > 1:
            verdict = 'better' if most else '**worse**'
        elif max(ratios) < 1:
            verdict = '**worse**' if most else 'better'
        self.report.against.append([
            what, spread(rounds.values(DEPTYR_AGAINST.name, value)),
            spread(rounds.values('deptyr', value)), spread(ratios), verdict])

    def row(self, what: str, rounds: Rounds, value: Value, most: bool = True, *, bare: str = '',
            ours: Peer = DEPTYR, among: list[str] | None = None) -> None:
        """Sets deptyr beside the best of the peers; with `bare`, in the plot, too."""
        best = rounds.best(value, most, among)
        self.report.rows.append(Row(
            what, rounds.values(ours.name, value), best, rounds.values(best, value),
            rounds.ratios(ours.name, best, value), most))
        if ours is DEPTYR:
            self.versus(what, rounds, value, most)
        if bare:
            self.bar(what, rounds, bare, value, most)

    def alone(self, what: str, value: float, most: bool = False) -> None:
        """Adds a figure of something that no peer does."""
        self.report.rows.append(Row(what, [value], '', [], [], most))

    def bar(self, scenario: str, rounds: Rounds, bare: str, value: Value, most: bool) -> None:
        best = rounds.best(value, most)
        ours = rounds.ratios('deptyr', bare, value)
        theirs = rounds.ratios(best, bare, value)
        if ours:
            turned = (lambda ratio: ratio) if most else (lambda ratio: 1 / ratio)
            self.report.bars.append(Bar(
                scenario, turned(statistics.median(ours)),
                turned(statistics.median(theirs)) if theirs else 0, best))

    def with_own_clients(self) -> list[str]:
        """The peers whose client is a program on a terminal, as attach is."""
        return [peer.name for peer in self.peers if peer.server.dialect == 'tty']

    def size(self, mebibytes: float, peer: Peer) -> int:
        """Rounds to whole blocks of 64 KiB, at least four."""
        if self.small:
            mebibytes = min(mebibytes, 2)
        return max(4, int(mebibytes * peer.share * 16)) << 16

    # The scenarios; what they are called on the command line is SCENARIOS.

    def throughput(self) -> None:
        peers = [BARE_RELAY, BARE_POLL, *self.ours, DEPTYR_ATTACH, *self.peers]
        for kind in 'text', 'bytes':
            def one(peer: Peer, kind: str = kind) -> Result:
                size = self.size(64, peer)
                with Measurement(self.tools, peer) as measurement:
                    result = self.check(peer, measurement.sink('--kind', kind, '--bytes', size))
                return result | {'size': size}
            rounds = self.take_turns(peers, one)
            rate, cpu = mb_per_s, cpu_per_gib
            self.table(f'Throughput to one client, {kind}', rounds, {
                'MB/s': lambda name: spread(rounds.values(name, rate)),
                'times bare relay': lambda name: spread(rounds.ratios(name, 'bare relay', rate)),
                'CPU s/GiB': lambda name: spread(rounds.values(name, cpu)),
                'CPU, times bare relay':
                    lambda name: spread(rounds.ratios(name, 'bare relay', cpu)),
                'delivered': lambda name: spread(rounds.values(name, lambda r: r['least'])),
            })
            bare, best, most = (2, 1.5, 1) if kind == 'bytes' else (1.25, 1.2, 1.5)
            top = rounds.best(rate)
            self.target(f'throughput, one raw client, {kind}', f'≥ {bare}x bare relay',
                        rounds.ratios('deptyr', 'bare relay', rate), bare, unit='x')
            self.target(f'throughput, one raw client, {kind}', f'≥ {best}x the best peer ({top})',
                        rounds.ratios('deptyr', top, rate), best, unit='x')
            self.target(f'CPU per GiB relayed, {kind}', f'≤ {most}x bare relay',
                        rounds.ratios('deptyr', 'bare relay', cpu), most, False, unit='x')
            self.row(f'throughput, MB/s, {kind}', rounds, rate, bare='bare relay')
            self.row(f'throughput, CPU s/GiB, {kind}', rounds, cpu, most=False)
            self.row(f'throughput, MB/s, {kind}, deptyr attach', rounds, rate, ours=DEPTYR_ATTACH,
                     among=self.with_own_clients())

    def drain(self) -> None:
        peers = [BARE_DRAIN, BARE_POLL, *self.ours, *(peer for peer in self.peers if peer.alone)]
        peers = [peer for peer in peers if not peer.name.endswith(('-a', 'attach'))]
        for kind in 'text', 'bytes':
            def one(peer: Peer, kind: str = kind) -> Result:
                size = self.size(64, peer)
                with Measurement(self.tools, peer) as measurement:
                    result = measurement.sink('--kind', kind, '--bytes', size, clients=0)
                if not result['done']:
                    raise Failure('the program did not get rid of its output')
                return result | {'size': size, 'seconds': result['program_seconds']}
            rounds = self.take_turns(peers, one)
            rate, cpu = mb_per_s, cpu_per_gib
            self.table(f'Drain with nobody attached, {kind}', rounds, {
                'MB/s': lambda name: spread(rounds.values(name, rate)),
                'times bare drain': lambda name: spread(rounds.ratios(name, 'bare drain', rate)),
                'CPU s/GiB': lambda name: spread(rounds.values(name, cpu)),
                'CPU, times bare drain':
                    lambda name: spread(rounds.ratios(name, 'bare drain', cpu)),
            })
            limit = 3 if kind == 'bytes' else 1.1
            self.target(f'drain with nobody attached, {kind}', f'≥ {limit}x bare drain',
                        rounds.ratios('deptyr', 'bare drain', rate), limit, unit='x')
            self.row(f'drain, MB/s, {kind}', rounds, rate, bare='bare drain')
            self.row(f'drain, CPU s/GiB, {kind}', rounds, cpu, most=False)

    def keys(self) -> None:
        rounds = self.round_trips('A keystroke to the program and back', [
            BARE_POLL, *self.ours, DEPTYR_FRAMED, DEPTYR_ATTACH, *self.peers], 0, 0)
        for name in 'deptyr', 'deptyr, framed':
            for key, limit in ('p50', 1.05), ('p99', 1.2):
                self.target(f'keystroke, {name}', f'{key} ≤ {limit}x bare poll',
                            rounds.ratios(name, 'bare poll', of(key)), limit, False, 'x')
        best = rounds.best(of('p50'), most=False)
        self.target('keystroke', f'p50 below the best peer ({best})',
                    rounds.ratios('deptyr', best, of('p50')), 1, False, 'x')
        for key in 'p50', 'p99':
            self.row(f'keystroke, {key} µs, deptyr attach', rounds, of(key), most=False,
                     ours=DEPTYR_ATTACH, among=self.with_own_clients())

    def keys_beside_a_flood(self) -> None:
        self.round_trips('A keystroke, while another session floods its client', [
            BARE_POLL, *self.ours, *(peer for peer in self.peers if peer.alone)], 1, 1)

    def keys_beside_eight_floods(self) -> None:
        quiet = self.round_trips('', [DEPTYR], 0, 0)
        rounds = self.round_trips('A keystroke, while 8 other sessions flood, nobody attached', [
            BARE_POLL, *self.ours, *(peer for peer in self.peers if peer.name == 'tmux')], 8, 0)
        self.target('keystroke while 8 other sessions flood', 'p99 ≤ 3x the quiet one', [
            busy['p99'] / alone['p99'] for busy, alone
            in zip(rounds.results['deptyr'], quiet.results['deptyr']) if busy and alone], 3, False,
            'x')

    def round_trips(self, title: str, peers: list[Peer], floods: int, clients: int) -> Rounds:
        count = 100 if self.small else 500 if floods > 1 else 1000
        starts = 1 if self.small else 5

        def start(peer: Peer) -> Result:
            with Measurement(self.tools, peer, 1 + floods, others=floods > 0) as measurement:
                if floods:
                    measurement.flood_others(clients)
                return measurement.keys('--keys', count)

        # Which processes share a core is settled by chance at their start.
        def one(peer: Peer) -> Result:
            results = [start(peer) for _ in range(starts)]
            return {name: statistics.median(of(name)(result) for result in results)
                    for name in results[0]}
        rounds = self.take_turns(peers, one)
        if not title:
            return rounds
        columns = {f'{name} µs': lambda peer, key=key: spread(rounds.values(peer, of(key)))
                   for name, key in (('p50', 'p50'), ('p99', 'p99'), ('p99.9', 'p999'))}
        for key in 'p50', 'p99':
            columns[f'{key}, times bare poll'] = (
                lambda peer, key=key: spread(rounds.ratios(peer, 'bare poll', of(key))))
        columns['CPU µs a key'] = lambda peer: spread(rounds.values(peer, of('cpu')))
        self.table(title, rounds, columns)
        title = title.replace('A keystroke', 'keystroke').replace(' to the program and back', '')
        self.row(f'{title}, p50 µs', rounds, of('p50'), most=False, bare='bare poll')
        self.row(f'{title}, p99 µs', rounds, of('p99'), most=False)
        return rounds

    def fan_out(self) -> None:
        for clients, mebibytes in (1, 32), (10, 48), (100, 24):
            if self.small and clients == 100:
                continue

            def one(peer: Peer, clients: int = clients, mebibytes: float = mebibytes) -> Result:
                size = self.size(mebibytes / (4 if clients > 1 and not peer.exact else 1), peer)
                with Measurement(self.tools, peer) as measurement:
                    result = self.check(peer, measurement.sink(
                        '--kind', 'text', '--bytes', size, clients=clients))
                return result | {'size': size}
            rounds = self.take_turns(
                [BARE_POLL, *self.ours, *(peer for peer in self.peers if peer.crowd)], one)
            self.table(f'Fan-out to {clients} client{"s" if clients > 1 else ""}, text', rounds, {
                'MB/s, all together': lambda name: spread(rounds.values(name, received_mb_per_s)),
                'times bare poll':
                    lambda name: spread(rounds.ratios(name, 'bare poll', received_mb_per_s)),
                'program MB/s': lambda name: spread(rounds.values(name, mb_per_s)),
                'least delivered': lambda name: spread(rounds.values(name, of('least'))),
                'saw the end': lambda name, clients=clients: spread(
                    rounds.values(name, of('ended'))) + f' of {clients}',
            })
            self.row(f'{clients} client{"s" if clients > 1 else ""}, MB/s', rounds,
                     received_mb_per_s, bare='bare poll')
            if clients > 1:
                best = rounds.best(received_mb_per_s)
                limit = 1.5 if clients == 10 else 2
                self.target(f'{clients} clients on one session', f'≥ {limit}x the best peer ({best})',
                            rounds.ratios('deptyr', best, received_mb_per_s), limit, unit='x')
                self.target(f'{clients} clients on one session', 'every byte to each',
                            rounds.values('deptyr', of('least')), 1, unit=' of them')

    def one_that_never_reads(self) -> None:
        def one(peer: Peer) -> Result:
            # Long enough for deptyr, which waits 100 ms, once.
            size = self.size(1024 if peer is DEPTYR else 48, peer)
            options = ['--kind', 'bytes', '--bytes', size]
            with Measurement(self.tools, peer) as measurement:
                alone = self.check(peer, measurement.sink(*options))
            with Measurement(self.tools, peer) as measurement:
                beside = measurement.sink(*options, '--idle', 1)
            if peer is DEPTYR:
                self.check(peer, beside)
            stalled = not beside['done']
            return {'program': 0 if stalled else
                    alone['program_seconds'] / beside['program_seconds'],
                    'reader': 0 if beside['ended'] == 0 else alone['seconds'] / beside['seconds'],
                    'delivered': beside['least'], 'growth': (beside['memory'] - alone['memory']) / 1024}
        rounds = self.take_turns(
            [BARE_POLL, DEPTYR, *(peer for peer in self.peers if peer.crowd)], one)
        self.table('A client that never reads, beside one that does', rounds, {
            "program's speed, times that without it":
                lambda name: spread(rounds.values(name, of('program'))),
            "reader's speed, times that without it":
                lambda name: spread(rounds.values(name, of('reader'))),
            'delivered to the reader': lambda name: spread(rounds.values(name, of('delivered'))),
            'memory KiB more': lambda name: spread(rounds.values(name, of('growth'))),
        })
        for who in 'program', 'reader':
            self.row(f"a client that never reads, the {who}'s speed, times that without it", rounds,
                     of(who))
            self.target(f'a client that never reads, the {who}', '≥ 0.95x without it',
                        rounds.values('deptyr', of(who)), 0.95, unit='x')
        self.target("a client that never reads, head's memory", 'flat (≤ 256 KiB more)',
                    rounds.values('deptyr', of('growth')), 256, False, ' KiB')

    def busy_sessions(self) -> None:
        counts = (1, 2) if self.small else (1, 8, 64)
        names = ('dtach', 'conmon', 'tmux')
        for clients, what in (1, 'each with a client'), (0, 'nobody attached'):
            for count in counts if clients else counts[1:]:  # one: that's drain
                def one(peer: Peer, count: int = count, clients: int = clients) -> Result:
                    with Measurement(self.tools, peer, count) as measurement:
                        return measurement.sink('--kind', 'bytes', '--seconds',
                                                0.1 if self.small else 1.0, clients=clients)
                rounds = self.take_turns([BARE_POLL, BARE_KEEP, *self.ours, *(
                    peer for peer in self.peers if peer.name in names)], one)
                total, fair = (lambda r: sum(r['rates']) / 1e6), fairness
                title = f'{count} busy session{"s" if count > 1 else ""}, {what}'
                self.table(title, rounds, {
                    'MB/s, all together': lambda name: spread(rounds.values(name, total)),
                    'times bare poll': lambda name: spread(rounds.ratios(name, 'bare poll', total)),
                    'fairness (min/max)': lambda name: spread(rounds.values(name, fair)),
                })
                self.row(f'{title}, MB/s', rounds, total, bare='bare poll' if count == 64 else '')
                if count > 1:
                    self.row(f'{title}, fairness', rounds, fair)
                if count == 64:
                    self.target(title, 'total ≥ 0.95x bare poll',
                                rounds.ratios('deptyr', 'bare poll', total), 0.95, unit='x')
                    self.target(title, 'fairness ≥ 0.9', rounds.values('deptyr', fair), 0.9)

    def throughput_with_more(self) -> None:
        """The price of what head does beside passing bytes on."""
        peers = [DEPTYR_UNKEPT, DEPTYR, DEPTYR_SYSTEMD, DEPTYR_LOGGED, DEPTYR_FOLLOWED]

        def one(peer: Peer) -> Result:
            size = self.size(64, peer)
            with Measurement(self.tools, peer) as measurement:
                return self.check(peer, measurement.sink('--kind', 'text', '--bytes', size)) | {
                    'size': size}
        rounds = self.take_turns(peers, one)
        plain = DEPTYR_UNKEPT.name
        self.table('Throughput to one client, text, with more to do', rounds, {
            'MB/s': lambda name: spread(rounds.values(name, mb_per_s)),
            f'times {plain}': lambda name: spread(rounds.ratios(name, plain, mb_per_s)),
            f'CPU, times {plain}': lambda name: spread(rounds.ratios(name, plain, cpu_per_gib)),
        })

    def regimes(self) -> None:
        """On a machine that isn't deptyr's alone."""
        for regime, what, mebibytes in REGIMES:
            try:
                with regime():
                    self.in_regime(what, mebibytes)
            except OSError as why:
                self.report.absent[what] = str(why)

    def in_regime(self, what: str, mebibytes: float) -> None:
        for kind in 'text', 'bytes':
            for clients, bare, verb in (1, BARE_RELAY, 'relay'), (0, BARE_DRAIN, 'drain'):
                def one(peer: Peer, kind: str = kind, clients: int = clients) -> Result:
                    size = self.size(mebibytes, peer)
                    with Measurement(self.tools, peer) as measurement:
                        result = measurement.sink('--kind', kind, '--bytes', size, clients=clients)
                    if not result['done']:
                        raise Failure('the program did not get rid of its output')
                    seconds = result['seconds' if clients else 'program_seconds']
                    return result | {'size': size, 'seconds': seconds}
                rounds = self.take_turns([bare, DEPTYR], one)
                title = f'{what}: {verb}, {kind}'
                self.table(title, rounds, {
                    'MB/s': lambda name: spread(rounds.values(name, mb_per_s)),
                    f'times {bare.name}':
                        lambda name: spread(rounds.ratios(name, bare.name, mb_per_s)),
                })
                self.target(title, f'≥ 0.95x {bare.name}',
                            rounds.ratios('deptyr', bare.name, mb_per_s), 0.95, unit='x')

    def calls(self) -> None:
        """How many questions a second a script gets answered."""
        count = 3 if self.small else 100
        for what, commands in CALLS.items():
            def one(peer: Peer, commands: dict = commands) -> Result:
                with Measurement(self.tools, peer, others=True) as measurement:
                    assert measurement.others
                    control = measurement.control.listener.accept()[0]
                    control.sendall(b'say ready\n')
                    command = list(map(str, commands[peer.name](measurement.server)))
                    # The first sees the line.
                    wait_until(lambda: b'ready' in subprocess.run(
                        command, capture_output=True, check=True).stdout, 'the screen')
                    start = time.monotonic()
                    for _ in range(count):
                        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
                    control.close()
                    return {'rate': count / (time.monotonic() - start)}
            rounds = self.take_turns(
                [peer for peer in [DEPTYR, *self.peers] if peer.name in commands], one)
            self.table(what, rounds, {
                'calls a second': lambda name: spread(rounds.values(name, of('rate')))})
            self.row(f'{what}, calls a second', rounds, of('rate'))

    def adopt(self) -> None:
        """Takes programs over from dtach, one after the other."""
        dtach = next((peer for peer in self.peers if peer.server is Dtach), None)
        if not dtach:
            return
        count = 2 if self.small else 20
        times = []
        with Measurement(self.tools, dtach, count) as measurement, \
                DEPTYR_UNKEPT.server(self.tools) as server:
            assert isinstance(server, Deptyr)
            server.head(server.listened + 1)
            pids = [pid for root in measurement.server.roots for pid in descendants(root)
                    if self.tools.is_program(pid)]
            for pid in pids:
                start = time.monotonic()
                server.call(self.tools.deptyr, 'adopt', server.folder / 'head', pid)
                times.append((time.monotonic() - start) * 1e3)
        self.report.tables.append(Table('Adopting a program from dtach', ['what', 'ms'], [
            ['deptyr adopt, until it has ended', spread(times)]]))
        self.alone('adopt, ms', statistics.median(times))

    def rest(self) -> None:
        counts = (1, 10) if self.small else (1, 100, 1000, 4000, 16000)
        columns: dict[str, list[str]] = {}
        for count in counts:
            rounds = Rounds([])
            for peer in [BARE_POLL, DEPTYR, *(peer for peer in self.peers if peer.alone)]:
                if peer.name.endswith('-a') or not self.small and count > max(peer.sessions, 1):
                    cells = ['-', '-']
                else:
                    try:
                        result = self.at_rest(peer, count)
                    except (Failure, OSError, ValueError) as failure:
                        self.failed(peer.name, failure)
                        continue
                    cells = [f'{number(result["pss"] / 1024)}', number(result['wake_ups'])]
                    rounds.results[peer.name] = [result]
                    if peer is DEPTYR:
                        self.rest_of_deptyr(count, result)
                columns.setdefault(peer.name, []).extend(cells)
            self.row(f'at rest, {count:,} session{"s" if count > 1 else ""}, PSS KiB each', rounds,
                     lambda result: result['pss'] / 1024, most=False)
        self.report.tables.append(Table(
            'At rest', ['peer', *(text for count in counts for text in (
                f'{count:,}: PSS KiB a session', 'wake-ups a second'))],
            [[name, *cells] for name, cells in columns.items() if any(c != '-' for c in cells)]))

    def full_screens(self) -> None:
        """Memory of sessions whose programs have drawn a screen."""
        count = 10 if self.small else 1000
        rounds = Rounds([])
        for peer in [DEPTYR, *(peer for peer in self.peers if peer.name == 'tmux')]:
            try:
                rounds.results[peer.name] = [self.at_rest(peer, count, FULL_SCREEN)]
            except (Failure, OSError, ValueError) as failure:
                self.failed(peer.name, failure)
        title = f'At rest, {count:,} sessions with a full-screen program each'
        self.table(title, rounds, {'PSS KiB a session': lambda name: spread(
            rounds.values(name, lambda result: result['pss'] / 1024))})
        self.row(f'{title}, PSS KiB each', rounds, lambda result: result['pss'] / 1024, most=False)

    def at_rest(self, peer: Peer, count: int, shown: str = 'x' * 60) -> Result:
        with Measurement(self.tools, peer, count, others=count > 1) as measurement:
            idle = []
            if measurement.others:
                for _ in range(count - 1):
                    measurement.others.listener.settimeout(DEADLINE)
                    idle.append(measurement.others.listener.accept()[0])
            line = f'say {shown}\n'.encode()
            for control in idle:
                control.sendall(line)
            started = processor_time(measurement.server.relay())
            # What is done once, when a session falls quiet: deptyr packs the
            # screen up after 5 s.
            time.sleep(0.1 if self.small else 7 if peer is DEPTYR else 1)
            pids = measurement.server.relay()
            if not self.small:
                self.settle(pids)
            result = {'pss': memory(pids) / count}
            if peer is DEPTYR:
                result['beyond'] = result['pss'] - ring_bytes(pids[0], count) / count
            before, seconds = wake_ups(pids), 0.5 if self.small else 3
            time.sleep(seconds)
            result['wake_ups'] = (wake_ups(pids) - before) / seconds
            if peer is DEPTYR:
                result['start'] = started / count * 1e6
                result |= measurement.keys('--keys', 50 if self.small else 1000)
                result['ls'] = self.time_of(measurement.server, 'ls')
                result['status'] = self.time_of(measurement.server, 'status', '0')
            for control in idle:
                control.close()
            return result

    def time_of(self, server: Server, verb: str, *words: str) -> float:
        start = time.monotonic()
        server.call(self.tools.deptyr, verb, server.folder / 'head', *words)
        return time.monotonic() - start

    def settle(self, pids: list[int]) -> None:
        """Waits until they have done almost nothing for a second; some never do."""
        end = time.monotonic() + DEADLINE
        before, now = -1.0, processor_time(pids)
        while now - before > 0.001 and time.monotonic() < end:
            time.sleep(1)
            before, now = now, processor_time(pids)

    def rest_of_deptyr(self, count: int, result: Result) -> None:
        growth = self.report.growth.setdefault('sessions', {})
        for what, value in (('CPU µs a keystroke', result['cpu']), ('p50 µs', result['p50']),
                            ('CPU µs a registration', result['start']),
                            ('PSS KiB a session', result['pss'] / 1024),
                            ('ls, ms', result['ls'] * 1e3), ('status, ms', result['status'] * 1e3)):
            growth.setdefault(what, []).append((count, value))
        if count in (1, 1000, 16000):
            self.target(f'at rest, {count:,} sessions', 'no wake-ups', [result['wake_ups']], 0,
                        False, ' a second')
        if count == 1000:
            self.target('at rest, 1,000 sessions', '≤ 8 KiB PSS each beyond what rings hold',
                        [result['beyond'] / 1024], 8, False, ' KiB')
        if count == 16000:
            self.target('sessions in one head', '16,000', [count], count)
            self.target('ls of 16,000 sessions', '≤ 1 s', [result['ls']], 1, False, ' s')

    def clients(self) -> None:
        """Measures growth: the cost of one more client."""
        growth = self.report.growth.setdefault('clients', {})
        for count in (1, 10) if self.small else (1, 10, 100, 1000):
            try:
                with Measurement(self.tools, DEPTYR) as measurement:
                    pids = measurement.server.relay()
                    before = memory(pids)
                    keys = measurement.meter(
                        'keys', measurement.control, '--clients', count, '--keys',
                        max(20, 2000 // count), '--stay', 1, *measurement.addresses(0, 1))
                    self.expect_line(keys)
                    held = memory(pids) - before
                    result = measurement.result(keys)  # its input ends
            except Failure as failure:
                self.failed('deptyr', failure)
                continue
            for what, value in (('CPU µs a keystroke and client', result['cpu'] / count),
                                ('p50 µs to all, a client', result['p50'] / count),
                                ('PSS KiB a client', held / 1024 / count)):
                growth.setdefault(what, []).append((count, value))

    def start(self) -> None:
        count = 3 if self.small else 150
        tools = self.tools

        def one(peer: Peer) -> Result:
            with Starter(tools, peer) as starter:
                return starter.measure(count)
        exec_, pty = Peer('bare exec', Server), Peer('bare PTY and exec', Server)
        held = Peer('bare PTY, handed over, and exec', BareHold)
        rounds = self.take_turns([exec_, pty, held, *self.ours, DEPTYR_UNKEPT, DEPTYR_RUN, *(
            peer for peer in self.peers if peer.name in STARTS)], one)
        self.table("Start: from fork to the program's first instruction", rounds, {
            'µs': lambda name: spread(rounds.values(name, of('p50'))),
            'p90 µs': lambda name: spread(rounds.values(name, of('p90'))),
            'times bare PTY and exec':
                lambda name: spread(rounds.ratios(name, pty.name, of('p50'))),
        })
        best = rounds.best(of('p50'), most=False)
        self.target("body, to the program's first instruction", '≤ 1.4x a bare PTY and exec',
                    rounds.ratios('deptyr', pty.name, of('p50')), 1.4, False, 'x')
        self.target("body, to the program's first instruction", f'below the best peer ({best})',
                    rounds.ratios('deptyr', best, of('p50')), 1, False, 'x')
        self.row('start, µs', rounds, of('p50'), most=False, bare=pty.name)

    def paint(self) -> None:
        said = self.program('tests/screen-bench', self.tools.deptyr, self.tools.build /
                            'tests/flooder', 1 if self.small else 7)
        found = re.findall(r'attach to first paint, (\w+), .*: median (\d+) us', said)
        if not found:
            self.failed('deptyr', f'screen-bench: {said}')
        for size, median in found:
            self.alone(f'attach to first paint, {size}, µs', int(median))
            self.target(f'attach to first paint, {size}, full 1 MiB ring', '≤ 5 ms',
                        [int(median) / 1000], 5, False, ' ms')

    def blackout(self) -> None:
        said = self.program('tests/blackout-bench', self.tools.deptyr, self.tools.build /
                            'tests/flooder', 1 if self.small else 7)
        rows = re.findall(r'^(kill -9|upgrade|with a keeper)(?:, 100 sessions|, of the speed '
                          r'without): median ([\d.]+)', said, re.M)
        names = {'kill -9': 'head killed and started again, ms',
                 'upgrade': 'upgrade, longest gap, ms',
                 'with a keeper': 'throughput with a keeper, times that without'}
        if len(rows) != 3:
            self.failed('deptyr', f'blackout-bench: {said}')
        for name, value in rows:
            self.alone(f'blackout, {names[name]}', float(value), most=name == 'with a keeper')
        self.report.tables.append(Table('Blackout of a restart, 100 sessions, each with a client',
                                        ['what', 'median'],
                                        [[names[name], value] for name, value in rows]))

    def program(self, name: str, *words: object) -> str:
        done = subprocess.run([self.tools.build / name, *map(str, words)], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def expect_line(self, process: subprocess.Popen) -> None:
        assert process.stdout
        if not process.stdout.readline():
            raise Failure(process.stderr.read() if process.stderr else 'ended early')

    scenario = ''

    def run(self, names: list[str]) -> None:
        for name in names:
            self.scenario = name
            start = time.monotonic()
            SCENARIOS[name](self)
            self.say(f'{name}: {time.monotonic() - start:.0f} s')


class Starter(Server):
    """Starts first_instruction.cc as a peer does, again and again."""

    def __init__(self, tools: Tools, peer: Peer) -> None:
        super().__init__(tools)
        self.peer = peer
        self.fifo = self.folder / 'fifo'
        subprocess.run(['mkfifo', self.fifo], check=True)
        self.program = [tools.first, str(self.fifo)]

    def measure(self, count: int) -> Result:
        with self.peer.server(self.tools) as server:
            command = STARTS[self.peer.name](self, server)
            done = self.call(self.tools.meter, 'first', self.fifo, count, *command)
        return json.loads(done)

    def deptyr(self, server: Server) -> list[object]:
        assert isinstance(server, Deptyr)
        server.head(server.listened + 1)  # no sockets for each session
        return [server.binary(), 'body', '--name', 's@', server.folder / 'head', '--',
                *self.program]

    def run(self, server: Server) -> list[object]:
        assert isinstance(server, Deptyr)
        server.head(server.listened + 1)
        return ['env', f'DEPTYR_SOCKET={server.folder}/head', server.binary(), 'run', '-d', '--name',
                's@', '--', *self.program]

    def bare_hold(self, server: Server) -> list[object]:
        assert isinstance(server, BareHold)
        return [self.tools.bare_pty, '--to', server.hold(), *self.program]

    def tmux(self, server: Server) -> list[object]:
        assert isinstance(server, Tmux)
        server.start(['sleep', '1000'], 1)
        return [*server.tmux(), 'new-session', '-d', ' '.join(['exec', *self.program])]

    def screen(self, server: Server) -> list[object]:
        assert isinstance(server, Screen)
        (server.folder / 'screens').mkdir(mode=0o700)
        return [*server.screen(), '-dmS', 's@', *self.program]

    def conmon(self, server: Server) -> list[object]:
        (self.folder / 'program').write_text('\n'.join(self.program))
        return ['conmon', '-t', '-b', self.folder, '-c', 'c@', '-u', 'c@', '-r', self.tools.meter,
                '--runtime-arg', 'runtime', '-p', self.folder / 'pid', '--socket-dir-path',
                self.folder, '-l', 'none:']


CALLS: dict[str, dict[str, Callable[[Server], list]]] = {
    'A picture of the screen': {
        'deptyr': lambda server: [server.tools.deptyr, 'snapshot', server.folder / 'head', '0'],
        'tmux': lambda server: [*server.tmux(), 'capture-pane', '-p', '-t', 's0'],
    },
    'Waiting for what is on the screen': {
        'deptyr': lambda server: [server.tools.deptyr, 'wait', '--screen', 'ready', '--print',
                                  server.folder / 'head', '0'],
    },
}


@contextlib.contextmanager
def beside_others() -> Iterator[None]:
    """Each processor has something else to compute."""
    others = [subprocess.Popen(['sh', '-c', 'while :; do :; done'])
              for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """All processes share one, as with taskset(1)."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def with_a_quota() -> Iterator[None]:
    """All processes together have the time of one core, as with CPUQuota=100%."""
    root = Path('/sys/fs/cgroup')
    old = not (root / 'cgroup.controllers').exists()
    group = root / ('cpu' if old else '') / f'deptyr-bench-{os.getpid()}'
    group.mkdir()
    try:
        if old:
            (group / 'cpu.cfs_quota_us').write_text('100000')
        else:
            (group / 'cpu.max').write_text('100000 100000')
        (group / 'cgroup.procs').write_text(str(os.getpid()))
        yield
    finally:
        with contextlib.suppress(OSError):
            (group.parent / 'cgroup.procs').write_text(str(os.getpid()))
        group.rmdir()


# The last is how many MiB each measurement moves.
REGIMES = (
    (beside_others, 'Beside a process on each core that computes', 8),
    (with_a_quota, 'With a quota of one core', 32),
    (on_one_core, 'On one core', 32),
)

STARTS: dict[str, Callable[[Starter, Server], list]] = {
    'bare exec': lambda starter, server: starter.program,
    'bare PTY and exec': lambda starter, server: [starter.tools.bare_pty, *starter.program],
    'bare PTY, handed over, and exec': Starter.bare_hold,
    'deptyr': Starter.deptyr,
    DEPTYR_AGAINST.name: Starter.deptyr,
    DEPTYR_UNKEPT.name: Starter.deptyr,
    DEPTYR_RUN.name: Starter.run,
    'dtach': lambda starter, server: ['dtach', '-n', starter.folder / 's@', *starter.program],
    'tmux': Starter.tmux,
    'screen': Starter.screen,
    'socat': lambda starter, server: [
        'socat', '-u', f'EXEC:{" ".join(starter.program)},pty,setsid,ctty', '/dev/null'],
    'conmon': Starter.conmon,
}


def of(key: str) -> Value:
    return lambda result: result[key]


def mb_per_s(result: Result) -> float:
    return result['size'] / result['seconds'] / 1e6


def received_mb_per_s(result: Result) -> float:
    return result['received'] / result['seconds'] / 1e6


def cpu_per_gib(result: Result) -> float:
    return result['cpu'] / result['size'] * GIB


def fairness(result: Result) -> float:
    return min(result['rates']) / max(result['rates']) if max(result['rates']) else 0


SCENARIOS: dict[str, Callable[[Scenarios], None]] = {
    'throughput': Scenarios.throughput,
    'drain': Scenarios.drain,
    'keys': Scenarios.keys,
    'keys-flood': Scenarios.keys_beside_a_flood,
    'keys-8-floods': Scenarios.keys_beside_eight_floods,
    'fan-out': Scenarios.fan_out,
    'never-reads': Scenarios.one_that_never_reads,
    'busy': Scenarios.busy_sessions,
    'more': Scenarios.throughput_with_more,
    'regimes': Scenarios.regimes,
    'calls': Scenarios.calls,
    'adopt': Scenarios.adopt,
    'rest': Scenarios.rest,
    'full-screens': Scenarios.full_screens,
    'clients': Scenarios.clients,
    'start': Scenarios.start,
    'paint': Scenarios.paint,
    'blackout': Scenarios.blackout,
}
