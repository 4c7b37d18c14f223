# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and policies of a MinIO deployment, and the clients that every module of it speaks with (buckets: minio_buckets.py).

The services take their clients as arguments and know nothing of Ansible; each operation returns a Change, which holds
the thing before and after. In check mode nothing is written, and `after` is what a real run would leave.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import ssl
import traceback
import typing as t
from urllib.parse import urlsplit

MINIO_IMPORT_ERROR: str | None = None
try:
    import urllib3
    from minio import Minio, MinioAdmin
    from minio.credentials.providers import StaticProvider
    from minio.error import InvalidResponseError, MinioAdminException, S3Error, ServerError
except ImportError:
    MINIO_IMPORT_ERROR = traceback.format_exc()

POLICY_VERSION = '2012-10-17'
# What W&B Server needs of its bucket (https://docs.wandb.ai, "Bring your own bucket"), as MinIO spells it: MinIO refuses
# AWS's `s3:GetBucketCORS` as an unknown action, for its actions are case sensitive.
OBJECT_ACTIONS = ('s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject*', 's3:PutObject')
BUCKET_ACTIONS = (
    's3:GetBucketCors', 's3:GetBucketLocation', 's3:GetBucketVersioning', 's3:GetEncryptionConfiguration',
    's3:ListBucket', 's3:ListBucketMultipartUploads', 's3:ListBucketVersions',
)
# S3's and MinIO's codes for "this key and secret do not belong together, or the key is unknown or disabled".
LOGIN_REFUSED = ('InvalidAccessKeyId', 'SignatureDoesNotMatch', 'XMinioInvalidAccessKeyId')


class MinioError(Exception):
    """A message for a person: what is wrong and how to mend it."""


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where MinIO's API is and who asks. `endpoint` is a URL without a path; `timeout` in seconds for one request."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str = 'us-east-1'
    ca_path: str | None = None
    ca_content: str | None = None
    timeout: int = 30


@dataclasses.dataclass(frozen=True)
class Change:
    """A thing before and after; None = it does not exist. `note` tells of a change that shows in neither (a secret)."""

    before: dict[str, t.Any] | None
    after: dict[str, t.Any] | None
    note: str = ''

    @property
    def changed(self) -> bool:
        return self.before != self.after or bool(self.note)


AUTH_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    'endpoint': {'type': 'str', 'required': True},
    'root_user': {'type': 'str', 'required': True},
    'root_password': {'type': 'str', 'required': True, 'no_log': True},
    'region': {'type': 'str', 'default': 'us-east-1'},
    'ca_path': {'type': 'path'},
    'ca_content': {'type': 'str'},
    'timeout': {'type': 'int', 'default': 30},
}


def root_connection(params: t.Mapping[str, t.Any]) -> Connection:
    """The connection that the options of AUTH_ARGUMENTS describe."""
    same = {key: params[key] for key in ('endpoint', 'region', 'ca_path', 'ca_content', 'timeout')}
    return Connection(access_key=params['root_user'], secret_key=params['root_password'], **same)


def failures() -> tuple[type[Exception], ...]:
    """What the clients raise for anything that `explain` has words for."""
    return S3Error, MinioAdminException, InvalidResponseError, ServerError, urllib3.exceptions.HTTPError


# --- clients ---------------------------------------------------------------------------------------------------------

def split_endpoint(endpoint: str) -> tuple[str, bool]:
    """`host:port` and whether it speaks TLS. MinioError on anything but a bare http(s) URL."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ('http', 'https') or not parts.hostname or parts.path not in ('', '/') or parts.query or parts.username:
        raise MinioError(f'endpoint {endpoint!r} is not a bare URL: give scheme, host and port, as in https://s3-1:9000')
    return parts.netloc, parts.scheme == 'https'


def http_pool(connection: Connection) -> urllib3.PoolManager:
    """One pool for both clients, verifying with the given CA, or with the system's.

    Answers of "not now" are waited out for some 20 seconds: a server that has just started looks for the drives of the others only
    every 15 seconds, and refuses writes until then, though /minio/health/cluster says that all is well (it asks each server for its own).
    """
    try:
        context = ssl.create_default_context(cafile=connection.ca_path, cadata=connection.ca_content or None)
    except (ssl.SSLError, OSError) as error:
        raise MinioError(f'ca_content or ca_path holds no CA certificate in PEM form ({error})') from error
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=min(10, connection.timeout), read=connection.timeout),
        retries=urllib3.Retry(
            total=8, connect=2, read=2, backoff_factor=0.5, backoff_max=4, status_forcelist=(502, 503, 504), allowed_methods=None, raise_on_status=False),
        ssl_context=context,
    )


def s3_client(connection: Connection, pool: urllib3.PoolManager) -> Minio:
    """Client of the S3 API."""
    host, secure = split_endpoint(connection.endpoint)
    return Minio(
        endpoint=host, access_key=connection.access_key, secret_key=connection.secret_key, secure=secure, region=connection.region, http_client=pool,
    )


def admin_client(connection: Connection, pool: urllib3.PoolManager) -> MinioAdmin:
    """Client of MinIO's own admin API. It signs for no region: MinIO takes any."""
    host, secure = split_endpoint(connection.endpoint)
    return MinioAdmin(
        endpoint=host, credentials=StaticProvider(connection.access_key, connection.secret_key), secure=secure, http_client=pool,
    )


def login_test(connection: Connection, pool: urllib3.PoolManager) -> t.Callable[[str, str], bool]:
    """A function that tells whether a key and secret are let in. Being let in and then denied the listing counts."""

    def accepted(access_key: str, secret_key: str) -> bool:
        client = s3_client(dataclasses.replace(connection, access_key=access_key, secret_key=secret_key), pool)
        try:
            client.list_buckets()
        except S3Error as error:
            if error.code in LOGIN_REFUSED:
                return False
            if error.code != 'AccessDenied':
                raise
        return True

    return accepted


def presigner(connection: Connection, bucket: str, name: str, expires: datetime.timedelta) -> t.Callable[..., str]:
    """A function from method, whether to sign with the right secret, and a query, to a presigned URL of the object. It asks nobody."""
    host, secure = split_endpoint(connection.endpoint)

    def client(secret_key: str) -> Minio:
        return Minio(endpoint=host, access_key=connection.access_key, secret_key=secret_key, secure=secure, region=connection.region)

    clients = {True: client(connection.secret_key), False: client('wrong' + connection.secret_key)}

    def presign(method: str, right_key: bool, query: t.Mapping[str, str] | None = None) -> str:
        return clients[right_key].get_presigned_url(
            method=method, bucket_name=bucket, object_name=name, expires=expires, extra_query_params=t.cast(t.Any, dict(query or {})))

    return presign


def admin_error(error: Exception) -> tuple[str, str]:
    """Code and message of a MinioAdminException, whose body is JSON or text."""
    body = str(getattr(error, '_body', '') or error)
    try:
        parsed = json.loads(body)
    except ValueError:
        return '', body
    return str(parsed.get('Code', '')), str(parsed.get('Message', body))


def explain(error: Exception, endpoint: str, key: tuple[str, str] = ('root_user', 'root_password')) -> str:
    """A client's exception as one sentence with the mend; no secret is in it. `key`: the options that the key was given in."""
    code, text = '', str(error)
    if isinstance(error, S3Error):
        code, text = str(error.code), str(error.message)
    elif isinstance(error, MinioAdminException):
        code, text = admin_error(error)
    if isinstance(error, (InvalidResponseError, ServerError, MinioAdminException)) and not code:
        return f'{endpoint} did not answer as an S3 store does: {text[:300]}. Is the port the API port (not the console), and a proxy in between transparent?'
    if code in LOGIN_REFUSED:
        return f'{endpoint} refuses the key ({code}). Check {key[0]} and {key[1]} against what the store knows.'
    if code:
        return f'{endpoint} answered {code}: {text}'
    if 'CERTIFICATE_VERIFY_FAILED' in text:
        return f'The certificate of {endpoint} is not trusted: {text[:300]}. Give the CA that signed it as ca_path, and a name that the certificate holds.'
    return f'{endpoint} cannot be reached: {text[:300]}. Check name, port and firewall, and that the server runs.'


# --- policies --------------------------------------------------------------------------------------------------------

def application_policy(bucket: str) -> dict[str, t.Any]:
    """The policy of W&B Server's key: what it needs of this one bucket and nothing more."""
    return {
        'Version': POLICY_VERSION,
        'Statement': [
            {'Effect': 'Allow', 'Action': list(BUCKET_ACTIONS), 'Resource': [f'arn:aws:s3:::{bucket}']},
            {'Effect': 'Allow', 'Action': list(OBJECT_ACTIONS), 'Resource': [f'arn:aws:s3:::{bucket}/*']},
        ],
    }


def canonical_policy(document: t.Mapping[str, t.Any] | None) -> dict[str, t.Any] | None:
    """The document with everything that has no meaning taken out: order, a single value instead of a list, empty keys."""
    if document is None:
        return None

    def as_list(value: t.Any) -> list[str]:
        return sorted({str(item) for item in ([value] if isinstance(value, str) else value)})

    statements = []
    for statement in document.get('Statement', []):
        clean = {key: value for key, value in statement.items() if value not in (None, '', [], {})}
        for key in ('Action', 'NotAction', 'Resource', 'NotResource'):
            if key in clean:
                clean[key] = as_list(clean[key])
        statements.append(dict(sorted(clean.items())))
    return {'Version': document.get('Version', POLICY_VERSION), 'Statement': sorted(statements, key=lambda item: json.dumps(item, sort_keys=True))}


# --- services --------------------------------------------------------------------------------------------------------

class UserService:
    """Users with one policy each. Uses of the client: user_*, policy_* of MinioAdmin; `login` tells whether a secret is right."""

    def __init__(self, client: MinioAdmin, login: t.Callable[[str, str], bool], check_mode: bool) -> None:
        self._client = client
        self._login = login
        self._check_mode = check_mode

    def read(self, access_key: str, policy_name: str) -> dict[str, t.Any] | None:
        """The user with the names of all policies attached and the text of `policy_name`, or None. Never its secret."""
        try:
            found = json.loads(self._client.user_info(access_key))
        except MinioAdminException as error:
            if admin_error(error)[0] == 'XMinioAdminNoSuchUser':
                return None
            raise
        return {
            'access_key': access_key,
            'status': found.get('status', 'enabled'),
            'groups': sorted(found.get('memberOf') or []),
            'policies': sorted(name for name in (found.get('policyName') or '').split(',') if name),
            'policy': self.read_policy(policy_name),
        }

    def read_policy(self, name: str) -> dict[str, t.Any] | None:
        """The canonical document of a policy, or None."""
        try:
            document = json.loads(self._client.policy_info(name))
        except MinioAdminException as error:
            if admin_error(error)[0] == 'XMinioAdminNoSuchPolicy':
                return None
            raise
        return canonical_policy(document.get('Policy', document))

    def ensure(self, access_key: str, secret_key: str, policy_name: str, policy: t.Mapping[str, t.Any]) -> Change:
        """Make the user with just this policy. A wrong secret is found by logging in, for it cannot be read."""
        before = self.read(access_key, policy_name)
        after = {
            'access_key': access_key, 'status': 'enabled', 'groups': before['groups'] if before else [],
            'policies': [policy_name], 'policy': canonical_policy(policy),
        }
        if before and before['groups']:
            raise MinioError(
                f"User {access_key} is a member of {', '.join(before['groups'])} and may do what those groups may. Take it out of them, or choose another key.")
        # A disabled user is refused whatever its secret, so setting it again is the only way to be sure of it.
        wrong_secret = bool(before) and not self._login(access_key, secret_key)
        change = Change(before, after, note='secret_key' if wrong_secret else '')
        if self._check_mode or not change.changed:
            return change
        if before is None or before['policy'] != after['policy']:
            self._client.policy_add(policy_name, policy=dict(policy))
        if before is None or wrong_secret or before['status'] != 'enabled':
            self._client.user_add(access_key, secret_key)
        if before is None or before['policies'] != [policy_name]:
            self._client.policy_set(policy_name, user=access_key)
        return Change(before, self.read(access_key, policy_name), note=change.note)

    def remove(self, access_key: str, policy_name: str) -> Change:
        """Remove the user, and the policy unless somebody else has it."""
        user = self.read(access_key, policy_name)
        policy = user['policy'] if user else self.read_policy(policy_name)
        with_policy = policy is not None and not self.others(policy_name, access_key)
        if not self._check_mode:
            if user:
                self._client.user_remove(access_key)
            if with_policy:
                self._client.policy_remove(policy_name)
        if user:
            return Change(user, None)
        return Change({'policy': policy} if with_policy else None, None)

    def others(self, policy_name: str, access_key: str) -> list[str]:
        """Users other than this one who have the policy, and groups (as `group NAME`)."""
        found = json.loads(self._client.get_policy_entities([], [], [policy_name]))
        mappings = [mapping for mapping in found.get('policyMappings') or [] if mapping.get('policy') == policy_name]
        users = {str(user) for mapping in mappings for user in mapping.get('users') or []} - {access_key}
        return sorted(users) + sorted({f'group {group}' for mapping in mappings for group in mapping.get('groups') or []})
