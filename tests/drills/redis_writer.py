# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application that writes: redis_writer.py WAY SECONDS THREADS HOST[,HOST...], password in REDIS_PASSWORD. Ends by itself, or on SIGTERM.

WAY is ``address`` (HOST is the one address) or ``sentinel`` (HOSTs are Sentinels, which are asked for the master at each login). Each thread
writes one field after another into a hash of its own, some 50 a second, and writes down those that the server acknowledged
(/root/acknowledged.WAY). A write that fails is tried again, with a new connection, for as long as the writer runs; and every 20 writes it
logs in anew. At the end one line of JSON: acknowledged, rate (a second), longest (seconds from the first try of a write to its
acknowledgement), errors by their first words.
"""

from __future__ import annotations

import collections
import json
import os
import signal
import sys
import threading
import time

import redis
import redis.sentinel

WAY, SECONDS, THREADS, HOSTS = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(',')
AT_MOST = 200_000
TLS = {'ssl': True, 'ssl_ca_certs': '/root/ca.crt', 'ssl_check_hostname': True, 'socket_timeout': 1, 'socket_connect_timeout': 1}
PASSWORD = os.environ['REDIS_PASSWORD']
errors: collections.Counter = collections.Counter()
acknowledged: list[tuple[int, int]] = []
longest = [0.0]
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())


def login() -> redis.Redis:
    """A connection without tries of its own, so that every refusal is counted."""
    none = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    host = HOSTS[0]
    if WAY == 'sentinel':
        # Names as announced: the certificate is checked against them.
        host = redis.sentinel.Sentinel([(each, 26379) for each in HOSTS], sentinel_kwargs={**TLS, 'retry': none}).discover_master('wandb')[0]
    return redis.Redis(host=host, port=6379, password=PASSWORD, retry=none, **TLS)


def write(thread: int, until: float) -> None:
    client, number = None, 0
    while not stop.is_set() and time.monotonic() < until and number < AT_MOST // THREADS:
        begun = time.monotonic()
        while not stop.is_set():
            try:
                client = client if client and number % 20 else login()
                client.hset(f'writer:{WAY}:{thread}', number, 1)
            except (redis.RedisError, OSError) as error:
                errors[' '.join(str(error).split()[:6])] += 1
                client = None
                time.sleep(0.05)
                continue
            break
        else:
            return
        longest[0] = max(longest[0], time.monotonic() - begun)
        acknowledged.append((thread, number))
        number += 1
        time.sleep(0.02)


def main() -> None:
    with open(f'/root/writer.{WAY}.pid', 'w', encoding='ascii') as stream:
        stream.write(str(os.getpid()))
    begun = time.monotonic()
    threads = [threading.Thread(target=write, args=(thread, begun + SECONDS)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open(f'/root/acknowledged.{WAY}', 'w', encoding='ascii') as stream:
        stream.writelines(f'{thread} {number}\n' for thread, number in acknowledged)
    took = time.monotonic() - begun
    print(json.dumps({'acknowledged': len(acknowledged), 'rate': round(len(acknowledged) / took, 1), 'longest': round(longest[0], 2), 'errors': errors}))


if __name__ == '__main__':
    main()
