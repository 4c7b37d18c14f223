#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: mysql_settings
short_description: Hold the global variables of a running MySQL server, and its certificate, to what is wanted
version_added: 0.1.0
description:
  - Reads all variables back from the running server, sets those that differ with C(SET GLOBAL), and tells which ones need a restart.
  - It never restarts the server.
  - Values that C(SET PERSIST) wrote down for these variables are forgotten (C(RESET PERSIST)), because they would beat the option file at the next start.
  - Fails when the server does not know a variable, or takes a value otherwise than asked.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.mysql_login
options:
  settings:
    description:
      - Variables and their values. Sizes may be written as in an option file, V(64M).
      - A variable that begins with C(loose_) may be unknown to the server.
    type: dict
    default: {}
  plugins:
    description:
      - Plugins that the option file loads. One that is not active is told among RV(restart_needed).
    type: list
    elements: str
    default: []
  tls_certificate:
    description:
      - Certificate file of the server, leaf first. When the server still shows another leaf, it is told to read its files again.
    type: path
  reload_tls:
    description:
      - Tells the server to read its certificate files again in any case, for instance because the CA's file changed.
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Hold the server to its settings
  wandb.onprem.mysql_settings:
    login_unix_socket: /run/mysqld/mysqld.sock
    config_file: /etc/wandb/mysql/root.cnf
    settings:
      sort_buffer_size: 64M
      sync_binlog: 1
    tls_certificate: /etc/mysql/wandb-cert.pem
  register: wandb_example_settings
'''

RETURN = r'''
version:
  description: Version of the running server.
  returned: always
  type: str
  sample: 8.0.31
version_comment:
  description: What the server calls itself.
  returned: always
  type: str
  sample: MySQL Community Server - GPL
restart_needed:
  description: Variables that the server takes at its start only. Empty in check mode, in which nothing is tried.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The variable.
      type: str
      sample: performance_schema
    wanted:
      description: Its wanted value.
      type: str
      sample: "ON"
    running:
      description: Its running value.
      type: str
      sample: "OFF"
    source:
      description: Where the server took the running value from.
      type: str
      sample: GLOBAL /etc/mysql/wandb.cnf
  sample: []
persisted:
  description: Variables whose persisted value was forgotten.
  returned: always
  type: list
  elements: str
  sample: []
tls_reloaded:
  description: Whether the server was told to read its certificate files again.
  returned: always
  type: bool
  sample: false
'''

import ssl

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.mysql import Difference, Server, converge
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_login import LOGIN_OPTIONS, Silent, by_socket, driver_error, need_driver


def served_certificate(module: AnsibleModule) -> bytes | None:
    """DER of the leaf that the server shows; None where it speaks no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = by_socket(module, ssl=context)
    try:
        return connection._sock.getpeercert(binary_form=True) if isinstance(connection._sock, ssl.SSLSocket) else None
    finally:
        connection.close()


def leaf(path: str) -> bytes:
    """DER of the first certificate in a PEM file."""
    with open(path, encoding='ascii') as stream:
        text = stream.read()
    end = '-----END CERTIFICATE-----'
    return ssl.PEM_cert_to_DER_cert(text[text.index('-----BEGIN'):text.index(end) + len(end)])


def tell(differences: list[Difference]) -> str:
    """Differences in words."""
    return '; '.join(
        f'{found.name} is unknown to this server' if found.running is None else f'{found.name}: wanted {found.wanted}, but it runs with {found.running}'
        for found in differences
    )


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_OPTIONS,
            'settings': {'type': 'dict', 'default': {}},
            'plugins': {'type': 'list', 'elements': 'str', 'default': []},
            'tls_certificate': {'type': 'path'},
            'reload_tls': {'type': 'bool', 'default': False},
        },
        supports_check_mode=True,
    )
    need_driver(module)
    try:
        server = Server(by_socket(module, 60), driver_error())
        outcome = converge(server, module.params['settings'], module.check_mode)
        restart = [{'name': found.name, 'wanted': found.wanted, 'running': found.running, 'source': server.source(found.name)} for found in outcome.restart]
        idle = sorted(set(module.params['plugins']) - server.active_plugins())
        if not module.check_mode:
            restart += [{'name': 'plugin_load_add', 'wanted': plugin, 'running': '', 'source': ''} for plugin in idle]
        certificate = module.params['tls_certificate']
        reload_tls = module.params['reload_tls'] or bool(certificate and served_certificate(module) != leaf(certificate))
        if reload_tls and not module.check_mode:
            server.reload_tls()
            if certificate and served_certificate(module) != leaf(certificate):
                module.fail_json(msg=f'the server was told to read its certificate again and still does not show the one in {certificate}')
        version, comment = server.version()
    except (ValueError, Silent) as error:
        module.fail_json(msg=str(error))
    except driver_error() as error:
        module.fail_json(msg=f'the server refused: {error}')
    if outcome.refused:
        module.fail_json(msg=f'the server does not run with the wanted settings: {tell(outcome.refused)}. See wandb_mysql_settings.')

    diff = {
        'before': {found.name: found.running for found in outcome.differences},
        'after': {found.name: found.wanted for found in outcome.differences},
    }
    for name in outcome.persisted:
        diff['before'][f'{name} (persisted)'] = 'yes'
    for name in idle:
        diff['before'][f'{name} (plugin)'], diff['after'][f'{name} (plugin)'] = '', 'ACTIVE'
    if reload_tls:
        diff['before']['certificate'], diff['after']['certificate'] = 'older than its file', 'read again'
    module.exit_json(
        changed=outcome.changed or reload_tls or bool(idle),
        version=version,
        version_comment=comment,
        restart_needed=restart,
        persisted=outcome.persisted,
        tls_reloaded=reload_tls,
        diff=diff,
    )


if __name__ == '__main__':
    main()
