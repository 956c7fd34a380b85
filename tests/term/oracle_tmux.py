#!/usr/bin/env python3
r"""tests/term/oracle_tmux.py [--size ROWSxCOLS] [--picture] < STREAM

Prints what tmux shows after STREAM was written to it, as oracle_xterm.py does
for xterm.

  with Tmux(24, 80) as tmux:
      screen = tmux.show(b"\e[1mhello")

tmux says what a row's characters and styles are, but not how wide they are:
the widths are those of Python's tables.  The style of blanks at a row's end
isn't known; it is None, and so is whether a row goes on in an empty one.
"""

import argparse
import json
import re
import subprocess
import sys
import time
import unicodedata

import grids
from oracle_xterm import TerminalInside

SYNC = b"\x18\x1b\\\x1b[5n"
SYNCED = re.compile(rb"\x1b\[0n")
# RIS leaves the saved cursors as they are.
RESET = b"\x18\x1b\\\x1b[?1049l\x1bc\x1b[?1049h\x1b[?1049l\x1b7\x1b[3J"
FORMAT = ("#{cursor_y} #{cursor_x} #{alternate_on} #{cursor_flag} #{insert_flag} #{origin_flag} "
          "#{wrap_flag} #{scroll_region_upper} #{scroll_region_lower} #{pane_tabs}")


class Tmux(TerminalInside):
    def __init__(self, rows=24, cols=80):
        super().__init__()
        self.rows, self.cols = rows, cols
        self.first_size = rows, cols
        self.socket = self.folder + "/tmux"
        self.process = subprocess.Popen(
            ["tmux", "-S", self.socket, "-f", "/dev/null", "-D"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": self.folder,
                 "SHELL": "/bin/sh", "TERM": "xterm-256color"})
        try:
            end = time.monotonic() + 10
            while not self.answers():
                if time.monotonic() > end:
                    raise TimeoutError("tmux doesn't start")
                time.sleep(0.02)
            slave = " ".join(f"'{word}'" for word in self.slave_command())
            self.tell("set-option", "-g", "status", "off", ";", "set-option", "-g", "default-terminal",
                      "tmux-256color", ";", "new-session", "-d", "-x", str(cols), "-y", str(rows), slave,
                      ";", "set-option", "-g", "window-size", "manual")
            self.accept()
            self.ask(b"")
        except BaseException:
            self.close()
            raise

    def answers(self):
        asked = subprocess.run(["tmux", "-S", self.socket, "has-session"], check=False, capture_output=True)
        return b"no current target" in asked.stderr

    def tell(self, *command):
        return subprocess.run(["tmux", "-S", self.socket, *command], check=True, text=True,
                              capture_output=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}).stdout

    def ask(self, stream):
        """Writes it, and waits until all of it was read.  The stream may have asked the same."""
        self.reply = b""
        self.talk(stream + SYNC, SYNCED)
        for _ in range(stream.count(b"\x1b[5n")):
            self.talk(b"", SYNCED)

    def show(self, stream, resizes=()):
        self.ask(RESET)
        if (self.rows, self.cols) != self.first_size:
            self.resize(*self.first_size)
            self.ask(RESET)
        at = 0
        for offset, rows, cols in resizes:
            self.ask(stream[at:offset])
            self.resize(rows, cols)
            at = offset
        self.ask(stream[at:])
        return self.read()

    def resize(self, rows, cols):
        self.tell("resize-window", "-x", str(cols), "-y", str(rows))
        self.rows, self.cols = rows, cols

    def read(self):
        command = ["display-message", "-p", FORMAT, ";", "capture-pane", "-p", "-e", "-N"]
        for row in range(self.rows - 1):
            command += [";", "display-message", "-p", "#", ";",
                        "capture-pane", "-p", "-J", "-S", str(row), "-E", str(row + 1)]
        first, *rest = self.tell(*command).split("\n#\n")
        state, *rows = first.split("\n")
        y, x, alternate, visible, insert, origin, wrap, upper, lower, tabs = (state.split(" ") + [""])[:10]
        rows = rows[:self.rows] + [""] * (self.rows - len(rows))
        cells, styled = [], ""
        for row in rows:
            row, styled = row_of(row, self.cols, styled)
            cells.append(row)
        return {
            "rows": self.rows, "cols": self.cols, "cells": cells,
            "wrapped": [joined(pair, cells[n + 1]) for n, pair in enumerate(rest)] + [None],
            "cursor": [int(y), min(int(x), self.cols - 1), int(x) == self.cols],
            "modes": {"?47": alternate == "1", "?25": visible == "1", "4": insert == "1",
                      "?6": origin == "1", "?7": wrap == "1"},
            "settings": [f"{int(upper) + 1};{int(lower) + 1}r"], "tabs": tabs}


def joined(pair, lower):
    """Whether two rows are one line; None if the lower one is empty, because that looks the same."""
    if not any(text.strip() for text, _, _ in lower):
        return None
    return "\n" not in pair.strip("\n")


def row_of(text, cols, styled):
    """The cells of a row, and the style that goes on: a list of SGR parameters since the last reset."""
    cells = []
    shift = False
    for match in re.finditer(r"\x1b\[([0-9;:]*)m|\x1b\][^\x1b]*\x1b\\|(\x0e)|(\x0f)|(.)", text, re.DOTALL):
        sgr, shift_out, shift_in, character = match.groups()
        if sgr is not None:
            styled = styled_by(styled, sgr)
        elif shift_out or shift_in:
            shift = bool(shift_out)
        elif character:
            if shift:
                character = ACS.get(character, character)
            width = width_of(character)
            if width == 0 and cells:
                last = cells[-2] if cells[-1][1] == 0 else cells[-1]
                last[0] += character
                continue
            cells.append([character, max(width, 1), style_of(styled)])
            if width == 2:
                cells.append(["", 0, style_of(styled)])
    cells += [["", 1, None] for _ in range(cols - len(cells))]
    return cells[:cols], styled


ACS = dict(zip("`abcdefghijklmnopqrstuvwxyz{|}~+,-.0",
               "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·→←↑↓█"))


def styled_by(before, sgr):
    # capture-pane writes 5:3 for 53, as it writes 4:3.
    fields = ["53" if field == "5:3" else field for field in sgr.split(";")]
    sgr = ";".join(fields)
    if fields[0] in ("", "0"):
        return ";".join(fields[1:])
    return before + ";" + sgr if before else sgr


def style_of(styled):
    return grids.parse_sgr(styled) if styled else ""


def width_of(character):
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("--size", default="24x80")
    parser.add_argument("--picture", action="store_true", help="for people, not as JSON")
    options = parser.parse_args()
    rows, cols = map(int, options.size.split("x"))
    with Tmux(rows, cols) as tmux:
        screen = tmux.show(sys.stdin.buffer.read())
    print(grids.pictured(screen) if options.picture else json.dumps(screen, ensure_ascii=False))


if __name__ == "__main__":
    main()
