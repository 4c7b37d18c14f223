# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach an API server: one kubeconfig document out of the modules' common options.

The same document serves the Python client and ``helm``, so that both always talk to the same server as the same user.
Options, their environment variables and their precedence follow kubernetes.core.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile
import typing as t

from ansible.module_utils.basic import env_fallback
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import AuthConfigError

Document = dict[str, t.Any]

SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'
DEFAULT_KUBECONFIG = '~/.kube/config'


def _option(kind: str, variable: str, **more: t.Any) -> dict[str, t.Any]:
    return {'type': kind, 'fallback': (env_fallback, [variable]), **more}


def auth_argument_spec() -> dict[str, t.Any]:
    """Options of the doc fragment ``wandb.onprem.kube_auth``."""
    return {
        'kubeconfig': _option('raw', 'K8S_AUTH_KUBECONFIG'),
        'context': _option('str', 'K8S_AUTH_CONTEXT'),
        'host': _option('str', 'K8S_AUTH_HOST'),
        'api_key': _option('str', 'K8S_AUTH_API_KEY', no_log=True),
        'ca_cert': _option('path', 'K8S_AUTH_SSL_CA_CERT', aliases=['ssl_ca_cert']),
        'client_cert': _option('path', 'K8S_AUTH_CERT_FILE', aliases=['cert_file']),
        'client_key': _option('path', 'K8S_AUTH_KEY_FILE', aliases=['key_file'], no_log=False),
        'validate_certs': _option('bool', 'K8S_AUTH_VERIFY_SSL', aliases=['verify_ssl']),
        'proxy': _option('str', 'K8S_AUTH_PROXY'),
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
    if options.get('proxy'):
        cluster['proxy-url'] = options['proxy']
    if options.get('api_key'):
        user = {'token': options['api_key']}
    if options.get('client_cert'):
        user.update({'client-certificate': options['client_cert'], 'client-key': options.get('client_key')})
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


def _base_document(options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Document:
    given = options.get('kubeconfig')
    if isinstance(given, dict):
        return given
    if isinstance(given, str) and '\n' in given:
        return _parse(given, 'the content given as kubeconfig')
    if given:
        return _load(str(given))
    if options.get('host'):
        return {}
    default = os.path.expanduser(environ.get('KUBECONFIG') or DEFAULT_KUBECONFIG)
    if os.path.exists(default):
        return _load(default)
    if environ.get('KUBERNETES_SERVICE_HOST'):
        return _in_cluster(environ)
    raise AuthConfigError(f'no kubeconfig: {default} does not exist; give kubeconfig (a file or its content) or host and api_key')


def _load(path: str) -> Document:
    path = os.path.abspath(os.path.expanduser(path))
    try:
        with open(path, encoding='utf-8') as stream:
            document = _parse(stream.read(), path)
    except OSError as error:
        raise AuthConfigError(f'kubeconfig {path} cannot be read: {error.strerror}') from error
    folder = os.path.dirname(path)
    for section, item, keys in (('clusters', 'cluster', ('certificate-authority',)), ('users', 'user', ('client-certificate', 'client-key', 'tokenFile'))):
        for entry in document.get(section) or []:
            body = entry.get(item) or {}
            body.update({key: os.path.join(folder, body[key]) for key in keys if body.get(key)})
    return document


def _parse(text: str, origin: str) -> Document:
    try:
        import yaml
    except ImportError as error:
        raise AuthConfigError('the Python package yaml is missing where the Kubernetes API is spoken to: pip install PyYAML') from error
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        # The parser's message quotes the text, which holds credentials.
        raise AuthConfigError(f'kubeconfig: {origin} is not YAML') from None
    if not isinstance(document, dict):
        raise AuthConfigError(f'kubeconfig: {origin} is not a kubeconfig')
    return document


def _in_cluster(environ: t.Mapping[str, str]) -> Document:
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
    known = ', '.join(sorted(str(entry.get('name')) for entry in document.get(section) or [])) or 'none'
    raise AuthConfigError(f'the kubeconfig has no {item} named {name} (it has: {known})')


def ca_pem(document: Document) -> str:
    """PEM text of the cluster's CA, or empty for the system's CAs."""
    cluster = document['clusters'][0]['cluster']
    if cluster.get('certificate-authority-data'):
        return base64.b64decode(cluster['certificate-authority-data']).decode()
    if cluster.get('certificate-authority'):
        with open(cluster['certificate-authority'], encoding='utf-8') as stream:
            return stream.read()
    return ''


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
