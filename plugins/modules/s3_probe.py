#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: s3_probe
short_description: Use a bucket as browsers and SDKs do, and name the link that fails
version_added: 0.1.0
description:
  - Writes, reads and removes one small object by presigned URLs with the application's key, through the public endpoint.
  - Asks as a browser does (CORS preflight) from the origin that is allowed and from one that must not be.
  - Sees a wrong key and a request without a signature refused, and compares the clocks.
author:
  - wandb.onprem maintainers (@wandb-onprem)
attributes:
  check_mode:
    support: partial
    description: Runs in check mode.
    details: Writes nothing; instead of the round trip, an object that does not exist is asked for.
  diff_mode:
    support: N/A
    description: Leaves nothing changed.
  idempotent:
    support: full
    description: Leaves nothing changed.
requirements:
  - minio >= 7.2 (Python package) on the host where the module runs
options:
  endpoint:
    description:
      - URL at which clients reach the store, with scheme and host, and the port if it is not the scheme's own.
    type: str
    required: true
  access_key:
    description:
      - The application's access key.
    type: str
    required: true
  secret_key:
    description:
      - The application's secret key.
    type: str
    required: true
  bucket:
    description:
      - The bucket.
    type: str
    required: true
  prefix:
    description:
      - Beginning of the object's name.
    type: str
    default: ""
  region:
    description:
      - Region of the store.
    type: str
    default: us-east-1
  resolve:
    description:
      - Address to connect to in place of what DNS says. The name in TLS, C(Host) and signature stays that of the endpoint.
    type: str
  ca_path:
    description:
      - File of trusted certificates in PEM form on the host that probes. Without it and O(ca_content), the host's own are used.
    type: path
  ca_content:
    description:
      - Trusted certificates as PEM text.
    type: str
  origin:
    description:
      - Origin whose pages must be allowed to use presigned URLs (the site's URL). Without it CORS is not looked at.
    type: str
  foreign_origin:
    description:
      - Origin whose pages must not be allowed.
    type: str
    default: https://foreign.invalid
  max_skew:
    description:
      - Seconds that the clocks may differ. A presigned URL is refused from 15 minutes on; much less tells that nobody sets one of the clocks.
    type: float
    default: 60
  timeout:
    description:
      - Seconds for one request.
    type: float
    default: 10
  retries:
    description:
      - How often the whole probe is tried again when a step fails.
    type: int
    default: 0
  delay:
    description:
      - Seconds between tries.
    type: float
    default: 2
'''

EXAMPLES = r'''
- name: Use the bucket as a browser does
  wandb.onprem.s3_probe:
    endpoint: https://s3.example.com
    resolve: 10.0.0.4
    ca_path: /etc/wandb/pki/ca.crt
    access_key: "{{ wandb_minio_access_key }}"
    secret_key: "{{ wandb_minio_secret_key }}"
    bucket: wandb
    origin: https://wandb.example.com
'''

RETURN = r'''
checks:
  description: Outcomes in the order of trying.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description:
        - One of V(connection), V(put), V(get), V(head), V(range), V(multipart), V(delete), V(wrong_key), V(anonymous), V(clock),
          V(cors_get), V(cors_head), V(cors_put), V(cors_foreign).
      type: str
      sample: put
    ok:
      description: Whether it went well.
      type: bool
      sample: true
    detail:
      description: What was seen.
      type: str
      sample: answered 200
    failure:
      description:
        - Class of the failure, V(dns), V(connect), V(tls), V(timeout), V(protocol) (no HTTP came back), V(auth), V(bucket), V(cors), V(clock)
          or V(status); empty if there is none.
      type: str
      sample: ""
    mend:
      description: What to do about it.
      type: str
      sample: ""
failure:
  description: Class of the first failure.
  returned: failure
  type: str
  sample: cors
tls:
  description: The verified TLS connection, as RV(wandb.onprem.http_probe#module:tls).
  returned: always
  type: dict
  sample: {"version": "TLSv1.3"}
'''

import dataclasses
import datetime
import time
import uuid

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.wandb.onprem.plugins.module_utils import minio, probes, s3_checks


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'endpoint': {'type': 'str', 'required': True},
            'access_key': {'type': 'str', 'required': True, 'no_log': False},
            'secret_key': {'type': 'str', 'required': True, 'no_log': True},
            'bucket': {'type': 'str', 'required': True},
            'prefix': {'type': 'str', 'default': ''},
            'region': {'type': 'str', 'default': 'us-east-1'},
            'resolve': {'type': 'str'},
            'ca_path': {'type': 'path'},
            'ca_content': {'type': 'str'},
            'origin': {'type': 'str'},
            'foreign_origin': {'type': 'str', 'default': 'https://foreign.invalid'},
            'max_skew': {'type': 'float', 'default': 60},
            'timeout': {'type': 'float', 'default': 10},
            'retries': {'type': 'int', 'default': 0},
            'delay': {'type': 'float', 'default': 2},
        },
        mutually_exclusive=[('ca_path', 'ca_content')],
        supports_check_mode=True,
    )
    if minio.MINIO_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib('minio'), exception=minio.MINIO_IMPORT_ERROR)
    params = module.params
    template = probes.Request(
        url=params['endpoint'], timeout=params['timeout'], resolve=params['resolve'], ca_path=params['ca_path'], ca_content=params['ca_content'])
    fill = s3_checks.request_for(template)
    key = f"{params['prefix']}wandb-onprem-probe-{uuid.uuid4()}"
    try:
        connection = minio.Connection(params['endpoint'], params['access_key'], params['secret_key'], params['region'])
        presign = minio.presigner(connection, params['bucket'], key, datetime.timedelta(minutes=5))
    except (minio.MinioError, ValueError) as error:
        module.fail_json(msg=str(error))
    plan = s3_checks.Plan(not module.check_mode, params['origin'] or '', params['foreign_origin'], params['max_skew'])
    for attempt in range(params['retries'] + 1):
        if attempt:
            time.sleep(params['delay'])
        probe = s3_checks.S3Probe(presign, lambda method, url, headers, body: probes.send(fill(method, url, headers, body)), time.time)
        checks = probe.run(plan)
        if all(check.ok for check in checks):
            break
    result = {'checks': [{'ok': check.ok, **dataclasses.asdict(check)} for check in checks], 'tls': probe.tls}
    broken = [check for check in checks if not check.ok]
    if broken:
        words = '\n'.join(f'{check.name} ({check.failure}): {check.detail}. Mend: {check.mend}.' for check in broken)
        module.fail_json(msg=f"{params['endpoint']}, bucket {params['bucket']}:\n{words}", failure=broken[0].failure, **result)
    module.exit_json(changed=False, **result)


if __name__ == '__main__':
    main()
