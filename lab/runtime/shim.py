# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one container's program: started by systemd inside the pod's network and root folder, as the runtime's last step.

Standard input is the order (JSON: argv, env, cwd, uid, gid, groups), standard output the log in CRI form, standard error the record
of start and end (one JSON document a line), which stays locked as long as this program lives. Neither environment nor secrets are in any
command line. SIGTERM and the like are passed on to the program.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import selectors
import signal
import sys
from typing import Any, NoReturn

LONGEST = 16384


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def record(**entry: Any) -> None:
    os.write(2, json.dumps(entry).encode() + b"\n")


def become(order: dict[str, Any], out: int, err: int, failure: int) -> NoReturn:
    """In the child: take the program's user, folder and environment, and turn into it."""
    try:
        null = os.open("/dev/null", os.O_RDONLY)
        for source, target in ((null, 0), (out, 1), (err, 2)):
            os.dup2(source, target)
        os.setgroups(order["groups"])
        os.setgid(order["gid"])
        os.setuid(order["uid"])
        os.umask(0o022)
        os.chdir(order["cwd"])
        os.execvpe(order["argv"][0], order["argv"], order["env"])
    except OSError as error:
        os.write(failure, f"exec: {order['argv'][0]!r}: {error.strerror}".encode())
    os._exit(128)


class Lines:
    """Turns a stream into lines of CRI form."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rest = b""

    def feed(self, data: bytes, *, last: bool = False) -> None:
        self.rest += data
        *lines, self.rest = self.rest.split(b"\n")
        for line in lines:
            self.write(line)
        # What no line end follows is a partial line, as containerd has it.
        while len(self.rest) > LONGEST or (last and self.rest):
            self.write(self.rest[:LONGEST], "P")
            self.rest = self.rest[LONGEST:]

    def write(self, line: bytes, tag: str = "F") -> None:
        os.write(1, f"{now()} {self.name} {tag} ".encode() + line + b"\n")


def main() -> int:
    fcntl.flock(2, fcntl.LOCK_EX)
    order = json.load(sys.stdin)
    pipes = [os.pipe() for _ in range(3)]
    (out, out_end), (err, err_end), (failure, failure_end) = pipes
    begin = now()
    child = os.fork()
    if not child:
        become(order, out_end, err_end, failure_end)
    for _, end in pipes:
        os.close(end)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
        signal.signal(number, lambda number, _: os.kill(child, number))
    record(pid=child, startedAt=begin)
    selector = selectors.DefaultSelector()
    streams = {out: Lines("stdout"), err: Lines("stderr")}
    for stream in streams:
        os.set_blocking(stream, False)
        selector.register(stream, selectors.EVENT_READ)
    gone = os.pidfd_open(child)
    selector.register(gone, selectors.EVENT_READ)
    alive = True
    while alive:
        # The end of the program is looked at last, so that its last words are read.
        for key, _ in sorted(selector.select(), key=lambda event: event[0].fd == gone):
            if key.fd == gone:
                alive = False
            elif not drain(key.fd, streams[key.fd]):
                selector.unregister(key.fd)
    for stream, lines in streams.items():
        drain(stream, lines)
        lines.feed(b"", last=True)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = code if code >= 0 else 128 - code
    message = os.read(failure, 4096).decode()
    if message:
        record(exitCode=128, finishedAt=now(), reason="StartError", message=message)
    else:
        record(exitCode=code, finishedAt=now())
    return code


def drain(stream: int, lines: Lines) -> bool:
    """Reads what is there; False at the stream's end."""
    while True:
        try:
            data = os.read(stream, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        lines.feed(data)


if __name__ == "__main__":
    sys.exit(main())
