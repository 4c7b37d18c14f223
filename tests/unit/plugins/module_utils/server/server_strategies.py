# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of options, generated from the module's argument spec: by type, with realistic leaves where a type says too little.

Every free text holds a mark of its own (``t17x``) and every free number is one of its own, so that each can be looked for in the result.
"""

from __future__ import annotations

import copy
import itertools

from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import auth_argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.components import KEYS
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import argument_spec
from hypothesis import strategies as st

MARK, NUMBER = '§', -1
PEM = '-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n'
TEXT = st.just(MARK)
IN_URL = st.sampled_from([MARK, f'{MARK} b+c&d', f'{MARK}/e'])
# Ready-made where any will do: each draw costs time, and there are a thousand sets to draw.
FREE_MAP = st.sampled_from([{}, {'one': MARK}, {'example.com/three': True, 'two': NUMBER}])
# Names that both eras know, and whose images nobody has to pin by hand.
BASE_NAMES = sorted(name for name in eras.CLASSIC.components if name in eras.BASE.components and eras.BASE.components[name].base and name != 'nginx')
REFERENCE = {'valueFrom': {'secretKeyRef': {'name': MARK, 'key': MARK}}}
ENV = st.sampled_from([{}, {'A': MARK}, {'A': REFERENCE, 'B': NUMBER}, {'NO_PROXY': MARK, 'B': True}])
EXTRA = {
    'global': st.fixed_dictionaries({'lumen': st.fixed_dictionaries({'customer': TEXT})}),
    'app': st.fixed_dictionaries({}, optional={'traceRatio': st.just(NUMBER), 'gone': st.none()}),
    'console': st.fixed_dictionaries({'role': st.fixed_dictionaries({'type': TEXT})}),
    'unheard-of': TEXT,
}


def _components():
    kinds = {
        str: TEXT, int: st.just(NUMBER), bool: st.booleans(), dict: FREE_MAP,
        list: st.sampled_from([[], [{'key': MARK}, {'key': MARK}]]),
    }  # fmt: skip
    optional = {}
    for key, known in KEYS.items():
        if isinstance(known, dict):
            optional[key] = st.fixed_dictionaries({}, optional={sub: kinds[kind] for sub, (_other, kind) in known.items()})
        else:
            optional[key] = kinds[known[1]]
    one = st.fixed_dictionaries({}, optional={**optional, 'env': ENV})
    return st.dictionaries(st.sampled_from(BASE_NAMES), one, max_size=2)


LEAVES = {
    ('wandb_host',): st.just(f'https://{MARK}.example.com'),
    ('extra_values',): st.fixed_dictionaries({}, optional=EXTRA),
    ('mysql', 'ca'): st.just(PEM.format(MARK)),
    ('mysql', 'database'): st.just(MARK),
    ('mysql', 'user'): st.just(MARK),
    ('redis', 'ca'): st.just(PEM.format(MARK)),
    ('redis', 'params'): st.sampled_from([{}, {'poolSize': NUMBER, 'a': f'{MARK} b+c&d'}]),
    ('bucket', 'name'): st.just(f'{MARK}/c'),
    ('bucket', 'path'): IN_URL,
    ('default_bucket', 'name'): st.just(f'{MARK}/c'),
    ('default_bucket', 'path'): IN_URL,
    ('team_buckets', 'path'): IN_URL,
    ('oidc', 'issuer'): st.just(f'https://{MARK}.example.com'),
    ('oidc', 'auth_method'): st.sampled_from(['pkce', 'implicit']),
    ('ldap', 'host'): st.just(f'ldaps://{MARK}.example.com'),
    ('ldap', 'group_allow_list'): st.sampled_from([[], [MARK, f'cn={MARK},dc=example']]),
    ('smtp', 'user'): st.just(f'{MARK}@example.com'),
    ('extra_cors',): st.sampled_from([[], [f'https://{MARK}.example.com'] * 2]),
    ('banners',): st.sampled_from([{}, {'a': {'message': MARK, 'type': 'info'}, 'b': {'heading': MARK, 'dismissable': True}}]),
    ('chart',): st.one_of(
        st.fixed_dictionaries({'path': st.just(f'/charts/{MARK}')}),
        st.fixed_dictionaries({'url': st.just(f'oci://{MARK}.example.com/c')}, optional={'plain_http': st.booleans()}),
        st.fixed_dictionaries(
            {'url': st.just(f'https://{MARK}.example.com'), 'name': TEXT},
            optional={
                'debug': st.booleans(), 'repo_name': TEXT,
                'credential_secret': st.fixed_dictionaries({'name': TEXT, 'username_key': TEXT, 'password_key': TEXT}),
            },
        ),
    ),
    ('chart_version',): st.sampled_from(['0.43.8', '0.43.8', '0.33.0', '0.18.0']),
    ('image_tag',): st.just('0.83.0'),
    ('console_tag',): st.just('2.18.12'),
    ('components',): _components(),
    ('install',): st.dictionaries(st.sampled_from([name for name in BASE_NAMES if name != 'console'] + ['otel', 'kafka']), st.booleans(), max_size=3),
    ('node_selector',): FREE_MAP,
    ('tolerations',): st.sampled_from([[], [{'key': MARK, 'operator': 'Exists'}]]),
    ('env',): ENV,
    ('pod_proxy', 'http'): st.just(f'http://{MARK}:3128'),
    ('pod_proxy', 'https'): st.just(f'http://{MARK}:3128'),
    ('custom_cas',): st.sampled_from([[], [PEM.format(MARK)], [PEM.format(MARK) + PEM.format(MARK), PEM.format(MARK)]]),
    ('ingress', 'annotations'): FREE_MAP,
    ('ingress', 'labels'): FREE_MAP,
    ('ingress', 'additional_hosts'): st.sampled_from([[], [f'{MARK}.example.com'] * 2]),
    ('reconcile_frequency',): st.sampled_from(['1h30m', '90s']),
}  # fmt: skip
# Of the site: a set without these is refused.
ALWAYS = ('wandb_host', 'license_secret', 'chart', 'chart_version', 'image_tag', 'console_tag', 'mysql', 'bucket')


def of_spec(spec, path=()):
    """The strategy for one entry of an argument spec."""
    if path in LEAVES:
        return LEAVES[path]
    if path[:1] == ('object_metadata',) and path[-1:] in (('labels',), ('annotations',)):
        return FREE_MAP
    if 'choices' in spec:
        return st.sampled_from(spec['choices'])
    kind = spec.get('type', 'str')
    if kind == 'list' and spec['elements'] == 'str':
        return st.sampled_from([[], [MARK], [MARK, MARK]])
    if kind == 'list':
        return st.lists(of_spec({**spec, 'type': spec['elements']}, path), max_size=2)
    if kind == 'dict':
        return of_options(spec['options'], path) if 'options' in spec else FREE_MAP
    return {'str': TEXT, 'path': TEXT, 'raw': TEXT, 'int': st.just(NUMBER), 'bool': st.booleans()}[kind]


def of_options(options, path=(), always=()):
    strategies = {key: of_spec(one, (*path, key)) for key, one in options.items()}
    required = {key for key, one in options.items() if one.get('required') or key in always}
    optional = {key: one for key, one in strategies.items() if key not in required}
    return st.fixed_dictionaries({key: one for key, one in strategies.items() if key in required}, optional=optional)


def numbered(value, counter):
    """Each mark and each number in it becomes one of its own."""
    if isinstance(value, dict):
        return {key: numbered(inner, counter) for key, inner in value.items()}
    if isinstance(value, list):
        return [numbered(inner, counter) for inner in value]
    if isinstance(value, str):
        first, *rest = value.split(MARK)
        return first + ''.join(f't{next(counter)}x{part}' for part in rest)
    return 20000 + next(counter) if value == NUMBER and not isinstance(value, bool) else value


def with_defaults(value, spec):
    """As Ansible hands options on: every one is there, with its default or None."""
    found = {}
    for key, one in spec.items():
        given = value.get(key, copy.deepcopy(one.get('default')))
        if one.get('options') and isinstance(given, dict):
            given = with_defaults(given, one['options'])
        elif one.get('options') and isinstance(given, list):
            given = [with_defaults(entry, one['options']) for entry in given]
        found[key] = given
    return found


def agreed(options):
    """The same options without what contradicts itself; what they are refused for is the business of other tests."""
    classic = options['chart_version'] == '0.18.0'
    if options.get('default_bucket') and not (options['bucket'].get('queue') or options['bucket'].get('proxied')):
        options['bucket'] = None
    else:
        options['default_bucket'] = None
    for name in ('bucket', 'default_bucket'):
        _agreed_store(options[name] or {})
    for store in options.get('team_buckets') or []:
        _agreed_team(store, classic)
    security = options['security_context']
    if security['preset'] == 'openshift':
        security.update(run_as_user=security['run_as_user'] or 1000650000, fs_group=security['fs_group'] or 1000650000)
    redis, oidc, smtp, ldap, slack = (options.get(name) or {} for name in ('redis', 'oidc', 'smtp', 'ldap', 'slack'))
    if redis.get('ca'):
        redis['tls'] = True
    for group, user, secret in ((smtp, 'user', 'password_secret'), (ldap, 'bind_dn', 'bind_password_secret')):
        if not (group.get(user) and group.get(secret)) or (classic and group is smtp):
            group.update({user: None, secret: None} if group else {})
    if classic:
        oidc.update({'secret': None} if oidc else {})
        options['slack'] = None if slack else options['slack']
    install = dict(options.get('install') or {})
    if security['preset'] == 'chart':
        install['prometheus'] = False
    if not options.get('clickhouse'):
        install = {name: False if eras.BASE.components[name].traces else wanted for name, wanted in install.items()}
    options['install'] = install
    return options


def _agreed_store(store):
    if store.get('provider') != 's3':
        store.update({'host': None, 'kms_key': None} if store else {})
    if store.get('host'):
        store['kms_key'] = None


def _agreed_team(store, classic):
    store['kms_key'] = None
    if store['provider'] != 's3':
        store.update(host=store['host'] if store['provider'] == 'cw' else None, region=None)
    else:
        store['region'] = store['region'] or 'us-east-1'
        store['secret'] = store['secret'] if store['host'] else None
        store['host'] = store['host'] if store['secret'] else None
    if classic:
        store['secret'] = None
        store['host'] = store['host'] if store['provider'] == 'cw' else None


SPEC = argument_spec()
# Options of the run, not of the server, and what decides of keys instead of becoming one.
NO_VALUES = {
    *auth_argument_spec(),
    *('state', 'name', 'namespace', 'operator_namespace', 'assumed_objects', 'force_conflicts', 'repair', 'render', 'render_to', 'save_secrets_to'),
    *('wait', 'timeout', 'chart_version', 'follow_channel', 'guide_values'),
}
DRAWN = of_options({name: one for name, one in SPEC.items() if name not in NO_VALUES - {'chart_version', 'follow_channel'}}, always=ALWAYS)


@st.composite
def option_sets(draw):
    """Options that a site could have."""
    return agreed(with_defaults(numbered(draw(DRAWN), itertools.count(1)), SPEC))
