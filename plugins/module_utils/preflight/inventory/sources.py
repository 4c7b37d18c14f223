# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for where each service comes from: made here, external, or the chart's own. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.names import address_of
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import is_secret
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site, whole

# Group -> endpoint, the key that it cannot do without, the service.
SOURCES = {
    'wandb_mysql': ('wandb_mysql_endpoint', 'host', 'MySQL'),
    'wandb_redis': ('wandb_redis_endpoint', 'host', 'Redis'),
    'wandb_minio': ('wandb_bucket_endpoint', 'name', 'the object store'),
}
ENDPOINTS = (*(endpoint for endpoint, _key, _service in SOURCES.values()), 'wandb_clickhouse_endpoint')
# Of each service's own variables: they do nothing for an external one.
_OF_MADE = {'wandb_mysql': 'wandb_mysql_', 'wandb_redis': 'wandb_redis_', 'wandb_minio': 'wandb_minio_'}
# They begin like it and are read for an external service as well.
_OF_BOTH = frozenset({
    'wandb_mysql_endpoint', 'wandb_redis_endpoint', 'wandb_redis_bundled',
    # They have a rule of their own.
    'wandb_mysql_address', 'wandb_redis_address', 'wandb_minio_address',
})


@rule(
    'one-source', *SOURCES, *(endpoint for endpoint, _key, _service in SOURCES.values()), 'wandb_redis_bundled',
    why='Two would be mistaken for each other, and without any the server has nowhere to keep its data.',
    mend='leave exactly one',
)
def one_source(site: Site) -> t.Iterator[Found]:
    """Each service is either made here (hosts in its group) or external (endpoint); Redis may be the chart's own instead. Exactly one."""
    for group, (endpoint, _key, service) in SOURCES.items():
        given, made = bool(site.value(endpoint)), bool(site.members(group))
        bundled = group == 'wandb_redis' and site.flag('wandb_redis_bundled')
        if bundled and (given or made):
            mend = f'leave one: the bundled one, hosts in {group}, or {endpoint}'
            yield Found('wandb_redis_bundled', 'is true, and another Redis is described too', mend)
        elif given and made:
            mend = f'remove one of the two: either {service} is made here, or it is external'
            yield Found(endpoint, f'is given while group {group} has hosts too', mend)
        elif not (given or made or bundled):
            yield Found(group, f'{service} comes from nowhere', f'put hosts in group {group}, or describe your own in {endpoint}')


@rule(
    'endpoint-key', *(endpoint for endpoint, _key, _service in SOURCES.values()),
    why='Nothing could be reached.',
    mend='add it',
)
def endpoint_key(site: Site) -> t.Iterator[Found]:
    """An endpoint has the key that it cannot do without."""
    for endpoint, key, _service in SOURCES.values():
        if site.mapping(endpoint) and not site.mapping(endpoint).get(key):
            yield Found(endpoint, f'has no {key}', f'an external endpoint needs at least {key}')


@rule(
    'endpoint-host', *ENDPOINTS,
    why='It is put into URLs as it is.',
    mend='write the name or address alone; the port has a key of its own',
)
def endpoint_host(site: Site) -> t.Iterator[Found]:
    """The host of an endpoint is a name or an address: no scheme, no port, no path, no user."""
    for endpoint in ENDPOINTS:
        host = site.mapping(endpoint).get('host')
        if isinstance(host, str) and host and address_of(host) is None and any(sign in host for sign in ':/@?# \t'):
            yield Found(endpoint, 'host is more than a name')


@rule(
    'endpoint-port', *ENDPOINTS, 'wandb_team_buckets', 'wandb_server_smtp',
    why='There is no such port.',
    mend='take a port from 1 to 65535',
)
def endpoint_port(site: Site) -> t.Iterator[Found]:
    """The port of an endpoint is one."""
    for name, place, entry in [(name, '', site.mapping(name)) for name in (*ENDPOINTS, 'wandb_server_smtp')] + [
        ('wandb_team_buckets', f'entry {number}: ', entry) for number, entry in site.dictionaries('wandb_team_buckets')
    ]:
        port = whole(entry.get('port'))
        if port is not None and not 1 <= port <= 65535:
            yield Found(name, f'{place}port is {port}')


@rule(
    'endpoint-ca', 'wandb_mysql_endpoint', 'wandb_redis_endpoint', 'wandb_bucket_endpoint', 'wandb_platform_extra_ca',
    why='It is handed to pods as it is, which have no such file.',
    mend="give the text itself: \"{{ lookup('ansible.builtin.file', '/path/to/ca.crt') }}\"",
)
def endpoint_ca(site: Site) -> t.Iterator[Found]:
    """A CA is the PEM text of certificates, no path and no private key."""
    given = [(name, 'ca ', site.mapping(name).get('ca')) for name in ('wandb_mysql_endpoint', 'wandb_redis_endpoint', 'wandb_bucket_endpoint')]
    for name, what, text in [*given, ('wandb_platform_extra_ca', '', site.value('wandb_platform_extra_ca'))]:
        if not isinstance(text, str) or not text.strip():
            continue
        if 'PRIVATE KEY' in text:
            yield Found(name, f'{what}holds a private key', 'leave the private key out: certificates alone')
        elif '-----BEGIN CERTIFICATE-----' not in text or '-----END CERTIFICATE-----' not in text:
            yield Found(name, f'{what}is no PEM text of certificates')


@rule(
    'clear-endpoint', 'wandb_redis_endpoint', 'wandb_bucket_endpoint',
    warning=True,
    why='Passwords and data would go over the network in clear.',
    mend='let it speak TLS, and leave tls out (it is true by default)',
)
def clear_endpoint(site: Site) -> t.Iterator[Found]:
    """An external service speaks TLS."""
    for endpoint in ('wandb_redis_endpoint', 'wandb_bucket_endpoint'):
        if site.mapping(endpoint).get('tls') is False:
            yield Found(endpoint, 'tls is false')


@rule(
    'mixed-content', 'wandb_bucket_endpoint',
    why='The site is https://, and browsers load nothing from http:// there: no file of a run would show.',
    mend='let the store speak TLS, or set proxied: true, with which clients reach objects through the server',
)
def mixed_content(site: Site) -> t.Iterator[Found]:
    """Browsers reach the object store by TLS."""
    store = site.mapping('wandb_bucket_endpoint')
    if store.get('tls') is False and not store.get('proxied'):
        yield Found('wandb_bucket_endpoint', 'tls is false, and clients go to the store themselves')


@rule(
    'locked-bucket', 'wandb_bucket_endpoint', 'wandb_server_bucket_locked',
    why='The chart has no such settings for a store that the console may replace.',
    mend='remove the key, or lock the store',
)
def locked_bucket(site: Site) -> t.Iterator[Found]:
    """queue and proxied are given for a locked store only."""
    if site.value('wandb_server_bucket_locked') is False:
        for key in ('queue', 'proxied'):
            if site.mapping('wandb_bucket_endpoint').get(key):
                mend = f'remove {key}, or lock the store'
                yield Found('wandb_bucket_endpoint', f'{key} does nothing with wandb_server_bucket_locked: false', mend)


@rule(
    'bundled-redis', 'wandb_redis_bundled',
    warning=True,
    why="The chart's own Redis is one pod of an image that is no longer maintained.",
    mend='put a host in group wandb_redis, or describe your own in wandb_redis_endpoint',
)
def bundled_redis(site: Site) -> t.Iterator[Found]:
    """A site in production has a Redis of its own."""
    if site.flag('wandb_redis_bundled') and site.text('wandb_size_profile').endswith('production'):
        yield Found('wandb_redis_bundled', 'is true in a production profile')


@rule(
    'idle-service', '(variables of roles mysql, minio and redis)',
    warning=True,
    why='Nothing reads them: the service is external.',
    mend='remove it, or put hosts in the group',
)
def idle_service(site: Site) -> t.Iterator[Found]:
    """Variables of a service are given only where it is made here."""
    for group, prefix in _OF_MADE.items():
        if site.members(group):
            continue
        for name in sorted(site.given):
            # Secrets are made for all services at once.
            own = name.startswith(prefix) and name in site.specs and 'common' not in site.specs[name].get('roles', ())
            if own and name not in _OF_BOTH and not is_secret(name):
                yield Found(name, f'does nothing: group {group} has no hosts')


RULES = (
    one_source, endpoint_key, endpoint_host, endpoint_port, endpoint_ca, clear_endpoint, mixed_content, locked_bucket, bundled_redis,
    idle_service,
)
