#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: minio_user
short_description: Make or remove a user of a MinIO deployment with a policy of its own
version_added: 0.1.0
description:
  - Makes a user (an access key with its secret), a policy, and attaches to the user this policy and no other.
  - A secret cannot be read from MinIO. Whether it is the wanted one is found by logging in with it, in check mode too.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.s3_auth
options:
  access_key:
    description:
      - Access key, which is the user's name.
    type: str
    required: true
  secret_key:
    description:
      - Secret key, 8 to 40 characters. Required with O(state=present).
    type: str
  policy_name:
    description:
      - Name of the policy. With O(state=absent) the policy is removed too, unless another user or a group has it.
    type: str
    required: true
  policy:
    description:
      - The policy document, in MinIO's spelling of the actions.
      - Exactly one of this and O(application_bucket) is required with O(state=present).
    type: dict
  application_bucket:
    description:
      - Takes the policy that W&B Server needs of its bucket of this name, and nothing more.
    type: str
  state:
    description:
      - Whether the user shall exist.
    type: str
    choices: [present, absent]
    default: present
'''

EXAMPLES = r'''
- name: Make W&B Server's own key
  wandb.onprem.minio_user:
    endpoint: https://s3-1:9000
    root_user: "{{ wandb_minio_root_user }}"
    root_password: "{{ wandb_minio_root_password }}"
    ca_path: /etc/wandb/pki/ca.crt
    access_key: "{{ wandb_minio_access_key }}"
    secret_key: "{{ wandb_minio_secret_key }}"
    policy_name: wandb
    application_bucket: wandb

- name: Make a key that only reads
  wandb.onprem.minio_user:
    endpoint: https://s3-1:9000
    root_user: "{{ wandb_minio_root_user }}"
    root_password: "{{ wandb_minio_root_password }}"
    access_key: reader
    secret_key: "{{ reader_secret_key }}"
    policy_name: wandb-read
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Action: [s3:GetObject]
          Resource: ["arn:aws:s3:::wandb/*"]
'''

RETURN = r'''
user:
  description: The user after the run (in check mode, as it would be); empty if it does not exist. The secret is not in it.
  returned: success
  type: dict
  contains:
    access_key:
      description: Its access key.
      type: str
      sample: AKWANDB
    status:
      description: V(enabled) or V(disabled).
      type: str
      sample: enabled
    groups:
      description: Groups that it is a member of.
      type: list
      elements: str
      sample: []
    policies:
      description: Names of the attached policies.
      type: list
      elements: str
      sample: [wandb]
    policy:
      description: The document of O(policy_name), sorted.
      type: dict
      sample: {"Version": "2012-10-17", "Statement": []}
others:
  description: Other users that have the policy O(policy_name), and groups (as C(group NAME)); such as the key before a rotation.
  returned: success
  type: list
  elements: str
  sample: []
secret_replaced:
  description: Whether the user existed with another secret, which works no longer (in check mode, would work no longer).
  returned: success
  type: bool
  sample: false
'''

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.wandb.onprem.plugins.module_utils import minio


def shown(change: minio.Change) -> dict[str, t.Any]:
    """The diff; of a wrong secret it tells only that it is one."""
    before, after = dict(change.before or {}), dict(change.after or {})
    if change.note:
        before['secret'], after['secret'] = 'another one', 'the wanted one'
    return {'before': before, 'after': after}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **minio.AUTH_ARGUMENTS,
            'access_key': {'type': 'str', 'required': True, 'no_log': False},
            'secret_key': {'type': 'str', 'no_log': True},
            'policy_name': {'type': 'str', 'required': True},
            'policy': {'type': 'dict'},
            'application_bucket': {'type': 'str'},
            'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
        },
        mutually_exclusive=[('ca_path', 'ca_content'), ('policy', 'application_bucket')],
        required_if=[('state', 'present', ('secret_key',)), ('state', 'present', ('policy', 'application_bucket'), True)],
        supports_check_mode=True,
    )
    if minio.MINIO_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib('minio'), exception=minio.MINIO_IMPORT_ERROR)
    params = module.params
    try:
        connection = minio.root_connection(params)
        pool = minio.http_pool(connection)
        service = minio.UserService(minio.admin_client(connection, pool), minio.login_test(connection, pool), module.check_mode)
        if params['state'] == 'present':
            policy = params['policy'] or minio.application_policy(params['application_bucket'])
            change = service.ensure(params['access_key'], params['secret_key'], params['policy_name'], policy)
        else:
            change = service.remove(params['access_key'], params['policy_name'])
        others = service.others(params['policy_name'], params['access_key'])
    except (minio.MinioError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))
    except minio.failures() as error:
        module.fail_json(msg=minio.explain(error, params['endpoint']))
    module.exit_json(
        changed=change.changed, user=change.after or {}, others=others, secret_replaced=bool(change.note), diff=shown(change))


if __name__ == '__main__':
    main()
