#!/usr/bin/env python3
r"""tests/term/oracle_xterm.py [--size ROWSxCOLS] [--picture] < STREAM

Prints what a real xterm shows after STREAM was written to it, as screen_dump
does for deptyr's model (grids.py says how), or as a picture.

  with Xvfb() as display, Xterm(display, 24, 80) as xterm:
      screen = xterm.show(b"\e[1mhello")

An xterm runs under an X server of its own that nobody sees.  The program in it
passes its terminal to this process, which writes the stream there, and then
asks about every cell: DECRQCRA for its character, XTREPORTSGR for its style.
The printer's rows have what a checksum can't say: marks, characters above
U+FFFF, and whether a row goes on in the next.
"""

import argparse
import fcntl
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty
import unicodedata

import grids

RESOURCES = {
    "allowWindowOps": "true", "allowTitleOps": "true", "disallowedWindowOps": "",
    "allowColorOps": "true", "disallowedColorOps": "", "allowFontOps": "false",
    # A cell's checksum is its character: positive, without attributes, blanks
    # count, cells that were never drawn don't, more than eight bits.
    "checksumExtension": "31",
    "decTerminalID": "vt420", "utf8": "2", "utf8Title": "true", "titleModes": "0",
    "autoWrap": "true", "reverseWrap": "false", "c132": "false", "titeInhibit": "false",
    "saveLines": "1000", "scrollBar": "false", "jumpScroll": "true", "multiScroll": "true",
    "cursorBlink": "false", "boldColors": "false", "bellIsUrgent": "false", "visualBell": "false", "bellSuppressTime": "0",
    "printAttributes": "0", "printerNewLine": "false", "printerAutoClose": "false",
    "allowSendEvents": "false", "eightBitControl": "false",
}
SYNC = b"\x1b[31337;1;1;1;1;1*y"
SYNCED = re.compile(rb"\x1bP31337!~[0-9A-F]{4}\x1b\\")
# Ends whatever the stream left open: a sequence, a string, printing.
GROUND = b"\x18\x1b\\\x1b[4i"
# RIS leaves the alternate screen and its saved cursor as they are, and the styles that were put aside.
RESET = GROUND + b"\x1b[#}" * 40 + b"\x1b<\x1b[64;1\"p\x1bc\x1b[?1047h\x1b[2J\x1b7\x1b[?1047l\x1bc\x1b[3J"
# A copy that cuts a wide character (a scroll within margins, DECCRA) leaves its
# row without room for marks, whatever is reset: then another xterm is started.
SPOILS = re.compile(rb"\x1b\[(\?69h|[\d;]*(\$v|'[}~]| [@A]))|\x1b[69]")
MODES = (b"?5", b"?6", b"?7", b"?25", b"?45", b"?47", b"?69", b"?1", b"?66", b"?2004", b"4", b"20")


class Xvfb:
    """An X server that draws into memory, listens on a Unix socket only, and ends with the block."""

    def __enter__(self):
        reading, writing = os.pipe()
        # The server looks for a display that is free.
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp",
             "-noreset"],
            pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(writing)
        with open(reading, encoding="ascii") as pipe:
            self.display = ":" + pipe.readline().strip()
        if self.display == ":":
            raise OSError("Xvfb doesn't start")
        return self.display

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class TerminalInside:
    """The terminal of a program that runs in a terminal emulator, `self.process`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="oracle-")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.folder + "/socket")
        self.listener.listen(1)
        self.listener.settimeout(30)
        self.reply = b""

    def slave_command(self):
        return [sys.executable, os.path.abspath(__file__), "--slave", self.folder + "/socket"]

    def accept(self):
        self.connection, _ = self.listener.accept()
        _, fds, _, _ = socket.recv_fds(self.connection, 1, 1)
        self.fd = fds[0]
        os.set_blocking(self.fd, False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if hasattr(self, "connection"):
            self.connection.close()
            os.close(self.fd)
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.process.terminate()
        self.process.wait()

    def talk(self, data, until, seconds=30, others=()):
        """Writes `data` and returns what comes back up to a match of `until`.  `others` are
        descriptors with functions to call when there is something to read."""
        end = time.monotonic() + seconds
        view = memoryview(data)
        while True:
            match = until.search(self.reply)
            if match and not view:
                said, self.reply = self.reply[:match.end()], self.reply[match.end():]
                return said
            left = end - time.monotonic()
            if left < 0:
                raise TimeoutError(f"no answer to {bytes(data[-40:])!r}, only {self.reply[-200:]!r}")
            readable, writable, _ = select.select(
                [self.fd, *(fd for fd, _ in others)], [self.fd] if view else [], [], left)
            for fd, read in others:
                if fd in readable:
                    read()
            if self.fd in readable:
                self.reply += os.read(self.fd, 65536)
            if writable:
                try:
                    view = view[os.write(self.fd, view[:4096]):]
                except BlockingIOError:
                    pass


class Xterm(TerminalInside):
    def __init__(self, display, rows=24, cols=80, resources=()):
        super().__init__()
        self.rows, self.cols = rows, cols
        self.first_size = rows, cols
        self.display, self.resources, self.spoiled = display, resources, False
        printed = self.folder + "/printed"
        os.mkfifo(printed)
        self.printed = os.open(printed, os.O_RDWR | os.O_NONBLOCK)
        command = ["xterm", "-geometry", f"{cols}x{rows}"]
        for name, value in {**RESOURCES, "printerCommand": "cat > " + printed, **dict(resources)}.items():
            command += ["-xrm", f"*VT100*{name}: {value}", "-xrm", f"XTerm*{name}: {value}"]
        env = {"DISPLAY": display, "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"],
               "HOME": self.folder, "SHELL": "/bin/sh"}
        self.process = subprocess.Popen(
            [*command, "-e", *self.slave_command()], env=env, cwd=self.folder,
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.accept()
            self.talk(RESET + SYNC, SYNCED)
        except BaseException:
            self.close()
            raise

    def close(self):
        super().close()
        os.close(self.printed)

    def resize(self, rows, cols):
        if (rows, cols) == (self.rows, self.cols):
            return
        self.talk(b"\x1b[8;%d;%dt" % (rows, cols) + SYNC, SYNCED)
        wanted = re.compile(rb"\x1b\[8;(\d+);(\d+)t")
        end = time.monotonic() + 10
        while True:
            said = wanted.search(self.talk(b"\x1b[18t" + SYNC, SYNCED))
            size = struct_size(self.fd)
            if said and (int(said[1]), int(said[2])) == size == (rows, cols):
                break
            if time.monotonic() > end:
                raise TimeoutError(f"xterm doesn't become {rows}x{cols}")
            time.sleep(0.01)
        self.rows, self.cols = rows, cols

    def show(self, stream, resizes=()):
        """The screen after `stream`; `resizes` are (offset, rows, cols)."""
        if self.spoiled:
            self.close()
            self.__init__(self.display, *self.first_size, self.resources)
        self.talk(RESET + SYNC, SYNCED)
        self.resize(*self.first_size)
        self.talk(RESET + SYNC, SYNCED)
        self.spoiled = not stream.isascii() and SPOILS.search(stream)
        at = 0
        for offset, rows, cols in resizes:
            self.talk(stream[at:offset] + SYNC, SYNCED)
            self.resize(rows, cols)
            at = offset
        self.talk(stream[at:] + GROUND + SYNC, SYNCED)
        return self.read()

    def read(self):
        """What is shown now; this moves the cursor."""
        asked = b"\x1b[1$w"
        asked += b"".join(b"\x1b[%b$p" % mode for mode in MODES)
        for setting in (b"r", b"s", b"m", b" q", b'"q'):
            asked += b"\x1bP$q" + setting + b"\x1b\\"
        asked += b"\x1b[2$w"
        said = self.talk(asked + SYNC, SYNCED)
        cursor = re.search(rb"\x1bP1\$u(\d+);(\d+);\d+;.;.;(.);", said)
        modes = {m[1].decode(): m[2] in b"13" for m in re.finditer(rb"\x1b\[(\??\d+);(\d)\$y", said)}
        settings = re.findall(rb"\x1bP1\$r(.*?)\x1b\\", said)
        tabs = re.search(rb"\x1bP2\$u(.*?)\x1b\\", said)

        everywhere = [(row, col) for row in range(1, self.rows + 1) for col in range(1, self.cols + 1)]
        asked = b"\x1b[?6l" + b"".join(
            b"\x1b[7;1;%d;%d;%d;%d*y\x1b[%d;%d;%d;%d#|" % (r, c, r, c, r, c, r, c)
            for r, c in everywhere)
        said = self.talk(asked + SYNC, SYNCED)
        sums = [int(m[1], 16) for m in re.finditer(rb"\x1bP7!~([0-9A-F]{4})\x1b\\", said)]
        styles = [grids.parse_sgr(m[1].decode()) for m in re.finditer(rb"\x1b\[([0-9;:]*)m", said)]
        if len(sums) != len(everywhere) or len(styles) != len(everywhere):
            raise ValueError(f"{len(sums)} sums and {len(styles)} styles for {len(everywhere)} cells")
        printed = self.print_rows()
        cells = []
        for row in range(self.rows):
            begin = row * self.cols
            cells.append(row_of(sums[begin:begin + self.cols], styles[begin:begin + self.cols],
                                printed[row][0]))
        return {
            "rows": self.rows, "cols": self.cols, "cells": cells,
            "wrapped": [wraps for _, wraps in printed],
            "cursor": [int(cursor[1]) - 1, int(cursor[2]) - 1, bool(cursor[3][0] & 8)],
            "modes": modes, "settings": [s.decode() for s in settings],
            "tabs": tabs[1].decode() if tabs else "",
            "undrawn": ["".join("." if s == 0 else "x" for s in
                                sums[row * self.cols:(row + 1) * self.cols])
                        for row in range(self.rows)]}

    def print_rows(self):
        """(characters, whether the row goes on in the next) for every row."""
        pieces = []

        def read():
            pieces.append(os.read(self.printed, 65536))

        asked = b"\x1b[?69l\x1b[r" + b"".join(
            b"\x1b[%d;1H\x1b[?1i\x1b[5i\f\x1b[4i" % row for row in range(1, self.rows + 1))
        self.talk(asked + SYNC, SYNCED, others=[(self.printed, read)])
        end = time.monotonic() + 10
        while b"".join(pieces).count(b"\f") < self.rows:
            if not select.select([self.printed], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"the printer is slow: {pieces}")
            read()
        rows = b"".join(pieces).decode("utf-8", "replace").split("\f")[:self.rows]
        return [(row.removesuffix("\n"), not row.endswith("\n")) for row in rows]


def row_of(sums, styles, printed):
    """The cells of a row.  The printed row ends at the last cell that was drawn; a cell is a
    character and the marks that follow it."""
    texts = []
    position = 0
    for index, total in enumerate(sums):
        if position < len(printed):
            text = printed[position]
            position += 1
            # The next cell begins where its checksum is found again.
            following = sums[index + 1] if index + 1 < len(sums) else None
            while position < len(printed) and is_mark(printed[position]) and (
                    following is None or not same(printed[position], following) or
                    len(printed) - position > len(sums) - index - 1):
                text += printed[position]
                position += 1
        else:
            text = " "
        if not same(text[0], total):
            # xterm prints some characters wrong, those beyond U+10FFFF for one.
            return cells_of([(chr(one) if one else " ", one) for one in sums], styles)
        texts.append((text, total))
    return cells_of(texts, styles)


def cells_of(texts, styles):
    """`texts` are (character and marks, checksum).  U+FFFF is the right half of a wide character;
    marks that xterm put there belong to the left one."""
    cells = []
    for index, (text, total) in enumerate(texts):
        if text[0] == "\uffff":
            if cells:
                cells[-1][0] += text[1:]
                cells[-1][1] = 2
            cells.append(["", 0, styles[index]])
        else:
            cells.append(["" if total == 0 and text == " " else text, 1, styles[index]])
    return cells


def same(character, total):
    return ord(character) & 0xffff == total or (total == 0 and character == " ")


def is_mark(character):
    return (unicodedata.category(character) in ("Mn", "Me", "Cf", "Mc") or
            0x1160 <= ord(character) <= 0x11ff or 0x1f3fb <= ord(character) <= 0x1f3ff)


def struct_size(fd):
    packed = fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8)
    return int.from_bytes(packed[:2], "little"), int.from_bytes(packed[2:4], "little")


def slave(path):
    """Passes the terminal on, and stays until the other end is closed."""
    tty.setraw(0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [b"t"], [0])
        connection.recv(1)


def main():
    if sys.argv[1:2] == ["--slave"]:
        slave(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("--size", default="24x80")
    parser.add_argument("--picture", action="store_true", help="for people, not as JSON")
    options = parser.parse_args()
    rows, cols = map(int, options.size.split("x"))
    with Xvfb() as display, Xterm(display, rows, cols) as xterm:
        screen = xterm.show(sys.stdin.buffer.read())
    print(grids.pictured(screen) if options.picture else json.dumps(screen, ensure_ascii=False))


if __name__ == "__main__":
    main()
