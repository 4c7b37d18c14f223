# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of `wandb-mysql-backup`."""

from __future__ import annotations

import argparse
import signal
import sys
import typing as t

from . import config, report, verbs


def parser() -> argparse.ArgumentParser:
    """Every verb and its options."""
    top = argparse.ArgumentParser(prog='wandb-mysql-backup', description=__doc__, epilog='Exit codes: 0 done, 1 failed, 2 wrong settings, '
                                  '3 no good backup or a damaged one, 4 the last good backup is too old.')
    top.add_argument('--config', default='/etc/wandb/mysql/backup.json', help='settings (default: %(default)s)')
    sub = top.add_subparsers(dest='verb', required=True, metavar='VERB')

    def verb(name: str, work: t.Callable[[config.Config, argparse.Namespace], int], text: str, *options: str) -> argparse.ArgumentParser:
        one = sub.add_parser(name, help=text, description=text)
        one.set_defaults(work=work)
        if 'target' in options:
            one.add_argument('--target', default='', help='name of a target (default: all for what writes, the first for what reads)')
        if 'backup' in options:
            one.add_argument('--backup', default='', metavar='ID', help='default: the latest good one (before --to)')
        if 'json' in options:
            one.add_argument('--json', action='store_true', help='for programs')
        if 'to' in options:
            one.add_argument('--to', default='', metavar='WHEN', help="'YYYY-MM-DD HH:MM:SS' UTC, 'latest', or a GTID to stop before")
        return one

    run = verb('run', verbs.run, 'back up now, if that is this host\'s duty', 'target')
    run.add_argument('--force', action='store_true', help='whoever\'s duty it is')
    verb('duty', verbs.duty, 'tell whether a backup is this host\'s duty, and why', 'json')
    verb('binlogs', verbs.binlogs, 'ship the binary logs', 'target').add_argument('--flush', action='store_true', help='close the current one first')
    verb('list', verbs.show, 'list the backups', 'target', 'json')
    verb('status', verbs.status, 'age of the last good backup in each target', 'json')
    verb('prune', verbs.prune, 'delete what is older than is to be kept', 'target')
    verify = verb('verify', verbs.verify, 'read a backup and compare its sums', 'target', 'backup')
    verify.add_argument('--all', action='store_true', help='every backup and every binary log')
    verb('fetch', verbs.fetch, 'copy a backup into a folder of this host', 'target', 'backup').add_argument('folder')
    verb('test', verbs.test, 'restore into a scratch instance, and compare every table', 'target', 'backup', 'to')
    verb('plan', verbs.plan, 'tell what a restore would read, and verify it; touches nothing', 'target', 'backup', 'to')
    restore = verb('restore', verbs.restore_database, 'replace the running database by a backup', 'target', 'backup', 'to')
    restore.add_argument('--confirm', required=True, metavar='DATABASE', help='name of the database that is replaced')
    restore.add_argument('--no-safety-backup', action='store_true', help='do not back up what is replaced')
    return top


def main() -> int:
    """Run a verb; returns the exit code."""
    # A stop by systemd ends what was begun as an error does: uploads are aborted, programs are ended.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    arguments = parser().parse_args()
    try:
        return int(arguments.work(config.load(arguments.config), arguments))
    except report.BackupError as error:
        report.fail(str(error))
        return error.code
    except OSError as error:
        report.fail(f'{type(error).__name__}: {error}')
        return report.FAILED


if __name__ == '__main__':
    sys.exit(main())
