#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: s3_bucket
short_description: Have a bucket, and a CORS rule for it, on an S3 store of your own
version_added: 0.1.0
description:
  - Sees that a bucket exists, or makes it, and puts one CORS rule in it, so that browsers may use presigned URLs. Rules of others stay.
  - For stores that keep CORS rules for each bucket, AWS and Ceph for example. MinIO keeps none; for its buckets there is M(wandb.onprem.minio_bucket).
  - The key needs the rights for that (C(s3:ListBucket), C(s3:GetBucketCORS), C(s3:PutBucketCORS), and C(s3:CreateBucket) to make it), which the server's own
    key should not have.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
requirements:
  - minio >= 7.2 (Python package) on the host where the module runs
options:
  endpoint:
    description:
      - URL of the store, with scheme and host, and the port if it is not the scheme's own, as in C(https://s3.eu-west-1.amazonaws.com).
    type: str
    required: true
  access_key:
    description:
      - Access key of somebody who may administer the bucket.
    type: str
    required: true
  secret_key:
    description:
      - Its secret key.
    type: str
    required: true
  region:
    description:
      - Region of the bucket.
    type: str
    default: us-east-1
  ca_path:
    description:
      - File of trusted certificates in PEM form on the host where the module runs. Without it and O(ca_content), the host's own are used.
    type: path
  ca_content:
    description:
      - Trusted certificates as PEM text.
    type: str
  timeout:
    description:
      - Seconds for one request.
    type: int
    default: 30
  name:
    description:
      - Name of the bucket.
    type: str
    required: true
  create:
    description:
      - Whether a bucket that is not there is made. Otherwise that is an error.
    type: bool
    default: false
  cors_origins:
    description:
      - Origins whose pages may use presigned URLs, scheme and host as the browser shows them. Left alone if not given.
      - The rule is found again by its name V(wandb-onprem), and stands before all others, because the first that fits a request decides.
    type: list
    elements: str
  cors_methods:
    description:
      - Methods that they may use.
    type: list
    elements: str
    default: [GET, HEAD, PUT]
  cors_headers:
    description:
      - Headers that they may send.
    type: list
    elements: str
    default: ["*"]
  cors_expose_headers:
    description:
      - Headers of an answer that their scripts may read.
    type: list
    elements: str
    default: [ETag]
  cors_max_age:
    description:
      - Seconds that a browser may remember the answer to its preflight.
    type: int
    default: 3000
'''

EXAMPLES = r'''
- name: Let W&B's pages use the bucket on AWS
  wandb.onprem.s3_bucket:
    endpoint: https://s3.eu-west-1.amazonaws.com
    region: eu-west-1
    access_key: "{{ vault_bucket_admin_access_key }}"
    secret_key: "{{ vault_bucket_admin_secret_key }}"
    name: wandb-files
    create: true
    cors_origins: ["https://wandb.example.com"]
'''

RETURN = r'''
bucket:
  description: The bucket after the run (in check mode, as it would be).
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: wandb-files
    cors:
      description: All its CORS rules in the order in which they count, each with C(name), C(origins), C(methods), C(headers), C(expose) and C(max_age).
      returned: when O(cors_origins) is given
      type: list
      elements: dict
      sample:
        - {"name": "wandb-onprem", "origins": ["https://wandb.example.com"], "methods": ["GET", "HEAD", "PUT"], "headers": ["*"], "expose": ["ETag"],
           "max_age": 3000}
'''

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.wandb.onprem.plugins.module_utils import minio, s3_bucket


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'endpoint': {'type': 'str', 'required': True},
            'access_key': {'type': 'str', 'required': True, 'no_log': False},
            'secret_key': {'type': 'str', 'required': True, 'no_log': True},
            'region': {'type': 'str', 'default': 'us-east-1'},
            'ca_path': {'type': 'path'},
            'ca_content': {'type': 'str'},
            'timeout': {'type': 'int', 'default': 30},
            'name': {'type': 'str', 'required': True},
            'create': {'type': 'bool', 'default': False},
            'cors_origins': {'type': 'list', 'elements': 'str'},
            'cors_methods': {'type': 'list', 'elements': 'str', 'default': ['GET', 'HEAD', 'PUT']},
            'cors_headers': {'type': 'list', 'elements': 'str', 'default': ['*']},
            'cors_expose_headers': {'type': 'list', 'elements': 'str', 'default': ['ETag']},
            'cors_max_age': {'type': 'int', 'default': 3000},
        },
        mutually_exclusive=[('ca_path', 'ca_content')],
        supports_check_mode=True,
    )
    if minio.MINIO_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib('minio'), exception=minio.MINIO_IMPORT_ERROR)
    params = module.params
    if params['cors_max_age'] < 0:
        module.fail_json(msg=f"cors_max_age is {params['cors_max_age']}: it must not be negative")
    ours = s3_bucket.Rule.of(
        s3_bucket.RULE, params['cors_max_age'], origins=params['cors_origins'], methods=params['cors_methods'], headers=params['cors_headers'],
        expose=params['cors_expose_headers']) if params['cors_origins'] else None
    connection = minio.Connection(**{key: params[key] for key in ('endpoint', 'access_key', 'secret_key', 'region', 'ca_path', 'ca_content', 'timeout')})
    try:
        pool = minio.http_pool(connection)
        service = s3_bucket.BucketService(minio.s3_client(connection, pool), s3_bucket.CorsRules(connection, pool), module.check_mode)
        change = service.ensure(params['name'], params['create'], ours)
    except (minio.MinioError, ValueError, OSError) as error:
        module.fail_json(msg=f"{params['endpoint']}: {error}")
    except minio.failures() as error:
        module.fail_json(msg=minio.explain(error, params['endpoint'], ('access_key', 'secret_key')))
    module.exit_json(changed=change.changed, bucket=change.after or {}, diff={'before': change.before or {}, 'after': change.after or {}})


if __name__ == '__main__':
    main()
