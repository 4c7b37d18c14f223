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
  - Makes a bucket with versioning, expiry of old versions, quota and encryption, or removes it.
  - Rules of its lifecycle that others made stay.
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
  noncurrent_days:
    description:
      - Days after which a version that is no longer the newest is removed, and the marker of a deletion when nothing is left behind it. V(0) keeps them all.
        Left as it is if not given.
    type: int
  quota:
    description:
      - Bytes that the bucket may hold, V(0) for no limit. Left as it is if not given.
      - MinIO counts from time to time, so that a fast writer may go over it.
    type: int
  encryption:
    description:
      - Whether objects are encrypted without being asked to (SSE-S3). Left as it is if not given.
      - The servers need a key service, or a key of their own, for that.
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

- name: Keep old versions of objects for two weeks, and no more than 2 TiB
  wandb.onprem.minio_bucket:
    endpoint: https://s3-1:9000
    root_user: "{{ wandb_minio_root_user }}"
    root_password: "{{ wandb_minio_root_password }}"
    name: wandb
    versioning: true
    noncurrent_days: 14
    quota: "{{ 2 * 1024 ** 4 }}"
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
    noncurrent_days:
      description: Days that old versions are kept; 0 = for ever.
      type: int
      sample: 14
    quota:
      description: Bytes that it may hold; 0 = no limit.
      type: int
      sample: 0
    encryption:
      description: Whether objects are encrypted without being asked to.
      type: bool
      sample: false
'''

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.wandb.onprem.plugins.module_utils import minio, minio_buckets


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **minio.AUTH_ARGUMENTS,
            'name': {'type': 'str', 'required': True},
            'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
            'versioning': {'type': 'bool'},
            'noncurrent_days': {'type': 'int'},
            'quota': {'type': 'int'},
            'encryption': {'type': 'bool'},
            'force': {'type': 'bool', 'default': False},
        },
        mutually_exclusive=[('ca_path', 'ca_content')],
        supports_check_mode=True,
    )
    if minio.MINIO_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib('minio'), exception=minio.MINIO_IMPORT_ERROR)
    params = module.params
    for name in ('noncurrent_days', 'quota'):
        if (params[name] or 0) < 0:
            module.fail_json(msg=f'{name} is {params[name]}: it must not be negative')
    try:
        connection = minio.root_connection(params)
        pool = minio.http_pool(connection)
        service = minio_buckets.BucketService(minio.s3_client(connection, pool), minio.admin_client(connection, pool), module.check_mode)
        if params['state'] == 'present':
            wanted = minio_buckets.Wanted(params['versioning'], params['noncurrent_days'], params['quota'], params['encryption'])
            change = service.ensure(params['name'], wanted)
        else:
            change = service.remove(params['name'], params['force'])
    except (minio.MinioError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))
    except minio.failures() as error:
        module.fail_json(msg=minio.explain(error, params['endpoint']))
    module.exit_json(changed=change.changed, bucket=change.after or {}, diff={'before': change.before or {}, 'after': change.after or {}})


if __name__ == '__main__':
    main()
