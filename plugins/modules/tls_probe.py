#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: tls_probe
short_description: See whether a client that trusts given CAs takes the certificate of a port
version_added: 0.1.0
description:
  - Makes one TLS connection, without logging in, and fails unless its outcome is the expected one.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
options:
  address:
    description:
      - Name or address to connect to.
    type: str
    required: true
  port:
    description:
      - Port.
    type: int
    required: true
  name:
    description:
      - Name or address that the certificate must be valid for, also told to the server. Without it no name is checked.
    type: str
    default: ""
  starttls:
    description:
      - Protocol that begins without TLS.
    type: str
    choices: ["", mysql]
    default: ""
  ca_content:
    description:
      - PEM text of the trusted certificates; no others are.
    type: str
    required: true
  expect:
    description:
      - V(trusted), or V(refused) for a certificate that is from none of these CAs.
    type: str
    choices: [trusted, refused]
    default: trusted
  retries:
    description:
      - How often it is tried again, a second apart, until the outcome is the expected one.
    type: int
    default: 0
  timeout:
    description:
      - Seconds for connecting, and for each answer.
    type: float
    default: 10
'''

EXAMPLES = r'''
- name: See that MySQL shows a certificate of the new CA
  wandb.onprem.tls_probe:
    address: 10.0.0.21
    port: 3306
    starttls: mysql
    ca_content: "{{ lookup('ansible.builtin.file', 'ca.crt') }}"
'''

RETURN = r'''
tls:
  description: The verified connection; empty where the certificate was refused.
  returned: success
  type: dict
  contains:
    version:
      description: Version of the protocol.
      type: str
      sample: TLSv1.3
    cipher:
      description: Cipher.
      type: str
      sample: TLS_AES_256_GCM_SHA384
    subject:
      description: Subject of the certificate.
      type: str
      sample: commonName=db-1
    issuer:
      description: Its issuer.
      type: str
      sample: commonName=W&B on-premises CA
    not_after:
      description: Its end.
      type: str
      sample: "2027-01-31T12:00:00Z"
    sans:
      description: Its names and addresses.
      type: list
      elements: str
      sample: ["DNS:db-1"]
refused:
  description: Why the certificate was refused; empty where it was not.
  returned: success
  type: str
  sample: unable to get local issuer certificate
'''

import ssl
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.tls import Port, Refused, Unreachable, look


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'address': {'type': 'str', 'required': True},
            'port': {'type': 'int', 'required': True},
            'name': {'type': 'str', 'default': ''},
            'starttls': {'type': 'str', 'choices': ['', 'mysql'], 'default': ''},
            'ca_content': {'type': 'str', 'required': True},
            'expect': {'type': 'str', 'choices': ['trusted', 'refused'], 'default': 'trusted'},
            'retries': {'type': 'int', 'default': 0},
            'timeout': {'type': 'float', 'default': 10},
        },
        supports_check_mode=True,
    )
    params = module.params
    if params['retries'] < 0 or params['timeout'] <= 0:
        module.fail_json(msg='retries must not be negative, and timeout must be more than 0')
    # Without any, Python would take those of the system.
    if 'BEGIN CERTIFICATE' not in params['ca_content']:
        module.fail_json(msg='ca_content: the PEM text of one or more certificates is wanted')
    port = Port(params['address'], params['port'], params['name'], params['starttls'], params['timeout'])
    problem = ''
    for attempt in range(params['retries'] + 1):
        if attempt:
            time.sleep(1)
        try:
            tls = look(port, params['ca_content'])
            if params['expect'] == 'trusted':
                module.exit_json(changed=False, tls=tls, refused='')
            problem = f'the certificate of {port} is still from {tls["issuer"]}, which is among these CAs'
        except Refused as error:
            if params['expect'] == 'refused' and error.other_ca:
                module.exit_json(changed=False, tls={}, refused=str(error))
            problem = f'the certificate of {port} is refused: {error}'
        except Unreachable as error:
            problem = str(error)
        except ssl.SSLError as error:
            module.fail_json(msg=f'ca_content holds no certificate that can be read: {error}')
    module.fail_json(msg=problem)


if __name__ == '__main__':
    main()
