#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: minio_bucket
short_description: Make or remove a bucket of a MinIO deployment
version_added: 0.1.0
description:
  - Makes a bucket and turns its versioning on or off, or removes it.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.s3_auth
options:
  name:
    description:
      - Name of the bucket.
    type: str
    required: true
  state:
    description:
      - Whether the bucket shall exist.
    type: str
    choices: [present, absent]
    default: present
  versioning:
    description:
      - Whether old versions of objects are kept. Left as it is if not given.
      - MinIO cannot turn it off again, only suspend it. A bucket that never had it satisfies V(false).
    type: bool
  force:
    description:
      - With O(state=absent), removes a bucket that is not empty, with every object and version in it.
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Make the bucket of W&B Server
  wandb.onprem.minio_bucket:
    endpoint: https://s3-1:9000
    root_user: "{{ wandb_minio_root_user }}"
    root_password: "{{ wandb_minio_root_password }}"
    ca_path: /etc/wandb/pki/ca.crt
    name: wandb
'''

RETURN = r'''
bucket:
  description: The bucket after the run (in check mode, as it would be); empty if it does not exist.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: wandb
    versioning:
      description: One of V(off), V(enabled), V(suspended).
      type: str
      sample: "off"
'''

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.wandb.onprem.plugins.module_utils import minio


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **minio.AUTH_ARGUMENTS,
            'name': {'type': 'str', 'required': True},
            'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
            'versioning': {'type': 'bool'},
            'force': {'type': 'bool', 'default': False},
        },
        mutually_exclusive=[('ca_path', 'ca_content')],
        supports_check_mode=True,
    )
    if minio.MINIO_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib('minio'), exception=minio.MINIO_IMPORT_ERROR)
    params = module.params
    try:
        connection = minio.root_connection(params)
        service = minio.BucketService(minio.s3_client(connection, minio.http_pool(connection)), module.check_mode)
        wanted = params['state'] == 'present'
        change = service.ensure(params['name'], params['versioning']) if wanted else service.remove(params['name'], params['force'])
    except (minio.MinioError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))
    except minio.failures() as error:
        module.fail_json(msg=minio.explain(error, params['endpoint']))
    module.exit_json(changed=change.changed, bucket=change.after or {}, diff={'before': change.before or {}, 'after': change.after or {}})


if __name__ == '__main__':
    main()
