# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that an inventory must keep, checked on the controller before any host is touched.

Each rule is a function ``Site -> problems``; ``RULES`` is the list that is run. All rules run, so all problems come at once.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import os
import re
import shutil
import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem, Rule, Site, Unreadable

SECRETS = {
    'wandb_mysql_password': 'wandb_mysql',
    'wandb_redis_password': 'wandb_redis',
    'wandb_minio_root_user': 'wandb_minio',
    'wandb_minio_root_password': 'wandb_minio',
    'wandb_minio_access_key': '',
    'wandb_minio_secret_key': '',
}
REDIS_SECRETS = ('wandb_redis_replication_password', 'wandb_redis_sentinel_password')
PAIR_SECRETS = ('wandb_mysql_replication_password', 'wandb_mysql_backup_password', 'wandb_mysql_monitoring_password')
ENDPOINTS = {
    'wandb_mysql': ('wandb_mysql_endpoint', 'host', 'MySQL'),
    'wandb_redis': ('wandb_redis_endpoint', 'host', 'Redis'),
    'wandb_minio': ('wandb_bucket_endpoint', 'name', 'the object store'),
}
FILES_ON_CONTROLLER = ('wandb_server_chart_archive', 'wandb_operator_chart_archive')
# What a dictionary needs as soon as it is not empty. In argument_specs these cannot be required, for empty is the default.
REQUIRED = {
    'wandb_clickhouse_endpoint': ('host',),
    'wandb_server_oidc': ('client_id', 'issuer'),
    'wandb_server_ldap': ('host', 'base_dn'),
    'wandb_server_smtp': ('host',),
    'wandb_server_slack': ('client_id',),
}
# Dictionary; its key that asks for a password (none = the dictionary itself does); the secret; the key for a Secret of the user's own.
PASSWORDS = (
    ('wandb_clickhouse_endpoint', '', 'wandb_clickhouse_password', 'password_secret'),
    ('wandb_server_ldap', 'bind_dn', 'wandb_ldap_bind_password', 'bind_password_secret'),
    ('wandb_server_smtp', 'user', 'wandb_smtp_password', 'password_secret'),
    ('wandb_server_slack', '', 'wandb_slack_secret', 'secret'),
)
# Variables of earlier versions, whose nearest name would be the wrong one.
REPLACED = {'wandb_server_pod_annotations': 'write wandb_server_object_metadata: {pod: {annotations: ...}}'}
# A ConfigMap holds 1 MiB, its metadata included.
CHART_BYTES_AS_BASE64 = 1024**2 - 4096
HOST_URL = re.compile(r'https://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?')
TYPES: dict[str, tuple[type, ...]] = {'bool': (bool,), 'int': (int,), 'list': (list, tuple), 'dict': (dict,), 'str': (str,), 'path': (str,)}
TYPE_NAMES = {bool: 'bool', int: 'int', float: 'float', str: 'str', list: 'list', dict: 'dict'}


def unreadable(site: Site) -> t.Iterator[Problem]:
    """A variable that cannot be templated."""
    for name, value in sorted(site.values.items()):
        if isinstance(value, Unreadable):
            yield Problem(name, f'cannot be read: {value.reason}', 'correct the expression')


def misspelt(site: Site) -> t.Iterator[Problem]:
    """A ``wandb_`` variable that no role has: most often a misspelt one, which Ansible itself would pass over in silence."""
    names = set(site.values)
    for values in site.hosts.values():
        names.update(values)
    for name in sorted(names - set(site.known)):
        near = difflib.get_close_matches(name, site.known, n=1, cutoff=0.75)
        mend = f'did you mean {near[0]}?' if near else 'remove it; the README of each role lists its variables'
        yield Problem(name, 'no role of this collection has this variable', REPLACED.get(name, mend))


def types(site: Site) -> t.Iterator[Problem]:
    """A value of another type than the one specified; the text "false" is not a bool.

    Only what is written down literally: a template may give text for a number, which the roles convert.
    """
    for name in sorted(site.literal):
        value = site.values.get(name)
        wanted = TYPES.get(site.known.get(name, ''))
        if wanted is None or value is None or isinstance(value, Unreadable):
            continue
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            # bool before int: a bool is an int in Python.
            found = next((shown for kind, shown in TYPE_NAMES.items() if isinstance(value, kind)), 'value of another kind')
            mend = 'write it without quotes' if isinstance(value, str) else 'correct the type'
            yield Problem(name, f'is a {found}, must be a {site.known[name]}', mend)


def dictionaries(site: Site) -> t.Iterator[Problem]:
    """Keys of dictionaries that no role reads, that are missing, or whose value is none of the possible ones."""
    for name, options in sorted(site.options.items()):
        value = site.values.get(name)
        if isinstance(value, (list, tuple)):
            for number, element in enumerate(value, 1):
                yield from _keys(name, f'entry {number}', element, options)
        elif value and not isinstance(value, Unreadable):
            yield from _keys(name, '', value, options)
            for key in REQUIRED.get(name, ()):
                if isinstance(value, t.Mapping) and not value.get(key):
                    yield Problem(name, f'has no {key}', 'add it')


def _keys(name: str, place: str, value: t.Any, options: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    within = f'{place}: ' if place else ''
    if not isinstance(value, t.Mapping):
        yield Problem(name, f'{within}is no dictionary', f'write a dictionary of {", ".join(sorted(options))}')
        return
    for key in value:
        if key not in options:
            near = difflib.get_close_matches(str(key), options, n=1)
            mend = f'did you mean {near[0]}?' if near else f'it may have {", ".join(sorted(options))}'
            yield Problem(name, f'{within}nothing reads {key}', mend)
    for key, option in options.items():
        given = value.get(key)
        if given is None:
            if option.get('required'):
                yield Problem(name, f'{within}has no {key}', 'add it')
        elif option.get('choices') and given not in option['choices']:
            yield Problem(name, f'{within}{key} is {given!r}', f'must be one of {", ".join(str(choice) for choice in option["choices"])}')
        elif option.get('options') and given:
            yield from _keys(name, f'{place}.{key}' if place else str(key), given, option['options'])


def host_url(site: Site) -> t.Iterator[Problem]:
    """The server compares the origin of each request with this URL to the letter."""
    value = site.text('wandb_host')
    if not value:
        yield Problem('wandb_host', 'is missing', 'set it to the URL that users will type, for example https://wandb.example.com')
    elif not HOST_URL.fullmatch(value):
        mend = 'no path, no trailing slash, no http://: for example https://wandb.example.com'
        yield Problem('wandb_host', f'{value!r} is not https:// and a name alone', mend)


def licence_expiry(licence: str) -> float | None:
    """Expiry of a licence key in epoch seconds, or None where it has none.

    :raises ValueError: where it is not three base64url parts joined by dots with a JSON object in the middle.
    """
    parts = licence.strip().split('.')
    if len(parts) != 3 or not all(parts):
        raise ValueError(f'has {len(parts)} part(s) joined by dots, not three')
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + '=' * (-len(parts[1]) % 4)))
        return float(claims['exp']) if claims.get('exp') is not None else None
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError, AttributeError, TypeError) as exc:
        raise ValueError('its middle part is not base64url JSON') from exc


def licence(site: Site, now: t.Callable[[], float] = time.time) -> t.Iterator[Problem]:
    """A licence that the server could not read, or that ran out."""
    value = site.text('wandb_license')
    if not value:
        yield Problem('wandb_license', 'is missing', 'get a key from W&B (deploy.wandb.ai, or your contact) and keep it in the vault')
        return
    try:
        expiry = licence_expiry(value)
    except ValueError as exc:
        yield Problem('wandb_license', str(exc), 'copy the whole key in one line, without line breaks')
        return
    if expiry is not None and expiry < now():
        yield Problem('wandb_license', time.strftime('ran out on %Y-%m-%d', time.gmtime(expiry)), 'ask W&B for a new key')


def one_source(site: Site) -> t.Iterator[Problem]:
    """Each service is either made here (hosts in the group) or external (endpoint dictionary): exactly one."""
    for group, (endpoint, key, service) in ENDPOINTS.items():
        value = site.values.get(endpoint)
        given = bool(value)
        if given and isinstance(value, dict) and not value.get(key):
            yield Problem(endpoint, f'has no {key}', f'an external endpoint needs at least {key}')
        made = bool(site.members(group))
        bundled = group == 'wandb_redis' and bool(site.values.get('wandb_redis_bundled'))
        if bundled and (given or made):
            yield Problem('wandb_redis_bundled', 'is true, and another Redis is described too', f'leave one: the bundled one, hosts in {group}, or {endpoint}')
        elif given and made:
            yield Problem(endpoint, f'is given while group {group} has hosts too', f'remove one of the two: either {service} is made here, or it is external')
        elif not (given or made or bundled):
            yield Problem(group, f'{service} comes from nowhere', f'put hosts in group {group}, or describe your own in {endpoint}')


def secrets(site: Site) -> t.Iterator[Problem]:
    """Secrets that the site needs and does not have, or that are too short to be one."""
    bucket = site.mapping('wandb_bucket_endpoint')
    unneeded = set()
    if bucket.get('pod_identity') or bucket.get('secret') or bucket.get('provider') == 'gcs':
        unneeded = {'wandb_minio_access_key', 'wandb_minio_secret_key'}
    elif bucket.get('provider') == 'az':
        # The account's key alone, in the other variable.
        unneeded = {'wandb_minio_secret_key'}
    for name, group in SECRETS.items():
        external = name.endswith('_password') and site.values.get(group + '_endpoint')
        if name in unneeded or (group and not site.members(group) and not external):
            continue
        value = site.text(name)
        if not value:
            yield Problem(name, 'is missing', 'run `ansible-playbook wandb.onprem.secrets`, which makes every secret once, or put it in your vault')
        elif len(value) < 8 and name != 'wandb_minio_root_user':
            yield Problem(name, f'has only {len(value)} characters', 'use at least 8, better 32')


def passwords(site: Site) -> t.Iterator[Problem]:
    """Passwords of services that are not made here: only the user knows them."""
    for variable, key, secret, own in PASSWORDS:
        given = site.mapping(variable)
        if given and (not key or given.get(key)) and not given.get(own) and not site.text(secret):
            why = f'is missing, and {variable} has no {own}'
            yield Problem(secret, why, f'put it in your vault, or name a Secret of your own in {own}')
    if site.text('wandb_operator_chart_username') and not site.text('wandb_operator_chart_password'):
        yield Problem('wandb_operator_chart_password', 'is missing, and there is a wandb_operator_chart_username', 'put it in your vault')
    buckets = site.values.get('wandb_team_buckets')
    for number, bucket in enumerate(buckets if isinstance(buckets, (list, tuple)) else (), 1):
        keys = [key for key in ('access_key', 'secret_key') if isinstance(bucket, t.Mapping) and bucket.get(key)]
        if len(keys) == 1 and bucket.get('provider') != 'az':
            mend = "give access_key and secret_key, or secret, or none for the pods' identity"
            yield Problem('wandb_team_buckets', f'entry {number}: has {keys[0]} alone', mend)


def object_store(site: Site) -> t.Iterator[Problem]:
    """Presigned URLs carry one name; erasure coding needs four drives."""
    hosts = site.members('wandb_minio')
    if hosts and not site.text('wandb_minio_address'):
        yield Problem('wandb_minio_address', 'is missing', 'set the one name under which browsers, SDKs and pods reach the object store')
    drives = site.values.get('wandb_minio_drives')
    if 1 < len(hosts) < 4 and len(hosts) * (len(drives) if isinstance(drives, list) else 1) < 4:
        yield Problem('wandb_minio', f'{len(hosts)} hosts with one drive each cannot be a distributed pool', 'use at least four drives in all')


def single_hosts(site: Site) -> t.Iterator[Problem]:
    """What this version makes only once."""
    if len(site.members('wandb_kube')) > 1:
        yield Problem('wandb_kube', f'has {len(site.members("wandb_kube"))} hosts', 'leave one: it is the place from which the Kubernetes API is spoken to')


def mysql_pair(site: Site) -> t.Iterator[Problem]:
    """One MySQL server, or a pair whose clients have an address that follows the primary."""
    hosts = site.members('wandb_mysql')
    if len(hosts) > 2:
        yield Problem('wandb_mysql', f'has {len(hosts)} hosts', 'leave one, or two for a primary and its standby')
    if len(hosts) != 2:
        return
    for name in PAIR_SECRETS:
        if not site.text(name):
            yield Problem(name, 'is missing', 'run `ansible-playbook wandb.onprem.secrets`, which makes every secret once, or put it in your vault')
        elif len(site.text(name)) > 32 and name == 'wandb_mysql_replication_password':
            yield Problem(name, f'has {len(site.text(name))} characters', 'MySQL takes 32 of a replication password at most')
    if not site.text('wandb_mysql_virtual_address') and site.text('wandb_mysql_address') in (*hosts, ''):
        mend = 'set a free address of their network, such as 10.0.0.20/24 (or wandb_mysql_address, if something of yours follows the primary)'
        yield Problem('wandb_mysql_virtual_address', 'is missing: clients of a pair need one address that follows the primary', mend)


def redis_sentinels(site: Site) -> t.Iterator[Problem]:
    """One Redis server, or three and more with Sentinels, whose clients have an address that follows the master."""
    hosts = site.members('wandb_redis')
    if len(hosts) == 2:
        yield Problem('wandb_redis', 'has 2 hosts: two Sentinels have no majority when one is lost', 'leave one host, or use three')
    if len(hosts) < 3:
        return
    for name in REDIS_SECRETS:
        if not site.text(name):
            yield Problem(name, 'is missing', 'run `ansible-playbook wandb.onprem.secrets`, which makes every secret once, or put it in your vault')
    if not site.text('wandb_redis_virtual_address') and site.text('wandb_redis_address') in (*hosts, ''):
        mend = 'set a free address of their network, such as 10.0.0.30/24 (or wandb_redis_address, if something of yours follows the master)'
        yield Problem('wandb_redis_virtual_address', 'is missing: clients need one address that follows the master', mend)


def proxy(site: Site) -> t.Iterator[Problem]:
    """Nginx needs to know the cluster's ingress."""
    for host in site.members('wandb_nginx'):
        if not site.hosts.get(host, {}).get('wandb_nginx_ingress_upstreams'):
            yield Problem('wandb_nginx_ingress_upstreams', 'is missing', 'list the ingress as host:port, one entry a node', where=host)


def controller_files(site: Site) -> t.Iterator[Problem]:
    """Files on the controller that a later step reads."""
    for name in FILES_ON_CONTROLLER:
        path = site.text(name)
        if path and not os.path.isfile(os.path.expanduser(path)):
            yield Problem(name, f'{path} is not there', 'correct the path, or put the file there')


def charts(site: Site) -> t.Iterator[Problem]:
    """The server's chart goes into a ConfigMap where it is an archive; each chart comes from one place, in an air gap from one of the user's."""
    path = os.path.expanduser(site.text('wandb_server_chart_archive'))
    size = (os.path.getsize(path) + 2) // 3 * 4 if os.path.isfile(path) else 0
    if size > CHART_BYTES_AS_BASE64:
        mend = 'package the chart without the dependencies that you do not use, or give a chart repository or registry (wandb_server_chart)'
        yield Problem('wandb_server_chart_archive', f'{path} has {size} bytes as base64, a ConfigMap holds 1 MiB', mend)
    if site.text('wandb_operator_chart_archive') and site.text('wandb_operator_chart'):
        yield Problem('wandb_operator_chart_archive', 'is given, and wandb_operator_chart too', 'leave one of them')
    if site.values.get('wandb_airgapped') is True:
        for role in ('operator', 'server'):
            names = (f'wandb_{role}_chart', f'wandb_{role}_chart_archive')
            if not any(site.values.get(name) for name in names):
                yield Problem(names[1], "is missing, and W&B's chart repository is beyond the air gap", f'give an archive, or your own registry in {names[0]}')


def default_bucket(site: Site) -> t.Iterator[Problem]:
    """The chart has no such settings for a store that the console may replace."""
    if site.values.get('wandb_server_bucket_locked') is False:
        for key in ('queue', 'proxied'):
            if site.mapping('wandb_bucket_endpoint').get(key):
                yield Problem('wandb_bucket_endpoint', f'{key} does nothing with wandb_server_bucket_locked: false', f'remove {key}, or lock the store')


def api_host(site: Site) -> t.Iterator[Problem]:
    """Kubeconfig and ``helm``, where the API host is the controller; on another host they are looked at when it is asked."""
    if not site.controller_is_api_host:
        return
    kubeconfig = os.path.expanduser(site.text('wandb_kubeconfig'))
    if not os.path.isfile(kubeconfig):
        mend = 'give the path of a kubeconfig, or put the host that has it in group wandb_kube'
        yield Problem('wandb_kubeconfig', f'{kubeconfig or "empty"}: no such file on the controller', mend)
    helm = site.text('wandb_helm_binary')
    if shutil.which(os.path.expanduser(helm)) is None:
        yield Problem('wandb_helm_binary', f'{helm or "empty"}: no such program on the controller', 'install Helm 3 or 4 there, or give its path')


RULES: tuple[Rule, ...] = (
    unreadable, misspelt, types, dictionaries, host_url, licence, one_source, secrets, passwords, object_store, default_bucket, single_hosts, mysql_pair,
    redis_sentinels, proxy, controller_files, charts, api_host,
)


def check(site: Site, rules: t.Iterable[Rule] = RULES) -> list[Problem]:
    """Every problem that the rules find, in the order of the rules."""
    return [problem for rule in rules for problem in rule(site)]
