# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example in the documentation of the Kubernetes modules runs: in check mode, against the lab's API server.

Addresses of other people's machines are replaced by the lab's (`REPLACED`), templates are rendered as Ansible would, and
nothing else is touched: an option that the module does not know, a value that it refuses or a combination that makes no
sense fails the test. A `debug` beside them is rendered with the samples of the documented return values.
"""

from __future__ import annotations

import ast
import base64
import copy
import dataclasses
import os
import pathlib
import subprocess
import typing as t

import jinja2.nativetypes
import pytest
import yaml
from harness import ROOT, lab_dir, lab_vars, run_module

Json = dict[str, t.Any]

MODULES = ('wandb_server', 'wandb_operator', 'wandb_server_info', 'cluster_info')
PREFIX = 'wandb.onprem.'
SERVER, OPERATOR = 'test-examples', 'test-examples-op'


def strings_of(module: str) -> dict[str, str]:
    """DOCUMENTATION, EXAMPLES and RETURN of a module's file."""
    tree = ast.parse((ROOT / 'plugins' / 'modules' / f'{module}.py').read_text(encoding='utf-8'))
    assigned = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    return {t.cast(ast.Name, node.targets[0]).id: t.cast(ast.Constant, node.value).value for node in assigned}


@dataclasses.dataclass(frozen=True)
class Example:
    """One task, and those before it in the same documentation."""

    module: str
    task: Json
    before: tuple[Json, ...]

    def __str__(self) -> str:
        return f'{self.module}: {self.task["name"]}'


def examples() -> list[Example]:
    found = []
    for module in MODULES:
        tasks = yaml.safe_load(strings_of(module)['EXAMPLES'])
        found += [Example(module, task, tuple(tasks[:number])) for number, task in enumerate(tasks)]
    return found


EXAMPLES = examples()


@dataclasses.dataclass
class Place:
    """What stands for the machines of those who read the documentation."""

    folder: pathlib.Path
    kubeconfig: pathlib.Path = dataclasses.field(default_factory=lambda: lab_dir() / 'kubeconfig')

    def __post_init__(self) -> None:
        if not self.kubeconfig.exists():
            pytest.skip('the lab has no API server')

    def pem(self) -> str:
        """The lab's CA, for what is called a CA."""
        cluster = yaml.safe_load(self.kubeconfig.read_text())['clusters'][0]['cluster']
        return base64.b64decode(cluster['certificate-authority-data']).decode()

    def chart(self) -> str:
        return str(next((lab_dir() / 'charts').glob('operator-1*.tgz')))

    def unpacked(self) -> str:
        subprocess.run(['tar', 'xzf', self.chart(), '-C', str(self.folder)], check=True)
        return str(self.folder / 'operator')

    def within(self, path: t.Any) -> str:
        """The same name in a folder of the test; what ends in / is a folder."""
        if str(path).endswith('/'):
            return str(self.folder)
        return str(self.folder / pathlib.PurePath(str(path)).name)


def operator_chart(place: Place, given: Json) -> None:
    """The lab has the chart as an archive; where it comes from is tested in test_wandb_operator_sources.py."""
    if 'chart' in given:
        archive = given.get('chart_repo_url') or str(given['chart']).startswith('oci://') or str(given['chart']).endswith('.tgz')
        given['chart'] = place.chart() if archive else place.unpacked()
    for option in ('chart_repo_url', 'chart_username', 'chart_password', 'chart_ca_file'):
        given.pop(option, None)


def beside_the_sites(_place: Place, given: Json) -> None:
    """The lab runs an operator already, whose cluster-wide objects have the same names."""
    if given.get('state') != 'absent' and not given.get('render'):
        given['extra_values'] = {**given.get('extra_values', {}), 'nameOverride': SERVER}
        given['allow_other_operators'] = True


# Module -> option -> what it is in the lab; called with the place and the value given (None where it is not).
REPLACED: dict[str, dict[str, t.Callable[[Place, t.Any], t.Any]]] = {
    'wandb_server': {'namespace': lambda *_: SERVER, 'operator_namespace': lambda *_: OPERATOR},
    'wandb_server_info': {'namespace': lambda *_: SERVER, 'operator_namespace': lambda *_: OPERATOR},
    'wandb_operator': {
        'namespace': lambda *_: OPERATOR,
        'helm_binary': lambda *_: os.environ.get('WANDB_TEST_HELM') or lab_vars('kube-1')['lab_helm'],
    },
    'cluster_info': {},
}
# A kubeconfig's content stays content.
EVERYWHERE: dict[str, t.Callable[[Place, t.Any], t.Any]] = {'kubeconfig': lambda place, given: given if isinstance(given, dict) else str(place.kubeconfig)}
WHERE_GIVEN: dict[str, t.Callable[[Place, t.Any], t.Any]] = {
    'render_to': Place.within,
    'save_secrets_to': Place.within,
    'additional_namespaces': lambda *_: [SERVER],
}
WHOLE: dict[str, tuple[t.Callable[[Place, Json], None], ...]] = {'wandb_operator': (operator_chart, beside_the_sites)}


def rendered(value: t.Any, place: Place, variables: Json) -> t.Any:
    """Templates as Ansible renders them, of the lookups, filters and vaulted variables that the examples use."""
    def lookup(kind: str, *_arguments: t.Any) -> str:
        return {'ansible.builtin.file': place.pem}[kind]()

    if isinstance(value, dict):
        return {key: rendered(inner, place, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [rendered(inner, place, variables) for inner in value]
    if not isinstance(value, str) or '{{' not in value:
        return value
    environment = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
    environment.filters['from_yaml'] = yaml.safe_load
    known = {'vault_kubeconfig': place.kubeconfig.read_text(), 'vault_registry_password': 'not looked at', **variables}
    return environment.from_string(value).render(lookup=lookup, **known)


def samples(example: Example) -> Json:
    """What the tasks before registered, by the samples of the documentation."""
    documented = yaml.safe_load(strings_of(example.module)['RETURN'])

    def sample(entry: Json) -> t.Any:
        if 'sample' in entry:
            return entry['sample']
        inner = {key: sample(one) for key, one in entry['contains'].items()}
        return [inner] if entry['type'] == 'list' else inner
    values = {key: sample(entry) for key, entry in documented.items()}
    if 'namespaces' in values:
        values['namespaces'] = {'wandb': values['namespaces']}
    return {task['register']: values for task in example.before if 'register' in task}


def run(example: Example, place: Place) -> Json:
    """The result of one example; AssertionError if it fails."""
    module = PREFIX + example.module
    if module not in example.task:
        assert set(example.task) <= {'name', 'ansible.builtin.debug', 'when', 'loop'}, f'{example}: say in this file how to try it'
        return {'msg': rendered(example.task['ansible.builtin.debug']['msg'], place, samples(example))}
    given = rendered(copy.deepcopy(example.task[module]), place, samples(example))
    for option, replace in {**EVERYWHERE, **REPLACED[example.module]}.items():
        given[option] = replace(place, given.get(option))
    for option, replace in WHERE_GIVEN.items():
        if option in given:
            given[option] = replace(place, given[option])
    for change in WHOLE.get(example.module, ()):
        change(place, given)
    result = run_module(module, given, check=True)
    assert not result['failed'], f'{example}: {result["msg"]}'
    return result


@pytest.mark.parametrize('example', EXAMPLES, ids=str)
def test_an_example_runs(example, tmp_path):
    run(example, Place(tmp_path))


def test_a_misspelt_option_is_seen(tmp_path):
    example = next(one for one in EXAMPLES if PREFIX + 'wandb_operator' in one.task)
    task = {**example.task, PREFIX + 'wandb_operator': {**example.task[PREFIX + 'wandb_operator'], 'imagetag': '1'}}
    with pytest.raises(AssertionError, match=r'Unsupported parameters .* imagetag'):
        run(dataclasses.replace(example, task=task), Place(tmp_path))


def test_what_modules_can_do_has_an_example():
    def with_option(module, option, value):
        return [one for one in EXAMPLES if one.task.get(PREFIX + module, {}).get(option) == value]
    assert all(with_option(module, 'state', 'absent') for module in ('wandb_server', 'wandb_operator'))
    assert with_option('wandb_server', 'render', True)
    assert {one.module for one in EXAMPLES} == set(MODULES)
