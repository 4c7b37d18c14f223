# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach an API server: one kubeconfig document out of the modules' common options.

The same document serves the Python client and ``helm``, so that both always talk to the same server as the same user.
Options, their environment variables and their precedence follow kubernetes.core.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import typing as t

from ansible.module_utils.basic import env_fallback
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import AuthConfigError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.proxy import bypassed, with_credentials

Document = dict[str, t.Any]

KUBECONFIG_VARIABLE = 'K8S_AUTH_KUBECONFIG'
SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'
DEFAULT_KUBECONFIG = '~/.kube/config'
# Section -> key of what an entry of it describes.
SECTIONS = {'clusters': 'cluster', 'users': 'user', 'contexts': 'context'}


def _option(kind: str, variable: str, **more: t.Any) -> dict[str, t.Any]:
    return {'type': kind, 'fallback': (env_fallback, [variable]), **more}


def auth_argument_spec() -> dict[str, t.Any]:
    """Options of the doc fragment ``wandb.onprem.kube_auth``."""
    return {
        'kubeconfig': _option('raw', KUBECONFIG_VARIABLE),
        'context': _option('str', 'K8S_AUTH_CONTEXT'),
        'host': _option('str', 'K8S_AUTH_HOST'),
        'api_key': _option('str', 'K8S_AUTH_API_KEY', no_log=True),
        'ca_cert': _option('path', 'K8S_AUTH_SSL_CA_CERT', aliases=['ssl_ca_cert']),
        'client_cert': _option('path', 'K8S_AUTH_CERT_FILE', aliases=['cert_file']),
        'client_key': _option('path', 'K8S_AUTH_KEY_FILE', aliases=['key_file'], no_log=False),
        'validate_certs': _option('bool', 'K8S_AUTH_VERIFY_SSL', aliases=['verify_ssl']),
        'proxy': _option('str', 'K8S_AUTH_PROXY'),
        'no_proxy': _option('str', 'K8S_AUTH_NO_PROXY'),
        'proxy_headers': {'type': 'dict', 'options': {'proxy_basic_auth': _option('str', 'K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH', no_log=True)}},
        'impersonate_user': _option('str', 'K8S_AUTH_IMPERSONATE_USER'),
        'impersonate_groups': _option('list', 'K8S_AUTH_IMPERSONATE_GROUPS', elements='str'),
    }


def kubeconfig_document(options: t.Mapping[str, t.Any], environ: t.Mapping[str, str] | None = None) -> Document:
    """One cluster, one user, one context, paths absolute. Raises AuthConfigError."""
    base = _base_document(options, os.environ if environ is None else environ)
    cluster, user = _selected(base, options.get('context'))
    if options.get('host'):
        cluster['server'] = options['host']
    if not cluster.get('server'):
        raise AuthConfigError('no API server: give kubeconfig (a file or its content) or host')
    if options.get('ca_cert'):
        cluster.pop('certificate-authority-data', None)
        cluster['certificate-authority'] = options['ca_cert']
    if options.get('validate_certs') is not None:
        cluster['insecure-skip-tls-verify'] = not options['validate_certs']
    if cluster.get('insecure-skip-tls-verify'):
        # client-go refuses a CA beside it.
        cluster.pop('certificate-authority-data', None)
        cluster.pop('certificate-authority', None)
    _set_proxy(cluster, options)
    if options.get('api_key'):
        user = {'token': options['api_key']}
    if bool(options.get('client_cert')) != bool(options.get('client_key')):
        raise AuthConfigError('client_cert and client_key are given together or not at all')
    if options.get('client_cert'):
        user.update({'client-certificate': options['client_cert'], 'client-key': options['client_key']})
        user.pop('client-certificate-data', None)
        user.pop('client-key-data', None)
    if options.get('impersonate_user'):
        user['as'] = options['impersonate_user']
    if options.get('impersonate_groups'):
        user['as-groups'] = list(options['impersonate_groups'])
    return {
        'apiVersion': 'v1',
        'kind': 'Config',
        'current-context': 'wandb',
        'clusters': [{'name': 'wandb', 'cluster': cluster}],
        'users': [{'name': 'wandb', 'user': user}],
        'contexts': [{'name': 'wandb', 'context': {'cluster': 'wandb', 'user': 'wandb'}}],
    }


def _set_proxy(cluster: Document, options: t.Mapping[str, t.Any]) -> None:
    """Credentials go into the URL: the only place where ``helm`` looks for them."""
    proxy = options.get('proxy') or cluster.get('proxy-url')
    credentials = (options.get('proxy_headers') or {}).get('proxy_basic_auth')
    if proxy and credentials:
        proxy = with_credentials(proxy, credentials)
    if proxy and bypassed(str(cluster['server']), options.get('no_proxy') or ''):
        proxy = None
    cluster.pop('proxy-url', None)
    if proxy:
        cluster['proxy-url'] = proxy


def is_content(given: t.Any) -> bool:
    """Whether option ``kubeconfig`` holds a kubeconfig, not the path of one."""
    return isinstance(given, dict) or (isinstance(given, str) and ('\n' in given or given.lstrip().startswith('{')))


def _base_document(options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Document:
    given = options.get('kubeconfig')
    if is_content(given):
        return parsed(given, 'the content given as kubeconfig')
    if given:
        return _load(str(given))
    if options.get('host') and not options.get('context'):
        return {}
    default = environ.get('KUBECONFIG') or DEFAULT_KUBECONFIG
    if any(os.path.exists(os.path.expanduser(path)) for path in default.split(os.pathsep)):
        return _load(default)
    if environ.get('KUBERNETES_SERVICE_HOST'):
        return _in_cluster(environ)
    raise AuthConfigError(f'no kubeconfig: {os.path.expanduser(default)} does not exist; give kubeconfig (a file or its content) or host and api_key')


def _load(paths: str) -> Document:
    """Files joined by ``:`` are merged as kubectl does: the first that has an entry wins; those that do not exist are passed over where others do."""
    names = [os.path.abspath(os.path.expanduser(path)) for path in paths.split(os.pathsep) if path]
    merged: Document = {}
    for path in [name for name in names if os.path.exists(name)] or names[:1]:
        document = _load_one(path)
        merged['current-context'] = merged.get('current-context') or document.get('current-context')
        for section in SECTIONS:
            merged.setdefault(section, []).extend(document.get(section) or [])
    return merged


def _load_one(path: str) -> Document:
    try:
        with open(path, encoding='utf-8') as stream:
            document = parsed(stream.read(), path)
    except OSError as error:
        raise AuthConfigError(f'kubeconfig {path} cannot be read: {error.strerror}') from error
    except UnicodeDecodeError:
        raise AuthConfigError(f'kubeconfig: {path} is not YAML') from None
    folder = os.path.dirname(path)
    for section, keys in (('clusters', ('certificate-authority',)), ('users', ('client-certificate', 'client-key', 'tokenFile'))):
        for entry in document.get(section) or []:
            body = entry.get(SECTIONS[section]) or {}
            body.update({key: os.path.join(folder, body[key]) for key in keys if body.get(key)})
            plugin = body.get('exec') or {}
            if os.sep in str(plugin.get('command') or ''):
                plugin['command'] = os.path.normpath(os.path.join(folder, plugin['command']))
    return document


def parsed(content: t.Any, origin: str) -> Document:
    """A kubeconfig in its shape, from a dictionary or YAML text. Raises AuthConfigError, which quotes nothing of it."""
    document = _from_yaml(content, origin) if isinstance(content, str) else content
    shaped = isinstance(document, dict) and all(_is_section(document.get(section), item) for section, item in SECTIONS.items())
    if not shaped:
        raise AuthConfigError(f'kubeconfig: {origin} is not a kubeconfig: clusters, users and contexts are lists of named entries')
    return t.cast(Document, document)


def _is_section(section: t.Any, item: str) -> bool:
    return section is None or (isinstance(section, list) and all(
        isinstance(entry, dict) and isinstance(entry.get('name'), str) and isinstance(entry.get(item) or {}, dict) for entry in section
    ))


def _from_yaml(text: str, origin: str) -> t.Any:
    try:
        import yaml
    except ImportError as error:
        raise AuthConfigError('the Python package yaml is missing where the Kubernetes API is spoken to: pip install PyYAML') from error
    try:
        return yaml.load(text, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader))
    except yaml.YAMLError:
        # The parser's message quotes the text, which holds credentials.
        raise AuthConfigError(f'kubeconfig: {origin} is not YAML') from None


def _in_cluster(environ: t.Mapping[str, str]) -> Document:
    if not os.path.exists(f'{SERVICE_ACCOUNT_DIR}/token'):
        raise AuthConfigError(f'no kubeconfig, and this pod has no service account token in {SERVICE_ACCOUNT_DIR} (automountServiceAccountToken?); '
                              'give kubeconfig (a file or its content) or host and api_key')
    host = environ['KUBERNETES_SERVICE_HOST']
    host = f'[{host}]' if ':' in host else host
    return {
        'current-context': 'pod',
        'clusters': [{'name': 'pod', 'cluster': {
            'server': f'https://{host}:{environ.get("KUBERNETES_SERVICE_PORT", "443")}', 'certificate-authority': f'{SERVICE_ACCOUNT_DIR}/ca.crt',
        }}],
        'users': [{'name': 'pod', 'user': {'tokenFile': f'{SERVICE_ACCOUNT_DIR}/token'}}],
        'contexts': [{'name': 'pod', 'context': {'cluster': 'pod', 'user': 'pod'}}],
    }


def _selected(document: Document, context: str | None) -> tuple[Document, Document]:
    """Copies of cluster and user that ``context`` (or the current one) names."""
    if not document:
        return {}, {}
    name = context or document.get('current-context')
    if not name:
        raise AuthConfigError('the kubeconfig has no current-context: give context')
    entry = _named(document, 'contexts', str(name), 'context')
    return dict(_named(document, 'clusters', str(entry.get('cluster')), 'cluster')), dict(_named(document, 'users', str(entry.get('user')), 'user'))


def _named(document: Document, section: str, name: str, item: str) -> Document:
    for entry in document.get(section) or []:
        if entry.get('name') == name:
            return dict(entry.get(item) or {})
    known = ', '.join(sorted({str(entry.get('name')) for entry in document.get(section) or []})) or 'none'
    raise AuthConfigError(f'the kubeconfig has no {item} named {name} (it has: {known})')


@contextlib.contextmanager
def kubeconfig_file(document: Document, folder: str | None = None) -> t.Iterator[str]:
    """Path of a file (mode 0600) with the document, for programs such as helm; gone afterwards."""
    handle, path = tempfile.mkstemp(prefix='wandb-kubeconfig-', dir=folder)
    try:
        with os.fdopen(handle, 'w', encoding='utf-8') as stream:
            json.dump(document, stream)  # JSON is YAML
        yield path
    finally:
        os.unlink(path)
