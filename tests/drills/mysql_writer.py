# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application that writes: mysql_writer.py ADDRESS SECONDS THREADS HOST HOST, password in MYSQL_PASSWORD. Ends by itself, or on SIGTERM.

Each thread inserts one row after another into the empty table wandb_local.acknowledged and writes down those that the server acknowledged
(/root/acknowledged). A write that fails is tried again, with a new connection, for as long as the writer runs. At the end one line of
JSON: acknowledged, rate (a second), longest (seconds from the first try of a write to its acknowledgement), errors by number;
looks (how often both hosts of the pair, asked at their own addresses, answered) and both_writable (how often both accepted writes).
"""

from __future__ import annotations

import collections
import json
import os
import signal
import ssl
import sys
import threading
import time

import pymysql

ADDRESS, SECONDS, THREADS, HOSTS = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
AT_MOST = 400_000
DUPLICATE = 1062
context = ssl.create_default_context(cafile='/root/ca.crt')
errors: collections.Counter = collections.Counter()
acknowledged: list[tuple[int, int]] = []
longest = [0.0]
seen: collections.Counter = collections.Counter()
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())


def login(address):
    return pymysql.connect(host=address, user='wandb_local', password=os.environ['MYSQL_PASSWORD'], database='wandb_local', ssl=context,
                           connect_timeout=2, read_timeout=8, write_timeout=8, autocommit=True)


def write(thread: int, until: float) -> None:
    connection, number = None, 0
    while not stop.is_set() and time.monotonic() < until and number < AT_MOST // THREADS:
        begun = time.monotonic()
        while not stop.is_set():
            try:
                connection = connection or login(ADDRESS)
                with connection.cursor() as cursor:
                    cursor.execute('INSERT INTO acknowledged (thread, number) VALUES (%s, %s)', (thread, number))
            except (pymysql.err.MySQLError, OSError) as error:
                code = error.args[0] if error.args else 0
                if code == DUPLICATE:
                    # An earlier try had been committed, its acknowledgement was lost.
                    break
                errors[str(code)] += 1
                connection = None
                time.sleep(0.05)
                continue
            break
        else:
            return
        longest[0] = max(longest[0], time.monotonic() - begun)
        acknowledged.append((thread, number))
        number += 1


class Host:
    """One host of the pair at its own address."""

    def __init__(self, address):
        self.address, self.connection = address, None

    def writable(self):
        """Whether it accepts writes; None where it does not answer."""
        try:
            self.connection = self.connection or login(self.address)
            with self.connection.cursor() as cursor:
                cursor.execute('SELECT @@global.read_only')
                return cursor.fetchone()[0] == 0
        except (pymysql.err.MySQLError, OSError):
            self.connection = None
            return None


def watch(until: float) -> None:
    first, second = (Host(address) for address in HOSTS)
    while not stop.is_set() and time.monotonic() < until:
        answers = [host.writable() for host in (first, second, first)]
        seen['looks'] += None not in answers
        # The first one is asked again: it may have given up its part in between.
        seen['both_writable'] += all(answers)
        time.sleep(0.05)


def main() -> None:
    with open('/root/writer.pid', 'w', encoding='ascii') as stream:
        stream.write(str(os.getpid()))
    begun = time.monotonic()
    threads = [threading.Thread(target=write, args=(thread, begun + SECONDS)) for thread in range(THREADS)]
    threads.append(threading.Thread(target=watch, args=(begun + SECONDS,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open('/root/acknowledged', 'w', encoding='ascii') as stream:
        stream.writelines(f'{thread} {number}\n' for thread, number in acknowledged)
    took = time.monotonic() - begun
    print(json.dumps({'acknowledged': len(acknowledged), 'rate': round(len(acknowledged) / took, 1), 'longest': round(longest[0], 2), 'errors': errors,
                      'looks': seen['looks'], 'both_writable': seen['both_writable']}))


if __name__ == '__main__':
    main()
