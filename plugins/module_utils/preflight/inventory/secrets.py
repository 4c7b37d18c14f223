# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for secrets: there, strong, each its own, and encrypted at rest. Pure. No message ever shows one."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import is_placeholder, is_secret
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

_MAKE = 'run `ansible-playbook wandb.onprem.secrets`, which makes every secret once, or put it in your vault'
_SHORTEST = 8
# Secret -> the group of the service that wants it, and the endpoint with which it is wanted as well.
SECRETS: dict[str, tuple[str, str]] = {
    'wandb_mysql_password': ('wandb_mysql', 'wandb_mysql_endpoint'),
    'wandb_redis_password': ('wandb_redis', 'wandb_redis_endpoint'),
    'wandb_minio_root_user': ('wandb_minio', ''),
    'wandb_minio_root_password': ('wandb_minio', ''),
    'wandb_minio_access_key': ('wandb_minio', 'wandb_bucket_endpoint'),
    'wandb_minio_secret_key': ('wandb_minio', 'wandb_bucket_endpoint'),
}
REDIS_SECRETS = ('wandb_redis_replication_password', 'wandb_redis_sentinel_password')
PAIR_SECRETS = ('wandb_mysql_replication_password', 'wandb_mysql_backup_password', 'wandb_mysql_monitoring_password')
# Dictionary; its key that asks for a password (none = the dictionary itself does); the secret; the key for a Secret of the user's own.
PASSWORDS = (
    ('wandb_clickhouse_endpoint', '', 'wandb_clickhouse_password', 'password_secret'),
    ('wandb_server_ldap', 'bind_dn', 'wandb_ldap_bind_password', 'bind_password_secret'),
    ('wandb_server_smtp', 'user', 'wandb_smtp_password', 'password_secret'),
    ('wandb_server_slack', '', 'wandb_slack_secret', 'secret'),
)
# Secret -> fewest and most characters, where the service bounds them.
LENGTHS = {
    'wandb_minio_root_user': (3, 128),
    'wandb_minio_access_key': (3, 128),
    'wandb_minio_secret_key': (8, 128),
    'wandb_mysql_replication_password': (8, 32),
    'wandb_pki_ca_passphrase': (8, 1024),
}
# MinIO bounds the key that is made in it.
_MADE_LENGTHS = {'wandb_minio_secret_key': (8, 40)}
# Passwords that come with products and examples, in small letters; digits and signs at the end are looked past.
_KNOWN = frozenset({
    'admin', 'administrator', 'changeit', 'changeme', 'default', 'example', 'foobar', 'foobared', 'letmein', 'minio', 'minioadmin', 'minio-root', 'mysql',
    'pass', 'passw0rd', 'password', 'qwerty', 'redis', 'root', 'secret', 'supersecret', 'test', 'wandb', 'wandb_local', 'wandb-local', 'weightsandbiases',
    'welcome', 'abcdefgh', '',
})
# Names of accounts rather than secrets: they may be short, and are no passwords.
_ACCOUNTS = frozenset({'wandb_minio_root_user', 'wandb_minio_access_key'})
# Not chosen by anybody here: their form is the issuer's.
_ISSUED = frozenset({'wandb_license', 'wandb_oidc_secret', 'wandb_slack_secret', 'wandb_pki_private_key', 'wandb_pki_ingress_private_key'})
# They stand in a URL, and the collection percent-encodes them.
ENCODED = ('wandb_mysql_password', 'wandb_redis_password', 'wandb_smtp_password', 'wandb_minio_access_key', 'wandb_minio_secret_key')
_URL_SAFE = re.compile(r'[A-Za-z0-9._~-]*')
_PERCENT = re.compile(r'%[0-9A-Fa-f]{2}')
_API_KEY = re.compile(r'local-[0-9a-f]{40}|[A-Za-z0-9_]{40,}')
_VAULT_WITH_KEYS = ('wandb_team_buckets', 'wandb_mysql_backup_targets', 'wandb_minio_mirror')


def chosen(site: Site) -> list[str]:
    """Secrets that the inventory gives and somebody chose, in order."""
    return [name for name in sorted(site.specs) if is_secret(name) and name not in _ISSUED and site.text(name) and not is_placeholder(site.text(name))]


def _unneeded(site: Site) -> set[str]:
    bucket = site.mapping('wandb_bucket_endpoint')
    if bucket.get('pod_identity') or bucket.get('secret') or bucket.get('provider') == 'gcs':
        return {'wandb_minio_access_key', 'wandb_minio_secret_key'}
    # Azure's is the account's key alone, in the other variable.
    return {'wandb_minio_secret_key'} if bucket.get('provider') == 'az' else set()


@rule(
    'secret-missing', *SECRETS, *PAIR_SECRETS, *REDIS_SECRETS,
    why='A service would have no password, or the wrong one.',
    mend=_MAKE,
)
def secret_missing(site: Site) -> t.Iterator[Found]:
    """Every service that is made or used has its secrets."""
    unneeded = _unneeded(site)
    for name, (group, endpoint) in SECRETS.items():
        wanted = site.members(group) or (endpoint and site.value(endpoint))
        if wanted and name not in unneeded and not site.has(name):
            yield Found(name, 'is missing')
    for name in PAIR_SECRETS:
        backs_up = name == 'wandb_mysql_backup_password' and any(site.entries('wandb_mysql_backup_targets', host) for host in site.members('wandb_mysql'))
        if (len(site.members('wandb_mysql')) == 2 or backs_up) and not site.has(name):
            yield Found(name, 'is missing')
    for name in REDIS_SECRETS if len(site.members('wandb_redis')) > 2 else ():
        if not site.has(name):
            yield Found(name, 'is missing')


@rule(
    'password-missing', *(secret for _dictionary, _key, secret, _own in PASSWORDS), 'wandb_operator_chart_password',
    why='Only you know it: the service is not made here.',
    mend='put it in your vault',
)
def password_missing(site: Site) -> t.Iterator[Found]:
    """A service of others that asks for a password has one, in the vault or in a Secret of your own."""
    for variable, key, secret, own in PASSWORDS:
        given = site.mapping(variable)
        if given and (not key or given.get(key)) and not given.get(own) and not site.has(secret):
            yield Found(secret, f'is missing, and {variable} has no {own}', f'put it in your vault, or name a Secret of your own in {own}')
    if site.text('wandb_operator_chart_username') and not site.has('wandb_operator_chart_password'):
        yield Found('wandb_operator_chart_password', 'is missing, and there is a wandb_operator_chart_username')


@rule(
    'bucket-keys', 'wandb_team_buckets',
    why='One half of a key opens nothing.',
    mend="give access_key and secret_key, or secret, or none for the pods' identity",
)
def bucket_keys(site: Site) -> t.Iterator[Found]:
    """A team's bucket has both halves of its key, or neither."""
    for number, bucket in site.dictionaries('wandb_team_buckets'):
        present = [key for key in ('access_key', 'secret_key') if bucket.get(key)]
        if len(present) == 1 and bucket.get('provider') != 'az':
            yield Found('wandb_team_buckets', f'entry {number}: has {present[0]} alone')
        elif present and bucket.get('secret'):
            yield Found('wandb_team_buckets', f'entry {number}: has keys and a Secret of your own', 'leave one of the two')


@rule(
    'secret-length', '(every secret)',
    why='Short ones are guessed; some services bound the length, too.',
    mend='take a longer one, at best 32 letters and digits',
)
def secret_length(site: Site) -> t.Iterator[Found]:
    """A secret has as many characters as its service takes, and at least eight."""
    for name in chosen(site):
        fewest, most = LENGTHS.get(name, (_SHORTEST, 1024))
        if name in _MADE_LENGTHS and site.members('wandb_minio'):
            fewest, most = _MADE_LENGTHS[name]
        secret = site.text(name)
        # Services count their limits in bytes.
        size = len(secret.encode())
        if len(secret) < fewest:
            yield Found(name, f'has only {len(secret)} characters', f'use at least {fewest}, better 32')
        elif size > most:
            counted = f'{size} characters' if size == len(secret) else f'{size} bytes in UTF-8'
            yield Found(name, f'has {counted}', f'use {most} at most: the service takes no more')


@rule(
    'secret-weak', '(every secret)',
    why='These are the first to be tried.',
    mend=f'take a random one; {_MAKE}',
)
def secret_weak(site: Site) -> t.Iterator[Found]:
    """No secret is a known default, a name of the site, or a few characters over and over."""
    for name in chosen(site):
        text = site.text(name)
        core = re.sub(r'[\d\W_]+$', '', text.lower())
        if text.lower() in _KNOWN or core in _KNOWN:
            yield Found(name, 'is a well-known default, or one with digits behind it')
        elif len(set(text)) < 5 and name not in _ACCOUNTS and len(text) >= _SHORTEST:
            yield Found(name, f'is made of {len(set(text))} different characters')
        elif name not in _ACCOUNTS and text.lower() in _names_of(site):
            yield Found(name, 'is a name of the site')


def _names_of(site: Site) -> set[str]:
    given = {str(site.value(name) or '').lower() for name in ('wandb_mysql_user', 'wandb_mysql_database', 'wandb_minio_bucket', 'wandb_name', 'wandb_host')}
    return {name for name in given | {host.lower() for host in site.hosts} if name}


@rule(
    'secret-equal', '(every secret)',
    why='Who learns one has them all, and none can be changed alone.',
    mend=f'give each a value of its own; {_MAKE}',
)
def secret_equal(site: Site) -> t.Iterator[Found]:
    """No two secrets are equal."""
    seen: dict[str, str] = {}
    for name in chosen(site):
        first = seen.setdefault(site.text(name), name)
        if first != name:
            yield Found(name, f'is the same as {first}')


@rule(
    'secret-blank', '(every secret)',
    why='Some consumers strip it, others do not.',
    mend='remove the white space at its ends and every line break in it',
)
def secret_blank(site: Site) -> t.Iterator[Found]:
    """A secret neither begins nor ends with white space and has no line break."""
    for name in chosen(site):
        text = site.text(name)
        if text != text.strip() or re.search(r'[\r\n\0]', text):
            yield Found(name, 'has white space around it or a line break in it')


@rule(
    'secret-encoded', *ENCODED,
    warning=True,
    why='It ends in a URL. The collection percent-encodes it there, so it works; a copy made by hand may not.',
    mend='nothing need be done; letters and digits alone save you from encoding it elsewhere',
)
def secret_encoded(site: Site) -> t.Iterator[Found]:
    """What ends in a URL is told when it has signs that have to be encoded there."""
    for name in ENCODED:
        text = site.text(name)
        if _PERCENT.search(text):
            yield Found(name, 'looks percent-encoded already, and will be encoded again', 'write it as it is, not encoded')
        elif not _URL_SAFE.fullmatch(text):
            yield Found(name, 'has signs that are encoded in a URL')


@rule(
    'api-key', 'wandb_verify_api_key',
    why='The server takes it as its global admin key and the SDK refuses keys of another form.',
    mend='run `ansible-playbook wandb.onprem.secrets`, which makes local- and 40 hex digits, or leave it empty',
)
def api_key(site: Site) -> t.Iterator[Found]:
    """The API key for verification is local- and 40 hex digits, or a user's own key."""
    text = site.text('wandb_verify_api_key')
    if text and not _API_KEY.fullmatch(text):
        yield Found('wandb_verify_api_key', 'has not the form of an API key')


@rule(
    'secret-in-clear', '(every secret)', *_VAULT_WITH_KEYS,
    warning=True,
    why='Everybody who can read the inventory has it, and so has its history.',
    mend='encrypt it (ansible-vault encrypt, or encrypt_string)',
)
def secret_in_clear(site: Site) -> t.Iterator[Found]:
    """No secret stands in plain text in a file of the inventory."""
    for name, path in sorted(site.in_clear.items()):
        beside = ', beside a vault' if site.has_vault else ''
        yield Found(name, f'stands in plain text in {path}{beside}', hide=True)


@rule(
    'log-on', 'wandb_no_log',
    warning=True,
    why='Secrets stand in the output and in every log that keeps it.',
    mend='remove it once you have found what you look for',
)
def log_on(site: Site) -> t.Iterator[Found]:
    """Secrets are hidden in the output."""
    if site.value('wandb_no_log') is False:
        yield Found('wandb_no_log', 'is false')


RULES = (
    secret_missing, password_missing, bucket_keys, secret_length, secret_weak, secret_equal, secret_blank, secret_encoded, api_key, secret_in_clear, log_on,
)
