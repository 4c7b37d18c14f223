# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules as Ansible does (arguments as JSON, a process of its own) and holds them to a table of expectations.

    harness.run_module('wandb.onprem.minio_bucket', {...}, check=True) -> the module's result, with `failed` always in it
    harness.walk('wandb.onprem.minio_bucket', {...}, [harness.Step('create', {'name': 'x'}, changed=True), ...])
    harness.lab_vars('s3-1')['ansible_host'] -> what the lab's inventory says of a host; skips the test where no lab stands
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import runpy
import subprocess
import sys
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / '.cache' / 'collections'
TIMEOUT = 120

Json = dict[str, t.Any]


def run_module(
    fqcn: str, args: t.Mapping[str, t.Any], check: bool = False, diff: bool = True, secrets: t.Iterable[str] = (), limit: float = TIMEOUT
) -> Json:
    """The result of one run; options that are None are left out. AssertionError if the module prints no JSON, or one of `secrets` anywhere.

    `limit`: seconds for the process; more than the module's own time-out.
    """
    given = {key: value for key, value in args.items() if value is not None}
    payload = json.dumps({**given, '_ansible_check_mode': check, '_ansible_diff': diff, '_ansible_module_name': fqcn})
    done = subprocess.run(
        [sys.executable, str(pathlib.Path(__file__).resolve()), fqcn], input=payload, capture_output=True, text=True, timeout=limit, check=False,
        env={**os.environ, 'PYTHONPATH': str(COLLECTIONS)},
    )
    for secret in secrets:
        assert secret not in done.stdout + done.stderr, f'{fqcn} prints a secret'
    try:
        result: Json = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise AssertionError(f'{fqcn} printed no result (exit {done.returncode}):\n{done.stdout}\n{done.stderr}') from None
    result.setdefault('failed', done.returncode != 0)
    return result


@dataclasses.dataclass(frozen=True)
class Step:
    """One row: what is asked for, whether it changes something the first time, what the result then holds, or the error's words."""

    title: str
    args: Json
    changed: bool = True
    holds: Json = dataclasses.field(default_factory=dict)
    error: str = ''


def walk(fqcn: str, base: Json, steps: t.Sequence[Step], secrets: t.Iterable[str] = ()) -> None:
    """Each row in check mode twice (the first one wrote nothing), for real, for real again and in check mode again."""
    for step in steps:
        def run(check: bool, step: Step = step) -> Json:
            return run_module(fqcn, {**base, **step.args}, check=check, secrets=secrets)

        runs = [('check', run(True)), ('check again', run(True)), ('real', run(False))]
        if step.error:
            for name, result in runs:
                assert result['failed'], f'{step.title}, {name}: expected an error with {step.error!r}, got {result}'
                assert step.error in result['msg'], f"{step.title}, {name}: {result['msg']}"
            continue
        for name, result in runs:
            assert not result['failed'], f"{step.title}, {name}: {result['msg']}"
            assert result['changed'] is step.changed, f'{step.title}, {name}: changed is {result["changed"]}'
            assert (result['diff']['before'] != result['diff']['after']) is step.changed, f'{step.title}, {name}: {result["diff"]}'
            for path, value in step.holds.items():
                found = functools.reduce(lambda node, key: node.get(key), path.split('.'), t.cast(t.Any, result))
                assert found == value, f'{step.title}, {name}: {path} is {found!r}, not {value!r}'
        predicted, real = ({key: value for key, value in result.items() if key != 'invocation'} for result in (runs[0][1], runs[2][1]))
        assert predicted == real, f'{step.title}: check mode predicted {predicted}, the real run returned {real}'
        for name, result in [('real again', run(False)), ('check after it', run(True))]:
            assert not result['failed'], f"{step.title}, {name}: {result['msg']}"
            assert result['changed'] is False, f'{step.title}, {name}: changes again: {result["diff"]}'


def lab_dir() -> pathlib.Path:
    """The state of the lab $LAB."""
    folder = ROOT / '.lab' / os.environ.get('LAB', 'wandb')
    if not (folder / 'inventory').is_dir():
        pytest.skip(f'no lab stands in {folder}: `make lab` makes one')
    return folder


@functools.cache
def _inventory(folder: pathlib.Path) -> Json:
    command = ['ansible-inventory', '-i', str(ROOT / 'inventories' / 'lab'), '-i', str(folder / 'inventory'), '--list']
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=ROOT)
    assert done.returncode == 0, f'{" ".join(command)}: {done.stderr}'
    return t.cast(Json, json.loads(done.stdout)['_meta']['hostvars'])


def lab_vars(host: str) -> Json:
    """Variables of a lab host, untemplated; $WANDB_TEST_VARS may name a YAML file with further ones."""
    extra = os.environ.get('WANDB_TEST_VARS')
    return {**_inventory(lab_dir())[host], **(yaml.safe_load(pathlib.Path(extra).read_text(encoding='utf-8')) if extra else {})}


def _child(fqcn: str) -> None:
    from ansible.module_utils.testing import patch_module_args

    namespace, collection, name = fqcn.split('.')
    with patch_module_args(json.load(sys.stdin)):
        runpy.run_module(f'ansible_collections.{namespace}.{collection}.plugins.modules.{name}', run_name='__main__', alter_sys=True)


if __name__ == '__main__':
    _child(sys.argv[1])
