#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: redis_settings
short_description: Hold a running Redis server to its settings, access list and certificate
version_added: 0.1.0
description:
  - Reads the configuration back from the running server, sets what differs with C(CONFIG SET), and tells which parameters need a restart.
  - It never restarts the server.
  - Lets the server read its access list file and its certificate again when it runs with another one.
  - Fails when the server does not know a parameter, or takes a value otherwise than asked.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.redis_login
options:
  settings:
    description:
      - Parameters and their values.
    type: dict
    default: {}
  secret_settings:
    description:
      - Further parameters, whose values are never shown.
    type: dict
    default: {}
  acl_file:
    description:
      - Access list file of the server. When the running list is another one, the file is loaded.
    type: path
  tls_certificate:
    description:
      - Certificate file of the server, leaf first. The server is told to read its TLS files again, which counts as a change when it showed another leaf.
    type: path
  reload_tls:
    description:
      - Whether reading the TLS files again counts as a change in any case, for instance because the CA's file changed.
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Hold the server to its settings
  wandb.onprem.redis_settings:
    socket: /run/redis/wandb.sock
    user: wandb-admin
    password_file: /etc/wandb/redis/admin.password
    settings:
      maxmemory: 2gb
      maxmemory-policy: noeviction
  register: wandb_example_settings
'''

RETURN = r'''
version:
  description: Version of the running server.
  returned: always
  type: str
  sample: 8.0.2
restart_needed:
  description: Parameters that the server takes at its start only. Empty in check mode, in which nothing is tried.
  returned: always
  type: list
  elements: str
  sample: []
acl_loaded:
  description: Whether the access list file was loaded.
  returned: always
  type: bool
  sample: false
tls_reloaded:
  description: Whether the server was told to read its certificate files again.
  returned: always
  type: bool
  sample: false
'''

import contextlib
import socket
import ssl
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.redis import (
    RedisError,
    differences,
    information,
    running_configuration,
    set_parameter,
    users_with_other_rules,
)
from ansible_collections.wandb.onprem.plugins.module_utils.redis_login import LOGIN_OPTIONS, Silent, log_in

HIDDEN = '(not shown)'


def served_certificate(port: int) -> bytes | None:
    """DER of the leaf that the server shows on its port; None where nothing answers there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(OSError), socket.create_connection(('localhost', port), timeout=10) as plain, context.wrap_socket(plain) as wrapped:
        return wrapped.getpeercert(binary_form=True)
    return None


def leaf(path: str) -> bytes:
    """DER of the first certificate in a PEM file."""
    with open(path, encoding='ascii') as stream:
        text = stream.read()
    end = '-----END CERTIFICATE-----'
    return ssl.PEM_cert_to_DER_cert(text[text.index('-----BEGIN'):text.index(end) + len(end)])


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_OPTIONS,
            'settings': {'type': 'dict', 'default': {}},
            'secret_settings': {'type': 'dict', 'default': {}, 'no_log': True},
            'acl_file': {'type': 'path'},
            'tls_certificate': {'type': 'path'},
            'reload_tls': {'type': 'bool', 'default': False},
        },
        supports_check_mode=True,
    )
    hidden = set(module.params['secret_settings'])
    settings: dict[str, t.Any] = {**module.params['settings'], **module.params['secret_settings']}
    try:
        client = log_in(module)
    except Silent as error:
        module.fail_json(msg=str(error))
    restart: list[str] = []
    left: list[str] = []
    try:
        # A Sentinel has an access list and no CONFIG.
        asks = bool(settings or module.params['tls_certificate'] or module.params['reload_tls'])
        found = differences(settings, running_configuration(client)) if asks else []
        users = users_with_other_rules(client, module.params['acl_file']) if module.params['acl_file'] else []
        if not module.check_mode:
            left = [f'{difference.name} is unknown to this server' for difference in found if difference.running is None]
            restart = [one.name for one in found if one.running is not None and not set_parameter(client, one.name, one.wanted)]
            left += [
                f'{one.name}: ' + (HIDDEN if one.name in hidden else f'wanted {one.wanted!r}, but it runs with {one.running!r}')
                for one in (differences(settings, running_configuration(client)) if asks else []) if one.name not in restart and one.running is not None
            ]
            if users:
                client.call('ACL', 'LOAD')
                left += [f'rules of user {name}' for name in users_with_other_rules(client, module.params['acl_file'])]
        configuration = running_configuration(client) if asks else {}
        certificate, port = module.params['tls_certificate'], int(configuration.get('tls-port') or 0)
        reload_tls = module.params['reload_tls'] or bool(certificate and served_certificate(port) != leaf(certificate))
        # Which CAs it has read cannot be asked, and a run that was cut off may have left it with older ones. So they are read at every run:
        # setting any of these, even to what it is, builds the whole TLS context anew, and connections stay.
        if (reload_tls or certificate) and not module.check_mode:
            client.call('CONFIG', 'SET', 'tls-cert-file', configuration['tls-cert-file'])
            if certificate and served_certificate(port) != leaf(certificate):
                left.append(f'the server was told to read its certificate again and still does not show the one in {certificate}')
        version = information(client, 'server').get('redis_version', '')
    except (RedisError, OSError, ValueError) as error:
        module.fail_json(msg=f'the server refused: {error}')
    if left:
        module.fail_json(msg=f"the server does not run with what is wanted: {'; '.join(left)}. See wandb_redis_settings.")

    diff = {
        'before': {one.name: HIDDEN if one.name in hidden else one.running for one in found},
        'after': {one.name: f'{HIDDEN}, another' if one.name in hidden else one.wanted for one in found},
    }
    for name in users:
        diff['before'][f'rules of user {name}'], diff['after'][f'rules of user {name}'] = 'others', 'those of the access list file'
    if reload_tls:
        diff['before']['certificate'], diff['after']['certificate'] = 'older than its file', 'read again'
    module.exit_json(
        changed=bool(found or users or reload_tls),
        version=version,
        restart_needed=restart,
        acl_loaded=bool(users),
        tls_reloaded=reload_tls,
        diff=diff,
    )


if __name__ == '__main__':
    main()
