# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options -> values of the operator's chart: every option, and what is refused or warned of. Also the file for GitOps."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.helm import HelmError
from ansible_collections.wandb.onprem.plugins.module_utils.operator_options import argument_spec, values_spec
from ansible_collections.wandb.onprem.plugins.module_utils.operator_render import render
from ansible_collections.wandb.onprem.plugins.module_utils.operator_values import ValuesError, build

OPTIONS = {**{name: option.get('default') for name, option in argument_spec().items()}, 'image_tag': '1.22.0'}
BASE = {
    'image': {'repository': 'wandb/controller', 'tag': '1.22.0', 'pullPolicy': 'IfNotPresent'},
    'airgapped': False,
    'podSecurityContext': {'runAsNonRoot': True, 'seccompProfile': {'type': 'RuntimeDefault'}},
    'securityContext': {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}},
}
FROM_SECRET = {'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'k'}}}
DIGEST = 'sha256:' + 'ab' * 32
ONE = '-----BEGIN CERTIFICATE-----\nMIIBone=\n-----END CERTIFICATE-----\n'
TWO = '-----BEGIN CERTIFICATE-----\nMIIBtwo=\n-----END CERTIFICATE-----\n'
LEASES = {'apiGroups': ['coordination.k8s.io'], 'resources': ['leases'], 'verbs': ['*']}
# Without these the options below would be contradictions.
TOGETHER = {'additional_namespaces': {'namespace_isolation': True}}

# One row an option: what it is given, what it adds to the values.
ROWS = [
    ('image_repository', 'r.example.com:5000/w/controller', {'image': {**BASE['image'], 'repository': 'r.example.com:5000/w/controller'}}),
    ('image_tag', '1.23.0', {'image': {**BASE['image'], 'tag': '1.23.0'}}),
    ('image_digest', DIGEST, {'image': {**BASE['image'], 'digest': DIGEST}}),
    ('image_pull_policy', 'Always', {'image': {**BASE['image'], 'pullPolicy': 'Always'}}),
    ('image_pull_secrets', ['a', 'b'], {'image': {**BASE['image'], 'pullSecrets': ['a', 'b']}}),
    ('airgapped', True, {'airgapped': True}),
    ('deployer_channel_url', 'https://deploy.example.com', {'extraEnv': [{'name': 'DEPLOYER_CHANNEL_URL', 'value': 'https://deploy.example.com'}]}),
    ('namespace_isolation', True, {'namespaceIsolation': {'enabled': True}}),
    ('additional_namespaces', ['wandb', 'wandb-operator', 'wandb'], {'namespaceIsolation': {'enabled': True, 'additionalNamespaces': ['wandb']}}),
    ('custom_ca_certs', [f'a comment\n{ONE}\n{TWO}', ONE], {'customCACerts': [ONE, TWO]}),
    ('ca_certs_configmap', 'cas', {'caCertsConfigMap': 'cas'}),
    ('pod_proxy', {'https': 'http://p.example.com:3128', 'http': None, 'no_proxy': ['.example.com', '.svc']}, {'extraEnv': [
        {'name': 'HTTPS_PROXY', 'value': 'http://p.example.com:3128'},
        {'name': 'NO_PROXY', 'value': 'localhost,127.0.0.1,.svc,.cluster.local,$(KUBERNETES_SERVICE_HOST),.example.com'}]}),
    ('extra_env', {'B': True, 'A': 1, 'TOKEN': FROM_SECRET}, {'extraEnv': [
        {'name': 'A', 'value': '1'}, {'name': 'B', 'value': 'true'}, {'name': 'TOKEN', **FROM_SECRET}]}),
    ('resources', {'limits': {'cpu': 1}}, {'resources': {'limits': {'cpu': 1}}}),
    ('role_rules', [LEASES], {'role': {'rules': [LEASES]}}),
    ('service_account_name', 'sa', {'manager': {'serviceAccount': {'name': 'sa'}}}),
    ('pod_security_context', {'runAsUser': 7}, {'podSecurityContext': {'runAsUser': 7}}),
    ('security_context', {'runAsUser': 7}, {'securityContext': {'runAsUser': 7}}),
    ('pod_annotations', {'a': 1}, {'podAnnotations': {'a': '1'}}),
    ('node_selector', {'disk': True}, {'nodeSelector': {'disk': 'True'}}),
    ('tolerations', [{'key': 'k'}], {'tolerations': [{'key': 'k'}]}),
    ('affinity', {'nodeAffinity': {'x': 1}}, {'affinity': {'nodeAffinity': {'x': 1}}}),
    ('name_override', 'ops', {'nameOverride': 'ops'}),
    ('fullname_override', 'ops', {'fullnameOverride': 'ops'}),
    ('extra_values', {'image': {'tag': 'x'}, 'resources': None}, {'image': {**BASE['image'], 'tag': 'x'}, 'resources': None}),
]


def problems(**options):
    with pytest.raises(ValuesError) as caught:
        build({**OPTIONS, **options})
    return caught.value.problems


def test_what_was_not_asked_for_is_left_to_the_chart_and_restricted_passes():
    assert build(OPTIONS).values == BASE
    assert build(OPTIONS).warnings == []


@pytest.mark.parametrize(('option', 'given', 'adds'), ROWS, ids=[row[0] for row in ROWS])
def test_every_option_reaches_its_value(option, given, adds):
    built = build({**OPTIONS, **TOGETHER.get(option, {}), option: given})
    assert built.values == {**BASE, **adds}
    assert built.warnings == []


def test_no_option_is_forgotten_here():
    assert {row[0] for row in ROWS} | {'service_account_create'} == set(values_spec())


def test_an_account_of_ones_own():
    values = build({**OPTIONS, 'service_account_create': False, 'service_account_name': 'sa'}).values
    assert values['manager'] == {'serviceAccount': {'create': False, 'name': 'sa'}}


def test_extra_values_are_merged_last_and_lists_replaced():
    values = build({**OPTIONS, 'tolerations': [{'key': 'a'}], 'extra_values': {'tolerations': [{'key': 'b'}], 'image': {'tag': 'x'}}}).values
    assert values['tolerations'] == [{'key': 'b'}]
    assert values['image'] == {**BASE['image'], 'tag': 'x'}


def test_the_same_options_in_another_order_give_the_same_values():
    env = {'A': '1', 'B': '2', 'C': '3'}
    one, other = build({**OPTIONS, 'extra_env': env}), build({**OPTIONS, 'extra_env': dict(reversed(env.items()))})
    assert yaml.safe_dump(one.values) == yaml.safe_dump(other.values)


@pytest.mark.parametrize(('given', 'words'), [
    ({'image_repository': 'wandb/controller:1.22.0'}, 'image_repository: wandb/controller:1.22.0 holds a tag'),
    ({'image_repository': 'wandb/controller@sha256:ab'}, 'image_repository: wandb/controller@sha256:ab holds a tag or digest'),
    ({'image_repository': 'https://r.example.com/controller'}, 'image_repository: https://r.example.com/controller is a URL'),
    ({'image_digest': 'abc'}, 'image_digest: sha256:'),
    ({'service_account_create': False}, 'service_account_name: is required'),
    ({'additional_namespaces': ['a']}, 'additional_namespaces: do nothing without namespace_isolation=true'),
    ({'custom_ca_certs': [ONE, 'nothing']}, 'custom_ca_certs[1]: the PEM text'),
    ({'custom_ca_certs': [ONE + ONE[:40]]}, 'custom_ca_certs[0]: the PEM text'),
    ({'pod_proxy': {'http': 'proxy:3128'}}, 'pod_proxy.http: a URL is wanted'),
    ({'deployer_channel_url': 'deploy'}, 'deployer_channel_url: a URL is wanted'),
    ({'deployer_channel_url': 'https://d', 'airgapped': True}, 'deployer_channel_url: does nothing with airgapped=true'),
    ({'pod_proxy': {'http': 'http://p'}, 'extra_env': {'HTTP_PROXY': 'x'}}, 'extra_env.HTTP_PROXY: is what pod_proxy.http sets'),
    ({'extra_env': {'AIRGAPPED': 'true'}}, 'extra_env.AIRGAPPED: is what airgapped sets'),
    ({'extra_env': {'SSL_CERT_DIR': '/x'}}, 'custom_ca_certs'),
    ({'extra_env': {'a b': 'x'}}, '"a b" is no name'),
    ({'extra_env': {'A': None}}, 'extra_env.A: a string or a map'),
    ({'extra_env': {'A': {'value': 'x'}}}, 'extra_env.A: a map holds valueFrom'),
    ({'extra_values': {'replicaCount': 2}}, 'extra_values.replicaCount: does nothing (the chart runs one replica'),
    ({'extra_values': {'manager': {'debug': {'enabled': True}}}}, 'extra_values.manager.debug: does nothing'),
    ({'extra_values': {'serviceAccount': {'name': 'x'}}}, 'service_account_name'),
    ({'extra_values': {'imagePullSecrets': []}}, 'extra_values.imagePullSecrets: does nothing (image_pull_secrets)'),
    ({'extra_values': {'pod': {'securityContext': {}}}}, 'pod_security_context'),
    ({'extra_values': {'global': {'host': 'x'}}}, 'module wandb_server'),
])
def test_what_would_do_nothing_or_break_is_refused_with_the_right_place(given, words):
    [problem] = problems(**given)
    assert words in problem


@pytest.mark.parametrize(('given', 'path'), [
    ({'extra_env': {'REGISTRY_PASSWORD': 'hush-hush'}}, 'extra_env.REGISTRY_PASSWORD'),
    ({'extra_values': {'extraEnv': [{'name': 'A', 'value': '1'}, {'name': 'API_TOKEN', 'value': 'hush-hush'}]}}, 'extra_values.extraEnv[1].value'),
    ({'pod_proxy': {'http': 'http://me:hush-hush@p.example.com'}}, 'pod_proxy.http'),
    ({'deployer_channel_url': 'https://me:hush-hush@deploy.example.com'}, 'deployer_channel_url'),
    ({'extra_values': {'podAnnotations': {'x': 'eyJhbGciOiJI.eyJzdWIiOiIx.hush-hush-x'}}}, 'extra_values.podAnnotations.x'),
    ({'custom_ca_certs': [ONE + '-----BEGIN PRIVATE KEY-----\nhush-hush\n']}, 'custom_ca_certs[0]'),
])
def test_secrets_in_clear_are_refused_and_not_repeated(given, path):
    told = '; '.join(problems(**given))
    assert f'{path}: ' in told
    assert 'in clear' in told
    assert 'hush-hush' not in told


def test_all_problems_are_told_at_once():
    assert len(problems(image_digest='x', service_account_create=False, extra_values={'replicaCount': 1, 'env': {}})) == 4


@pytest.mark.parametrize(('given', 'words'), [
    ({'extra_values': {'nodeSelectors': {}}}, 'extra_values.nodeSelectors: the chart has no such value (did you mean nodeSelector?)'),
    ({'extra_values': {'zzz': 1}}, 'extra_values.zzz: the chart has no such value'),
    ({'role_rules': [{'apiGroups': ['apps'], 'resources': ['*'], 'verbs': ['*']}]}, 'leases'),
    ({'airgapped': True, 'name_override': 'ops'}, 'ConfigMap ops-charts'),
])
def test_what_may_be_a_mistake_is_warned_of(given, words):
    [warning] = build({**OPTIONS, **given}).warnings
    assert words in warning


@pytest.mark.parametrize('rule', [LEASES, {'apiGroups': ['*'], 'resources': ['*'], 'verbs': ['*']}])
def test_rules_with_leases_are_not_warned_of(rule):
    assert build({**OPTIONS, 'role_rules': [rule]}).warnings == []


def test_a_value_that_the_chart_at_hand_knows_is_not_warned_of():
    assert build({**OPTIONS, 'extra_values': {'ours': 1}}, ['ours']).warnings == []


REMOTE = {**OPTIONS, 'chart': 'operator', 'chart_repo_url': 'https://charts.example.com', 'chart_version': '1.4.8',
          'chart_username': 'me', 'chart_password': 'hush-hush'}


def test_the_rendered_file_is_values_with_the_way_to_the_chart_in_its_head(tmp_path):
    result, _warnings = render({**REMOTE, 'render_to': str(tmp_path)})
    path = tmp_path / 'operator-values.yaml'
    assert (result['rendered_to'], result['changed'], result['chart_values']) == (str(path), True, BASE)
    text = result['diff']['after']
    assert yaml.safe_load(text) == BASE
    for line in ('# release: operator', '# namespace: wandb-operator', '# chart: operator', '# repository: https://charts.example.com', '# version: 1.4.8'):
        assert line in text.splitlines()
    assert 'hush-hush' not in str(result)
    assert not path.exists()
    path.write_text(text)
    assert not render({**REMOTE, 'render_to': str(path)})[0]['changed']
    assert render({**REMOTE, 'render_to': str(path), 'image_tag': '2'})[0]['changed']


def test_rendering_needs_a_folder_and_options_that_make_sense(tmp_path):
    with pytest.raises(HelmError, match=r'render_to: folder .*nowhere does not exist'):
        render({**REMOTE, 'render_to': str(tmp_path / 'nowhere' / 'file.yaml')})
    with pytest.raises(HelmError, match=r'chart_version: is required'):
        render({**REMOTE, 'chart_version': None})
    with pytest.raises(ValuesError, match=r'replicaCount'):
        render({**REMOTE, 'extra_values': {'replicaCount': 2}})
