"""attach.py SOCKET: a serial line on this terminal; Ctrl-] ends it."""

import os
import select
import socket
import sys
import termios
import tty


def main():
    line = socket.socket(socket.AF_UNIX)
    line.connect(sys.argv[1])
    keyboard = sys.stdin.fileno()
    terminal = os.isatty(keyboard)
    saved = termios.tcgetattr(keyboard) if terminal else None
    try:
        if terminal:
            tty.setraw(keyboard)
        sources = [line, keyboard]
        line.sendall(b" ")  # the console draws itself for whoever comes
        while True:
            ready, _, _ = select.select(sources, [], [])
            if line in ready:
                data = line.recv(65536)
                if not data:
                    return
                os.write(sys.stdout.fileno(), data)
            if keyboard in ready:
                data = os.read(keyboard, 1024)
                if not data:
                    sources.remove(keyboard)
                elif b"\x1d" in data:
                    return
                else:
                    line.sendall(data)
    finally:
        if saved:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, saved)


if __name__ == "__main__":
    main()
