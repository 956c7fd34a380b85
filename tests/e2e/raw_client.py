"""raw_client.py SOCKET: a terminal at a raw socket.

Makes the terminal raw enough and passes bytes both ways, as small clients do.
"""
import os
import select
import socket
import sys
import termios

connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])

before = termios.tcgetattr(0)
raw = termios.tcgetattr(0)
raw[0] |= termios.IGNPAR
raw[0] &= ~(termios.ISTRIP | termios.IMAXBEL | termios.BRKINT | termios.INLCR
            | termios.IGNCR | termios.ICRNL | termios.IXON | termios.IXANY
            | termios.IXOFF)
raw[1] &= ~termios.OPOST
raw[3] &= ~(termios.ICANON | termios.ECHO | termios.ECHOE | termios.ECHOK
            | termios.ECHONL | termios.IEXTEN)
raw[6][termios.VMIN] = 1
raw[6][termios.VTIME] = 0
termios.tcsetattr(0, termios.TCSANOW, raw)
try:
    while True:
        readable, _, _ = select.select([0, connection], [], [])
        if connection in readable:
            output = connection.recv(4096)
            if not output:
                break
            os.write(1, output)
        if 0 in readable:
            typed = os.read(0, 4096)
            if not typed:
                break
            connection.sendall(typed)
finally:
    termios.tcsetattr(0, termios.TCSANOW, before)
