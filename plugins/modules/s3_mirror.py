#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: s3_mirror
short_description: Copy the objects of a bucket to a bucket of another store
version_added: 0.1.0
description:
  - Copies each object that the target lacks, has in another size, or has from before the source's last change (O(by_time)). Several at a time, streamed.
  - Nothing is ever removed from the target. Old versions of objects are not copied.
  - Cut off, it goes on where it was, for what is there already is not copied again.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
requirements:
  - minio >= 7.2 (Python package) on the host where the module runs
options:
  source:
    description:
      - The bucket to copy from.
    type: dict
    required: true
    suboptions: &bucket
      endpoint:
        description:
          - URL of the store, with scheme and host, and the port if it is not the scheme's own.
        type: str
        required: true
      access_key:
        description:
          - Access key.
        type: str
        required: true
      secret_key:
        description:
          - Secret key.
        type: str
        required: true
      bucket:
        description:
          - Name of the bucket.
        type: str
        required: true
      prefix:
        description:
          - Beginning of the objects' names, with the slash at its end. It is taken away from, or put before, the names.
        type: str
        default: ""
      region:
        description:
          - Region of the store.
        type: str
        default: us-east-1
      ca_content:
        description:
          - Trusted certificates as PEM text. Without it, the host's own are used.
        type: str
  target:
    description:
      - The bucket to copy to. It must exist.
    type: dict
    required: true
    suboptions: *bucket
  by_time:
    description:
      - Whether an object of the same size is copied if the source's was written later than the target's.
      - Turn it off for the way back, for every copy was written later than what it is a copy of.
    type: bool
    default: true
  concurrency:
    description:
      - How many objects are copied at the same time, 1 to 64.
    type: int
    default: 8
  timeout:
    description:
      - Seconds that a store may be silent.
    type: int
    default: 60
'''

EXAMPLES = r'''
- name: Copy the bucket to a second store
  wandb.onprem.s3_mirror:
    source:
      endpoint: https://s3.example.com
      access_key: "{{ wandb_minio_access_key }}"
      secret_key: "{{ wandb_minio_secret_key }}"
      bucket: wandb
    target:
      endpoint: https://backup.example.com
      access_key: "{{ backup_access_key }}"
      secret_key: "{{ backup_secret_key }}"
      bucket: wandb-backup
'''

RETURN = r'''
looked_at:
  description: Objects in the source.
  returned: success
  type: int
  sample: 5000
copied:
  description: Objects that were copied (in check mode, that would be).
  returned: success
  type: int
  sample: 12
copied_bytes:
  description: Their size.
  returned: success
  type: int
  sample: 104857600
failed_items:
  description: Objects that could not be copied, each C(name) and C(reason); at most 20 of them.
  returned: success
  type: list
  elements: dict
  sample: []
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 12.3
'''

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.wandb.onprem.plugins.module_utils import minio, s3_mirror

SHOWN = 20
BUCKET: dict[str, t.Any] = {
    'endpoint': {'type': 'str', 'required': True},
    'access_key': {'type': 'str', 'required': True, 'no_log': False},
    'secret_key': {'type': 'str', 'required': True, 'no_log': True},
    'bucket': {'type': 'str', 'required': True},
    'prefix': {'type': 'str', 'default': ''},
    'region': {'type': 'str', 'default': 'us-east-1'},
    'ca_content': {'type': 'str'},
}


def bucket(side: dict[str, t.Any], timeout: int) -> s3_mirror.Bucket:
    """One side of the copy."""
    connection = minio.Connection(
        side['endpoint'], side['access_key'], side['secret_key'], side['region'], ca_content=side['ca_content'], timeout=timeout)
    return s3_mirror.Bucket(minio.s3_client(connection, minio.http_pool(connection)), side['bucket'], side['prefix'])


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'source': {'type': 'dict', 'required': True, 'options': BUCKET},
            'target': {'type': 'dict', 'required': True, 'options': BUCKET},
            'by_time': {'type': 'bool', 'default': True},
            'concurrency': {'type': 'int', 'default': 8},
            'timeout': {'type': 'int', 'default': 60},
        },
        supports_check_mode=True,
    )
    if minio.MINIO_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib('minio'), exception=minio.MINIO_IMPORT_ERROR)
    params = module.params
    source, target = params['source'], params['target']
    if not 1 <= params['concurrency'] <= 64:
        module.fail_json(msg=f"concurrency is {params['concurrency']}: it can be 1 to 64")
    if all(source[key] == target[key] for key in ('endpoint', 'bucket')):
        module.fail_json(msg='source and target are the same bucket: name another one in target')
    try:
        report = s3_mirror.mirror(
            bucket(source, params['timeout']), bucket(target, params['timeout']), params['concurrency'], module.check_mode,
            (*minio.failures(), OSError, ValueError), params['by_time'])
    except (minio.MinioError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))
    except minio.failures() as error:
        module.fail_json(msg=f"The listing of {source['endpoint']} or {target['endpoint']} failed: {minio.explain(error, 'the store')}")
    result = {
        'changed': report.copied > 0, 'looked_at': report.looked_at, 'copied': report.copied, 'copied_bytes': report.copied_bytes,
        'failed_items': [{'name': name, 'reason': reason} for name, reason in report.failed[:SHOWN]], 'seconds': round(report.seconds, 1),
    }
    if report.failed:
        name, reason = report.failed[0]
        module.fail_json(msg=f'{len(report.failed)} of {report.looked_at} objects could not be copied, the first: {name} ({reason}). Run it again.', **result)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
