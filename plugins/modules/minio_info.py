#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: minio_info
short_description: Read the state of a MinIO deployment, or wait until it is whole
version_added: 0.1.0
description:
  - Asks one server for all of them, with their versions, their drives and what is being healed, and waits, if asked to, until the conditions hold.
  - A server that was away lacks what was written meanwhile. That is no healing of a drive and is not told here; M(wandb.onprem.minio_heal) finds and mends it.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
  - wandb.onprem.s3_auth
options:
  until:
    description:
      - Conditions that must hold. V(online) = every server and every drive is there, V(healed) = no drive is being rebuilt,
        V(one_version) = all servers are of one version.
    type: list
    elements: str
    choices: [online, healed, one_version]
    default: []
  servers:
    description:
      - Number of servers that there must be.
    type: int
  wait:
    description:
      - Seconds to wait for the conditions. The module fails when they do not hold by then, and names what is missing.
    type: float
    default: 0
  delay:
    description:
      - Seconds between two looks.
    type: float
    default: 2
seealso:
  - module: wandb.onprem.minio_heal
'''

EXAMPLES = r'''
- name: Wait until nothing is missing after a host was away
  wandb.onprem.minio_info:
    endpoint: https://s3-1:9000
    root_user: "{{ wandb_minio_root_user }}"
    root_password: "{{ wandb_minio_root_password }}"
    ca_path: /etc/wandb/pki/ca.crt
    until: [online, healed, one_version]
    wait: 600
'''

RETURN = r'''
state:
  description: What the deployment says of itself; empty if no server answered.
  returned: always
  type: dict
  contains:
    deployment:
      description: Its id.
      type: str
      sample: 0f2f3b8e-7d0c-4b66-9a3a-3f6e0a9d5a11
    region:
      description: Its region.
      type: str
      sample: us-east-1
    parity:
      description: Drives of each erasure set that may be lost while objects are read.
      type: int
      sample: 2
    drives_per_set:
      description: Drives of an erasure set, one number a pool.
      type: list
      elements: int
      sample: [4]
    versions:
      description: Versions of the running servers; more than one is an error.
      type: list
      elements: str
      sample: ["2026-02-12T20:18:48Z"]
    servers:
      description: Each with C(endpoint), C(state) (V(online), V(initializing) or V(offline)), C(version), C(commit) and C(uptime) (seconds).
      type: list
      elements: dict
      sample: [{"endpoint": "s3-1:9000", "state": "online", "version": "2026-02-12T20:18:48Z", "commit": "7aac2a2c5b7c", "uptime": 3600}]
    drives:
      description: Each with C(endpoint), C(state) (V(ok) or why not), C(healing), and of a drive being rebuilt the objects C(healed), C(failed) and C(total).
      type: list
      elements: dict
      sample: [{"endpoint": "https://s3-1:9000/data/1", "state": "ok", "healing": false, "healed": 0, "failed": 0, "total": 0}]
lacks:
  description: What is missing of the conditions.
  returned: always
  type: list
  elements: str
  sample: ["server s3-4:9000 is offline"]
waited:
  description: Seconds until the conditions held.
  returned: always
  type: float
  sample: 12.5
'''

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.wandb.onprem.plugins.module_utils import minio, minio_admin, minio_state


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **minio.AUTH_ARGUMENTS,
            'until': {'type': 'list', 'elements': 'str', 'choices': list(minio_state.CONDITIONS), 'default': []},
            'servers': {'type': 'int'},
            'wait': {'type': 'float', 'default': 0},
            'delay': {'type': 'float', 'default': 2},
        },
        mutually_exclusive=[('ca_path', 'ca_content')],
        supports_check_mode=True,
    )
    if minio.MINIO_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib('minio'), exception=minio.MINIO_IMPORT_ERROR)
    params = module.params
    try:
        connection = minio.root_connection(params)
        client = minio.admin_client(connection, minio.http_pool(connection))
        state, lacks, waited = minio_admin.wait_for(
            lambda: minio_admin.read_state(client), params['until'], params['servers'], params['wait'], params['delay'])
    except (minio.MinioError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))
    except minio.failures() as error:
        module.fail_json(msg=minio.explain(error, params['endpoint']))
    result = {'state': state.as_dict() if state else {}, 'lacks': lacks, 'waited': round(waited, 1)}
    if lacks:
        module.fail_json(msg=f"MinIO at {params['endpoint']} is not whole after {waited:.0f} s: {'; '.join(lacks)}.", **result)
    module.exit_json(changed=False, **result)


if __name__ == '__main__':
    main()
