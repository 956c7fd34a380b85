"""A program for tests/faults/chaos: writes its pid and then numbered lines, and
keeps in a file how many bytes it has written.  'q' makes it write no more."""

import mmap
import os
import select
import sys
import tty

# Divides what tests/faults/chaos knows.
LINES = 1024
KNOWN = 1 << 20
PAUSE = 0.005


def main() -> None:
    path = sys.argv[1]
    tty.setraw(0)
    with open(path, 'w+b') as file:
        file.truncate(8)
        count = mmap.mmap(file.fileno(), 8)
    text = b'pid %011d\n' % os.getpid()
    written = number = 0
    quiet = False
    while True:
        if not quiet:
            if not text:
                text = b''.join(b'%015d\n' % n for n in range(number, number + LINES))
                number = (number + LINES) % KNOWN
            done = os.write(1, text)
            text = text[done:]
            written += done
            count[:] = written.to_bytes(8, 'little')
        if select.select([0], [], [], PAUSE if not quiet else None)[0]:
            keys = os.read(0, 4096)
            if not keys:
                return
            quiet = quiet or b'q' in keys


main()
