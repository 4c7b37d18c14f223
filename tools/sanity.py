# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` on a copy of the checkout.

ansible-test wants the folder ``ansible_collections/wandb/onprem`` itself, not a link, and prints "All targets skipped" with exit 0 for a
copy inside a git-ignored folder. So the copy lies outside the checkout, is a git repository of its own, and holds what galaxy.yml ships;
that something was tested is asserted.

Usage: sanity.py [--all] [ansible-test options]: --all runs every Python that ansible-test finds, else the present one.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import ansible.release
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
# ansible-test fetches this script from a host that a closed network does not reach; pip comes with Python all the same.
GET_PIP = '''import subprocess, sys
subprocess.check_call([sys.executable, '-m', 'ensurepip', '--default-pip'])
wanted = [argument for argument in sys.argv[1:] if '==' in argument]
if wanted:
    subprocess.check_call([sys.executable, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', *wanted])
'''
GET_PIP_NAMES = ('get_pip_23_1_2.py', 'get_pip_24_2.py', 'get_pip_25_2.py')


def provide_pip() -> None:
    """Put the stand-in where ansible-test caches the fetched script."""
    cache = pathlib.Path.home() / '.ansible' / 'test' / 'cache'
    cache.mkdir(parents=True, exist_ok=True)
    for name in GET_PIP_NAMES:
        if not (cache / name).exists():
            (cache / name).write_text(GET_PIP, encoding='utf-8')


def search_path() -> str:
    """PATH with real interpreters instead of pyenv's shims, which ansible-test takes for interpreters."""
    versions = pathlib.Path(os.environ.get('PYENV_ROOT', pathlib.Path.home() / '.pyenv')) / 'versions'
    real = sorted(str(path.parent) for path in versions.glob('3.*/bin/python'))
    rest = [entry for entry in os.environ['PATH'].split(os.pathsep) if 'shims' not in entry]
    return os.pathsep.join([str(ROOT / '.venv' / 'bin'), *real, *rest])


def copy_checkout(target: pathlib.Path) -> None:
    """Copy what is shipped (what git knows or would add, less ``build_ignore``), and the collections that ours imports from."""
    unshipped = tuple(yaml.safe_load((ROOT / 'galaxy.yml').read_text(encoding='utf-8'))['build_ignore'])
    listed = subprocess.run(
        ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split('\0')
    for name in filter(None, listed):
        source = ROOT / name
        if source.is_file() and not name.startswith(tuple(f'{entry}/' for entry in unshipped)) and name not in unshipped:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    subprocess.run(['git', 'init', '-q', str(target)], check=True)
    for folder in (ROOT / '.cache' / 'collections' / 'ansible_collections').iterdir():
        if folder.name != 'wandb':
            (target.parent.parent / folder.name).symlink_to(folder)


def main() -> int:
    """Run it; the exit code is ansible-test's, or 1 where nothing was tested."""
    arguments = sys.argv[1:]
    everything = '--all' in arguments
    arguments = [argument for argument in arguments if argument != '--all']
    if not everything:
        arguments += ['--python', f'{sys.version_info[0]}.{sys.version_info[1]}']
    provide_pip()
    with tempfile.TemporaryDirectory(prefix='wandb-onprem-sanity-') as folder:
        target = pathlib.Path(folder) / 'ansible_collections' / 'wandb' / 'onprem'
        target.mkdir(parents=True)
        copy_checkout(target)
        environment = dict(os.environ, PATH=search_path())
        process = subprocess.run(
            ['ansible-test', 'sanity', *arguments], cwd=target, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    print(process.stdout)
    tests = len(set(re.findall(r'^Running sanity test "([\w-]+)"', process.stdout, re.MULTILINE)))
    print(f'sanity: ansible-core {ansible.release.__version__}, {tests} tests, exit {process.returncode}')
    if 'All targets skipped' in process.stdout or tests == 0:
        print('sanity: nothing was tested', file=sys.stderr)
        return 1
    return process.returncode


if __name__ == '__main__':
    sys.exit(main())
