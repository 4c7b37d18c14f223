# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests get to an API server: one pool of connections, with what a kubeconfig says of TLS, proxy and user.

Straight on ``urllib3``, not on the ``kubernetes`` package. Tried side by side (tests/unit/.../test_kube_transport.py), that package sends a token
file's line break along, refuses CAs that have no key usage (Python 3.13), knows no client certificate from an exec plugin, goes on without a user
when a plugin fails, and takes longer to import than a run with nothing to do needs for all its requests.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os
import ssl
import tempfile
import typing as t
import urllib.parse

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import AuthConfigError, UnreachableError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.exec_credential import exec_credential
from ansible_collections.wandb.onprem.plugins.module_utils.kube.proxy import environment_proxy, split_credentials

Object = dict[str, t.Any]
Query = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes
    warnings: tuple[str, ...] = ()


class Transport(t.Protocol):
    """What carries requests; tests pass a fake."""

    def send(self, method: str, path: str, query: Query, content_type: str, body: bytes | None) -> Response:
        """Raises UnreachableError where there is no HTTP answer."""


class PooledTransport:
    """``document`` as ``kubeconfig_document()`` makes it. Raises AuthConfigError for what cannot work."""

    CONNECT_TIMEOUT = 10.0
    READ_TIMEOUT = 60.0

    def __init__(self, document: Object) -> None:
        # Late: modules must be able to say what is missing, and unit tests need it not.
        try:
            import urllib3
        except ImportError as error:
            raise AuthConfigError('the Python package urllib3 is missing where the Kubernetes API is spoken to: pip install urllib3') from error
        self._urllib3 = urllib3
        cluster, user = dict(document['clusters'][0]['cluster']), dict(document['users'][0]['user'])
        self.server = str(cluster['server']).rstrip('/')
        if user.get('exec') and not _has_credentials(user):
            authority = base64.b64encode(ca_pem(cluster).encode()).decode()
            _take_over(user, exec_credential(user['exec'], {**cluster, 'certificate-authority-data': authority}))
        self._headers = _user_headers(user)
        self._proxy = cluster.get('proxy-url') or environment_proxy(self.server, os.environ)
        self._pool = self._make_pool(cluster, user)
        # A certificate that is not trusted (counted as `other`) will not be on the next try.
        self._retries = urllib3.Retry(total=3, connect=2, read=2, redirect=0, status=2, other=0, backoff_factor=0.5, status_forcelist=[429],
                                      allowed_methods=['GET', 'PATCH'], raise_on_status=False)

    def _make_pool(self, cluster: Object, user: Object) -> t.Any:
        settings: Object = {'maxsize': 4}
        if self.server.startswith('https://'):
            settings['ssl_context'] = tls_context(cluster, user)
            if cluster.get('insecure-skip-tls-verify'):
                settings['assert_hostname'] = False
                # It was asked for.
                self._urllib3.disable_warnings(self._urllib3.exceptions.InsecureRequestWarning)
            if cluster.get('tls-server-name'):
                settings['server_hostname'] = settings['assert_hostname'] = cluster['tls-server-name']
        if not self._proxy:
            return self._urllib3.PoolManager(**settings)
        self._proxy, credentials = split_credentials(self._proxy)
        headers = self._urllib3.make_headers(proxy_basic_auth=credentials) if credentials else None
        try:
            return self._urllib3.ProxyManager(self._proxy, proxy_headers=headers, **settings)
        except (self._urllib3.exceptions.HTTPError, ValueError) as error:
            raise AuthConfigError(f'proxy {self._proxy} cannot be used: {error}; give http://name:port') from error

    def send(self, method: str, path: str, query: Query, content_type: str, body: bytes | None) -> Response:
        """One request, tried again where that is safe."""
        headers = self._urllib3.HTTPHeaderDict({'Accept': 'application/json', 'User-Agent': 'wandb.onprem'})
        if body is not None:
            headers['Content-Type'] = content_type
        for name, value in self._headers:
            headers.add(name, value)
        url = self.server + path + ('?' + urllib.parse.urlencode(query) if query else '')
        try:
            answer = self._pool.request(method, url, headers=headers, body=body, retries=self._retries,
                                        timeout=self._urllib3.Timeout(connect=self.CONNECT_TIMEOUT, read=self.READ_TIMEOUT))
        except self._urllib3.exceptions.HTTPError as error:
            raise UnreachableError(self._told(error)) from error
        return Response(answer.status, answer.data, tuple(answer.headers.getlist('Warning')))

    def _told(self, error: Exception) -> str:
        """What is wrong, which option says so, and the mend."""
        errors = self._urllib3.exceptions
        reason = getattr(error, 'reason', None) or error
        origin = _origin(reason)
        beginning = f'the API server {self.server} does not answer'
        where = 'host, or server in the kubeconfig'
        if isinstance(reason, errors.ProxyError):
            return (f'{beginning} through the proxy {self._proxy}: {origin}. Look at proxy (or proxy-url in the kubeconfig, or HTTPS_PROXY), '
                    'or name the server in no_proxy')
        if isinstance(origin, ssl.SSLCertVerificationError):
            if 'mismatch' in origin.verify_message or 'not valid for' in origin.verify_message:
                return f'{beginning}: {origin.verify_message}. {where[0].upper()}{where[1:]}, must be a name of its certificate (or give tls-server-name there)'
            return (f'{beginning}: its certificate is not trusted: {origin.verify_message}. Give the PEM of its CA in ca_cert, '
                    'or as certificate-authority in the kubeconfig')
        if isinstance(origin, ssl.SSLError):
            return f'{beginning}: TLS fails: {origin.reason or origin}. Look at {where} (https and port), and at the client certificate'
        if isinstance(reason, errors.NameResolutionError):
            return f'{beginning}: its name does not resolve. Look at {where}'
        if isinstance(reason, errors.ConnectTimeoutError) and not isinstance(reason, errors.NewConnectionError):
            return f'{beginning}: no connection within {self.CONNECT_TIMEOUT:.0f} s. Look at {where}, and whether it needs a proxy'
        return f'{beginning}: {origin}. Look at {where}'


def _origin(error: t.Any) -> t.Any:
    """The system's own error beneath urllib3's."""
    while True:
        inner = next((one for one in (*getattr(error, 'args', ()), error.__cause__) if isinstance(one, Exception) and one is not error), None)
        if inner is None:
            return error
        error = inner


def _has_credentials(user: Object) -> bool:
    return any(user.get(key) for key in ('token', 'tokenFile', 'client-certificate', 'client-certificate-data', 'username'))


def _take_over(user: Object, status: Object) -> None:
    """What an exec plugin gave, in a kubeconfig's words."""
    if status.get('token'):
        user['token'] = status['token']
    if status.get('clientCertificateData'):
        user['client-certificate-data'] = base64.b64encode(str(status['clientCertificateData']).encode()).decode()
        user['client-key-data'] = base64.b64encode(str(status.get('clientKeyData')).encode()).decode()


def _user_headers(user: Object) -> list[tuple[str, str]]:
    """Authorization and impersonation; a header for each group."""
    headers = []
    token = user.get('token') or (read_file(user['tokenFile'], 'tokenFile').strip() if user.get('tokenFile') else '')
    if token:
        headers.append(('Authorization', f'Bearer {token}'))
    elif user.get('username'):
        pair = f'{user["username"]}:{user.get("password") or ""}'
        headers.append(('Authorization', f'Basic {base64.b64encode(pair.encode()).decode()}'))
    elif user.get('auth-provider'):
        raise AuthConfigError('kubeconfig: auth-provider is gone from Kubernetes\' clients since 1.26: use an exec plugin, or give api_key')
    if user.get('as'):
        headers.append(('Impersonate-User', user['as']))
    headers += [('Impersonate-Group', group) for group in user.get('as-groups') or []]
    return headers


def tls_context(cluster: Object, user: Object) -> ssl.SSLContext:
    """As client-go would: no strictness about extensions that many clusters' CAs lack."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cluster.get('insecure-skip-tls-verify'):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        authority = ca_pem(cluster)
        try:
            context.load_verify_locations(cadata=authority) if authority else context.load_default_certs()
        except (ssl.SSLError, ValueError) as error:
            raise AuthConfigError(f'{_ca_origin(cluster)} is not PEM: {error}') from error
    certificate = _either(user, 'client-certificate', 'client_cert')
    if certificate:
        _load_pair(context, certificate, _either(user, 'client-key', 'client_key'))
    return context


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    # ssl reads a key from a file only.
    handle, path = tempfile.mkstemp(prefix='wandb-client-')
    try:
        with os.fdopen(handle, 'w', encoding='utf-8') as stream:
            stream.write(f'{certificate}\n{key}\n')
        context.load_cert_chain(path)
    except (ssl.SSLError, ValueError) as error:
        raise AuthConfigError(f'client_cert and client_key (or the kubeconfig\'s) are no pair in PEM: {error}') from error
    finally:
        os.unlink(path)


def ca_pem(cluster: Object) -> str:
    """PEM text of the cluster's CA, or empty for the system's CAs."""
    return _either(cluster, 'certificate-authority', 'ca_cert')


def _ca_origin(cluster: Object) -> str:
    return 'certificate-authority-data of the kubeconfig' if cluster.get('certificate-authority-data') else f'ca_cert {cluster["certificate-authority"]}'


def _either(section: Object, key: str, option: str) -> str:
    """Content of ``<key>-data``, else of the file ``key``."""
    data = section.get(f'{key}-data')
    if data:
        try:
            return base64.b64decode(data, validate=False).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise AuthConfigError(f'{key}-data of the kubeconfig is not base64') from None
    return read_file(section[key], f'{option} (or {key} of the kubeconfig)') if section.get(key) else ''


def read_file(path: str, option: str) -> str:
    """Raises AuthConfigError with the option that names it."""
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except OSError as error:
        raise AuthConfigError(f'{option}: {path} cannot be read: {error.strerror}') from error
    except UnicodeDecodeError:
        raise AuthConfigError(f'{option}: {path} is not PEM') from None
