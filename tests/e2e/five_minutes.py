#!/usr/bin/env python3
"""tests/e2e/five_minutes.py [--write]: a newcomer's first jobs, typed into a shell with deptyr and with other tools.

Each line is typed on a terminal, does its job there, and is counted: commands, and keystrokes with
Enter. deptyr needs fewer keystrokes than any other tool that can do a job, and no more commands. The
table of docs/cookbook.md is what was counted; --write puts it there.

Names of commands are those of the tools' manuals, aliases too; the program has to be found again
under its own name.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/cookbook.md"
SERVER = """#!/bin/sh
sleep 0.3
echo 'Done (1.0s)!'
while printf '> ' && read -r line; do
    case $line in
        list) echo 'ada, bob' ;;
        stop) exit 3 ;;
    esac
done
"""
DONE, ANSWER = r"Done \(1", "ada, bob"
JOBS = {
    "start": "start it detached, under its name",
    "wait": "wait until it is up",
    "look": "look at its screen",
    "ask": "give it a line, and get the answer",
    "back": "come back to it, see what it shows, and leave",
    "end": "end it by its own command, and get its exit status",
}
# For each job what is typed: a line, or keys for what the line before has started, and what shows that it
# worked. What isn't here can't be done.
DETACH, TMUX_DETACH = "\x1c", "\x02d"
TOOLS = {
    "deptyr": {
        "start": [("deptyr run -d server", "server")],
        "wait": [("deptyr wait server --for Done", "")],
        "look": [("deptyr snapshot server", DONE)],
        "ask": [("deptyr send server --line list --print", ANSWER)],
        "back": [("deptyr attach server", DONE), (DETACH, "")],
        "end": [("deptyr stop server --type 'stop\\n' --json", '"code":3')],
    },
    "tmux": {
        "start": [("tmux new -ds server server", "")],
        "wait": [("until tmux capturep -pt server|grep Done;do sleep 1;done", DONE)],
        "look": [("tmux capturep -pt server", DONE)],
        "ask": [("tmux send -t server list Enter", ""), ("tmux capturep -pt server", ANSWER)],
        "back": [("tmux attach -t server", DONE), (TMUX_DETACH, "")],
        "end": [("tmux set -t server remain-on-exit on", ""), ("tmux send -t server stop Enter", ""),
                ("tmux display -pt server '#{pane_dead_status}'", r"\n3\r")],
    },
    # It keeps no screen, so whoever comes back sees nothing of what the server has written.
    "dtach": {
        "start": [("dtach -n server server", "")],
    },
    # Its program lives as long as its script, so each script starts its own.
    "expect": {
        "wait": [("expect -c 'spawn server;expect Done'", DONE)],
        "ask": [("expect -c 'spawn server;expect Done;send list\\r;expect bob'", ANSWER)],
        "end": [("expect -c 'spawn server;expect Done;send stop\\r;expect eof;puts [wait]'", r" 0 3\r")],
    },
}


class Shell:
    """A shell on a terminal."""

    def __init__(self, folder):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvp("bash", ["bash", "--norc", "--noprofile"])
        self.prompts = 0
        self.shown = ""
        self.until(self.prompt())

    def prompt(self):
        """The shell numbers them."""
        self.prompts += 1
        return f"<{self.prompts}>"

    def until(self, wanted):
        """Reads until the terminal shows it, and returns all of that."""
        deadline = time.monotonic() + 60
        while not (match := re.search(wanted, self.shown)):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no {wanted!r} in {self.shown!r}")
            self.shown += os.read(self.fd, 65536).decode(errors="replace")
        before, self.shown = self.shown[:match.end()], self.shown[match.end():]
        return before

    def type(self, line):
        os.write(self.fd, f"{line}\r".encode())

    def press(self, keys):
        """Types keys at a person's pace: tmux takes those that come within a millisecond for a paste."""
        for key in keys:
            time.sleep(0.05)
            os.write(self.fd, key.encode())

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def is_key(typed):
    return typed in (DETACH, TMUX_DETACH)


def settle(tool, job):
    """Lets the program take what was typed, as somebody does who looks before typing on."""
    shows = {"ask": ANSWER, "end": "Pane is dead"}.get(job)
    deadline = time.monotonic() + 60
    while tool == "tmux" and shows and time.monotonic() < deadline:
        screen = subprocess.run(["tmux", "capture-pane", "-pt", "server"], capture_output=True, text=True)
        if shows in screen.stdout:
            break
        time.sleep(0.02)


def play(tool, shell):
    """Does the jobs, and returns (commands, keystrokes) for each."""
    counts = {}
    for job, steps in TOOLS[tool].items():
        commands = [typed for typed, _ in steps if not is_key(typed)]
        counts[job] = len(commands), sum(len(typed) for typed, _ in steps) + len(commands)
        for number, (typed, proof) in enumerate(steps):
            if is_key(typed):
                shell.press(typed)
            else:
                shell.type(typed)
                shell.until(re.escape(typed[-10:]))     # its echo
            if number + 1 < len(steps) and is_key(steps[number + 1][0]):
                shell.until(proof)                      # the program has the terminal
                continue
            said = shell.until(shell.prompt())
            if not re.search(proof, said):
                raise AssertionError(f"{typed!r} did not show {proof!r}: {said!r}")
            if number + 2 == len(steps):
                settle(tool, job)
    return counts


def clean_up(tool, folder):
    if tool == "deptyr":
        head = subprocess.run(["deptyr", "status", "--head", "--json"], capture_output=True, text=True).stdout
        if match := re.search(r'"pid": (\d+)', head):
            os.kill(int(match[1]), 15)
    elif tool == "tmux":
        subprocess.run(["tmux", "kill-server"], stderr=subprocess.DEVNULL)
    elif tool == "dtach":
        subprocess.run(["dtach", "-p", "server"], input=b"stop\n", cwd=folder)


def table(counts):
    """The tools' counts, job by job."""
    lines = [f"| job | {' | '.join(TOOLS)} |", "|---" * (len(TOOLS) + 1) + "|"]
    for job, text in JOBS.items():
        cells = ["{}, {}".format(*counts[tool][job]) if job in counts[tool] else "no" for tool in TOOLS]
        lines.append(f"| {text} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main():
    missing = [tool for tool in TOOLS if tool != "deptyr" and not shutil.which(tool)]
    if missing:
        print(f"needs {', '.join(missing)}")
        return 77
    counts = {}
    for tool in TOOLS:
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "bin").mkdir()
            (place / "bin/server").write_text(SERVER)
            (place / "bin/server").chmod(0o755)
            (place / "inputrc").write_text("set enable-bracketed-paste off\n")
            (place / "bin/deptyr").symlink_to(pathlib.Path(os.environ["DEPTYR"]).resolve())
            os.environ.update(PATH=f"{folder}/bin:{os.environ['PATH']}", PS1="<\\#>", TERM="xterm",
                              DEPTYR_SOCKET=f"{folder}/head.sock", TMUX_TMPDIR=folder, HISTFILE="",
                              INPUTRC=f"{folder}/inputrc")
            os.environ.pop("TMUX", None)
            shell = Shell(folder)
            try:
                counts[tool] = play(tool, shell)
            finally:
                clean_up(tool, folder)
                shell.close()
    status = 0
    for job in JOBS:
        for other in TOOLS:
            if other == "deptyr" or job not in counts[other]:
                continue
            (commands, keys), (their_commands, their_keys) = counts["deptyr"][job], counts[other][job]
            if commands > their_commands or keys >= their_keys:
                print(f"{job}: {other} needs {their_commands}, {their_keys}, deptyr {commands}, {keys}")
                status = 1
    page = PAGE.read_text()
    found = re.search(r"(?m)^\| job \| deptyr .*\n(\|.*\n)+", page)
    if "--write" in sys.argv:
        PAGE.write_text(page[:found.start()] + table(counts) + page[found.end():])
    elif found[0] != table(counts):
        print(f"docs/cookbook.md has another table than\n{table(counts)}")
        status = 1
    return status


sys.exit(main())
