#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: http_probe
short_description: Make one HTTP request as a client would, and name the link that fails
version_added: 0.1.0
description:
  - Sends one request, with TLS always verified, and compares the answer with what is expected.
  - A failure is named by its kind (RV(failure)) and comes with a mend. With O(retries) the module waits until the answer is right.
  - Redirects are not followed, and proxies of the environment are not used.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
options:
  url:
    description:
      - URL, V(http://) or V(https://).
    type: str
    required: true
  method:
    description:
      - Method of the request.
    type: str
    default: GET
  headers:
    description:
      - Headers of the request.
    type: dict
    default: {}
  secret_headers:
    description:
      - Headers whose values are secrets, such as C(Authorization); hidden in output.
    type: dict
    default: {}
  body:
    description:
      - Body of the request.
    type: str
  body_size:
    description:
      - Size in bytes of a generated body, in place of O(body). It is never held in memory.
    type: int
  resolve:
    description:
      - Address to connect to in place of what DNS says. The name in TLS and in C(Host) stays that of the URL.
    type: str
  ca_path:
    description:
      - File of trusted certificates in PEM form on the host that probes. Without it and O(ca_content), the host's own are used.
    type: path
  ca_content:
    description:
      - Trusted certificates as PEM text.
    type: str
  timeout:
    description:
      - Seconds for one whole exchange.
    type: float
    default: 10
  expect_status:
    description:
      - Statuses that are right; an empty list takes any.
    type: list
    elements: int
    default: [200]
  expect_body:
    description:
      - Regular expression that must be found in the beginning (O(content_limit)) of the answer's body.
    type: str
  expect_headers:
    description:
      - Names of headers that the answer must have, each with a regular expression that must be found in its value.
    type: dict
    default: {}
  retries:
    description:
      - How often a failed probe is tried again.
    type: int
    default: 0
  delay:
    description:
      - Seconds between tries.
    type: float
    default: 1
  content_limit:
    description:
      - Number of bytes of the answer's body that are kept.
    type: int
    default: 4096
'''

EXAMPLES = r'''
- name: Wait until the server is ready, as seen through one of the proxies
  wandb.onprem.http_probe:
    url: https://wandb.example.com/ready
    resolve: 10.0.0.4
    ca_path: /etc/wandb/pki/ca.crt
    retries: 30
    delay: 2

- name: Send 12 MB through all proxies
  wandb.onprem.http_probe:
    url: https://wandb.example.com/graphql
    method: POST
    body_size: 12000000
    timeout: 60
    expect_status: [200, 400]
'''

RETURN = r'''
status:
  description: Status of the answer.
  returned: success
  type: int
  sample: 200
headers:
  description: Headers of the answer, names in lower case; repeated ones joined by commas.
  returned: success
  type: dict
  sample: {"content-type": "text/plain"}
content:
  description: Beginning of the body.
  returned: success
  type: str
  sample: ok
tls:
  description: The verified TLS connection; empty for V(http://).
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
      sample: commonName=wandb.example.com
    issuer:
      description: Its issuer.
      type: str
      sample: commonName=Example CA
    not_after:
      description: Its end.
      type: str
      sample: "2027-01-31T12:00:00Z"
    sans:
      description: Its names and addresses.
      type: list
      elements: str
      sample: ["DNS:wandb.example.com"]
elapsed:
  description: Seconds that the last exchange took.
  returned: success
  type: float
  sample: 0.034
attempts:
  description: Number of requests made.
  returned: success
  type: int
  sample: 1
failure:
  description:
    - Kind of the failure, V(dns), V(connect), V(tls), V(timeout), V(protocol) (no HTTP came back), V(status), V(headers) or V(body).
  returned: failure
  type: str
  sample: tls
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.probes import Expectation, ProbeError, Request, probe, valid_url


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'url': {'type': 'str', 'required': True},
            'method': {'type': 'str', 'default': 'GET'},
            'headers': {'type': 'dict', 'default': {}},
            'secret_headers': {'type': 'dict', 'default': {}, 'no_log': True},
            'body': {'type': 'str'},
            'body_size': {'type': 'int'},
            'resolve': {'type': 'str'},
            'ca_path': {'type': 'path'},
            'ca_content': {'type': 'str'},
            'timeout': {'type': 'float', 'default': 10},
            'expect_status': {'type': 'list', 'elements': 'int', 'default': [200]},
            'expect_body': {'type': 'str'},
            'expect_headers': {'type': 'dict', 'default': {}},
            'retries': {'type': 'int', 'default': 0},
            'delay': {'type': 'float', 'default': 1},
            'content_limit': {'type': 'int', 'default': 4096},
        },
        mutually_exclusive=[('body', 'body_size'), ('ca_path', 'ca_content')],
        supports_check_mode=True,
    )
    params = module.params
    if not valid_url(params['url']):
        module.fail_json(msg='url must be http:// or https:// and a host')
    if params['retries'] < 0 or params['timeout'] <= 0 or params['delay'] < 0 or (params['body_size'] or 0) < 0:
        module.fail_json(msg='retries, delay and body_size must not be negative, and timeout must be more than 0')
    request = Request(
        url=params['url'],
        method=params['method'],
        headers={name: str(value) for name, value in {**params['headers'], **params['secret_headers']}.items()},
        body=None if params['body'] is None else params['body'].encode(),
        body_size=params['body_size'],
        timeout=params['timeout'],
        resolve=params['resolve'],
        ca_path=params['ca_path'],
        ca_content=params['ca_content'],
        content_limit=params['content_limit'],
    )
    expected = Expectation(params['expect_status'], params['expect_body'], {name: str(value) for name, value in params['expect_headers'].items()})
    try:
        response, attempts = probe(request, expected, retries=params['retries'], delay=params['delay'])
    except ProbeError as error:
        module.fail_json(msg=str(error), failure=error.kind)
    module.exit_json(
        changed=False,
        status=response.status,
        headers=response.headers,
        content=response.content,
        tls=response.tls,
        elapsed=response.elapsed,
        attempts=attempts,
    )


if __name__ == '__main__':
    main()
