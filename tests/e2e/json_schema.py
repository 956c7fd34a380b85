#!/usr/bin/env python3
"""tests/e2e/json_schema.py: what --json prints is what docs/json-schema.json says, no more and no less.

A head and programs are started, and every command that has --json is run, also so that it fails.
Each answer is of its kind, and every member that the schema has is seen, except for a few that are
hard to bring about. Text and JSON use the same words.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time

try:
    import jsonschema
except ImportError:
    print("needs python3-jsonschema")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPTYR = os.environ["DEPTYR"]
SCHEMA = json.loads((ROOT / "docs/json-schema.json").read_text())
# A flood, ^S, an audit, limits and another terminal's language bring these about.
UNSEEN = {
    "session": {"stopped_by", "queued"},
    "event": {"typed", "text", "human", "signal", "from"},
    "client": {"last_typed", "last_typed_ms"},
    "run": {"underline_color", "link"},
    "incarnation": {"signal"},
    "writer": {"asked_by"},
}
problems = []
seen = {}


def wrong(text):
    problems.append(text)
    print(text)


def close(schema):
    """Lets objects have no other members than those that are described."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema["additionalProperties"] = False
        for part in schema.values():
            close(part)
    elif isinstance(schema, list):
        for part in schema:
            close(part)


def note(value, schema):
    """Remembers which members of which kinds were seen."""
    kind = schema.get("$ref", "").rpartition("/")[2]
    if kind:
        note(value, SCHEMA["$defs"][kind])
        if isinstance(value, dict):
            seen.setdefault(kind, set()).update(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            note(member, schema.get("properties", {}).get(name, {}))
    elif isinstance(value, list):
        for member in value:
            note(member, schema.get("items", {}))


def check(kind, text, words):
    try:
        value = json.loads(text)
        reference = {"$ref": f"#/$defs/{kind}"}
        jsonschema.Draft202012Validator({**SCHEMA, **reference}).validate(value)
        note(value, reference)
        return value
    except ValueError as error:
        wrong(f"{words}: {error}: {text}")
    except jsonschema.ValidationError as error:
        wrong(f"{words}: {error.message}: {list(error.absolute_path)}")
    return {}


def run(*words, status=0):
    """Runs deptyr, and returns what it prints and says."""
    done = subprocess.run([DEPTYR, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    if status is not None and done.returncode != status:
        wrong(f"{words}: exit status {done.returncode}, not {status}: {done.stderr}")
    return done.stdout, done.stderr


def ask(kind, *words, status=0):
    return check(kind, run(words[0], "--json", *words[1:], status=status)[0], words)


def fail(status, *words):
    printed, said = run(words[0], "--json", *words[1:], status=status)
    error = check("error", printed, words)
    line = "; ".join(filter(None, [error.get("error"), error.get("hint")]))
    if said not in (f"deptyr {words[0]}: {line}\n", f"deptyr: {line}\n") or error.get("code") != status:
        wrong(f"{words}: {error}, and on standard error: {said}")


def until(what, condition):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            wrong(f"waited in vain for {what}")
            sys.exit(1)
        time.sleep(0.02)


def with_sessions(folder, started):
    def start(*words, **more):
        started.append(subprocess.Popen([DEPTYR, *words], stdin=subprocess.DEVNULL, **more))
        return started[-1]

    with open(folder / "log", "w") as log:
        start("head", "--headless", "--keeper", "none", "--audit", "who", os.environ["DEPTYR_SOCKET"], stderr=log)
    until("a head", lambda: os.path.exists(os.environ["DEPTYR_SOCKET"]))
    if ask("sessions", "ls") != {"sessions": []}:
        wrong("ls without sessions")
    events = start("events", stdout=subprocess.PIPE, text=True)

    paints = r"printf '\033]2;title\007\033[1;3;31;44mred\033[m \033[38;2;1;2;3;4mrgb\033[m\n'; read x; exit 4"
    body = start("body", "--name", "mc", "--", "sh", "-c", paints, stdout=subprocess.PIPE)
    ask("script", "wait", "mc", "--screen", "red")
    until("a log", lambda: "log" in ask("session", "status", "mc"))
    if ask("done", "run", "-d", "--name", "other", "--", "cat") != {"session": "other"}:
        wrong("run -d")
    if ask("script", "send", "other", "--line", "hello", "--wait-for", "hello") != {"session": "other", "text": "hello"}:
        wrong("send")
    if ask("script", "send", "other", "x") != {"session": "other"}:
        wrong("send without an answer")
    for awaited in (("--for", "red"), ("--quiet", "0.01"), ("--stable", "0.01")):
        ask("script", "wait", "mc", *awaited)
    ask("snapshot", "snapshot", "mc")
    watch = start("snapshot", "mc", "--watch", "--json", stdout=subprocess.PIPE, text=True)
    check("snapshot", watch.stdout.readline(), "snapshot --watch")

    controller, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 70))
    watch.kill()
    viewer = subprocess.Popen([DEPTYR, "attach", "mc"], stdin=terminal, stdout=terminal, stderr=terminal)
    started.append(viewer)
    os.close(terminal)
    until("a viewer", lambda: any("rows" in client for client in ask("session", "status", "mc").get("attached", [])))
    ask("head", "status", "--head")
    writer = str(ask("session", "status", "mc")["attached"][0]["id"])
    ask("writer", "writer", "mc", "--give", writer)
    ask("session", "status", "mc")
    ask("writer", "writer", "mc", "--release")
    ask("clients", "kick", "mc")
    viewer.wait()
    os.close(controller)
    router = folder / "router"
    start("router", "--raw", folder / "raw", "--status-socket", router, "--", "cat", stderr=subprocess.DEVNULL)
    until("a router", router.exists)
    ask("router", "status", "--router", str(router))
    ask("done", "resize", "mc", "30x90")
    ask("head", "upgrade")

    same_words("mc", "running")
    ask("script", "send", "mc", "--enter")
    body.wait()
    ended = ask("script", "wait", "mc", "--exit", status=4)
    if (ended.get("state"), ended.get("code")) != ("ended", 4):
        wrong(f"wait --exit: {ended}")
    same_words("mc", "ended")
    ask("snapshot", "snapshot", "mc", "--last")
    ask("done", "ended", "mc", "4", "0")
    ask("done", "signal", "other", "KILL")
    ask("script", "stop", "other", "--keys", "C-c")
    ask("script", "wait", "other", "--exit", status=128 + signal.SIGKILL)
    same_words("other", "ended")
    ask("done", "forget", "mc")
    until("the last event", lambda: check("event", events.stdout.readline(), "events").get("event") == "forgotten")
    check("findings", run("doctor", "--json", status=None)[0], "doctor")

    fail(111, "status", "nosuch")
    fail(111, "send", "other", "x")
    fail(124, "wait", "other", "--for", "nothing", "--timeout", "0.5")
    fail(100, "ls", "--nosuch")
    fail(100, "kick")
    fail(100, "atach", "mc")
    fail(111, "events", "nosuch")


def same_words(session, state):
    """Tables say it as JSON does."""
    told = ask("session", "status", session)
    table = run("ls", "-l")[0]
    text = run("status", session)[0]
    if told.get("state") != state or not re.search(rf"(?m)^{session} +{state} ", table):
        wrong(f"{session} is {told.get('state')}, not {state}, or not in: {table}")
    if not re.search(rf"(?m)^state +{state}, ", text):
        wrong(f"{session} isn't {state} in: {text}")
    if "code" in told and f"exit status {told['code']}" not in text:
        wrong(f"{session}: no {told['code']} in: {text}")


def help_is_whole():
    """What programs read of the commands is what people read."""
    told = check("help", run("help", "--json")[0], "help")
    for command in told.get("commands", []):
        name = command["name"]
        text = run(name, "--help")[0]
        listed = re.findall(r"(?m)^  (?:-., )?(--[a-z-]+)", text)
        if [*(option["name"] for option in command["options"]), "--help"] != listed:
            wrong(f"{name}: {listed} in the text of its help")
        if f"usage: {command['usage']}\n" not in text:
            wrong(f"{name}: {command['usage']}")
        if check("command", run("help", name, "--json")[0], name) != command:
            wrong(f"help {name} --json differs")
    page = subprocess.run(["mandoc", "-T", "ascii", "-O", "width=1000", ROOT / "docs/man/deptyr.1"],
                          capture_output=True, text=True, check=True).stdout
    page = re.sub(".\b", "", page).partition("EXIT STATUS")[2]
    for code in told.get("exit_codes", []):
        if not re.search(rf"(?m)^ +{code['code']}  +{re.escape(code['meaning'])}$", page):
            wrong(f"deptyr(1) says something else about {code}")


def main():
    close(SCHEMA)
    started = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(DEPTYR_SOCKET=f"{folder}/head.sock", TERM="xterm")
        os.environ.pop("NO_COLOR", None)
        try:
            with_sessions(pathlib.Path(folder), started)
        finally:
            for program in reversed(started):
                program.kill()
                program.wait()
    help_is_whole()
    for kind, described in SCHEMA["$defs"].items():
        unseen = set(described.get("properties", {})) - seen.get(kind, set()) - UNSEEN.get(kind, set())
        if unseen:
            wrong(f"no {kind} with {', '.join(sorted(unseen))} was printed")
    return 1 if problems else 0


sys.exit(main())
