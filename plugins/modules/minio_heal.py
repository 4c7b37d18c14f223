#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: minio_heal
short_description: Mend objects that lack pieces on some of the drives
version_added: 0.1.0
description:
  - Has MinIO look at every object, rebuilds what pieces are missing, and waits until that is done.
  - MinIO does this by itself for a replaced drive. What was written while a host was away it otherwise mends when the object is read,
    or when its scanner comes by, which takes long.
  - In check mode the objects are looked at and nothing is mended.
author:
  - wandb.onprem maintainers (@wandb-onprem)
attributes:
  check_mode:
    support: full
    description: Looks at the objects, mends none, and tells which would be.
  diff_mode:
    support: none
    description: Tells numbers, no differences.
  idempotent:
    support: full
    description: A second run finds nothing to mend.
extends_documentation_fragment:
  - wandb.onprem.s3_auth
options:
  bucket:
    description:
      - Bucket to look at; all of them if not given.
    type: str
    default: ""
  prefix:
    description:
      - Beginning of the objects' names.
    type: str
    default: ""
  deep:
    description:
      - Reads every piece and compares its checksum, which finds rot on drives. Takes as long as reading everything.
    type: bool
    default: false
  within:
    description:
      - Seconds after which the module gives up waiting.
    type: float
    default: 3600
'''

EXAMPLES = r'''
- name: Mend what was written while a host was away
  wandb.onprem.minio_heal:
    endpoint: https://s3-1:9000
    root_user: "{{ wandb_minio_root_user }}"
    root_password: "{{ wandb_minio_root_password }}"
    ca_path: /etc/wandb/pki/ca.crt
    bucket: wandb
'''

RETURN = r'''
scanned:
  description: Objects looked at, each version counted.
  returned: success
  type: int
  sample: 5000
incomplete:
  description: Objects among them that lacked pieces.
  returned: success
  type: int
  sample: 312
healed:
  description: Objects that are whole now; 0 in check mode.
  returned: success
  type: int
  sample: 312
failed_items:
  description: What still lacks pieces, with the reason; at most 20 of them.
  returned: always
  type: list
  elements: str
  sample: []
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 12.3
'''

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.wandb.onprem.plugins.module_utils import minio, minio_admin

SHOWN = 20


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **minio.AUTH_ARGUMENTS,
            'bucket': {'type': 'str', 'default': ''},
            'prefix': {'type': 'str', 'default': ''},
            'deep': {'type': 'bool', 'default': False},
            'within': {'type': 'float', 'default': 3600},
        },
        mutually_exclusive=[('ca_path', 'ca_content')],
        supports_check_mode=True,
    )
    if minio.MINIO_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib('minio'), exception=minio.MINIO_IMPORT_ERROR)
    params = module.params
    if params['prefix'] and not params['bucket']:
        module.fail_json(msg='prefix needs a bucket: give both, or neither')
    try:
        connection = minio.root_connection(params)
        client = minio.admin_client(connection, minio.http_pool(connection))
        report, seconds = minio_admin.Healer(client, module.check_mode, params['deep']).heal(params['bucket'], params['prefix'], params['within'])
    except (minio.MinioError, ValueError, OSError) as error:
        module.fail_json(msg=str(error), failed_items=[])
    except minio.failures() as error:
        module.fail_json(msg=minio.explain(error, params['endpoint']), failed_items=[])
    changed = report.incomplete > 0 if module.check_mode else report.healed > 0
    result = {
        'changed': changed, 'scanned': report.scanned, 'incomplete': report.incomplete, 'healed': report.healed, 'failed_items': report.failed[:SHOWN],
        'seconds': round(seconds, 1),
    }
    if report.failed:
        module.fail_json(
            msg=f'{len(report.failed)} of {report.scanned} objects still lack pieces, the first: {report.failed[0]}. '
                'Are all servers and drives there? Module minio_info tells.', **result)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
