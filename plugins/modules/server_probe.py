#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: server_probe
short_description: Write a run through W&B Server, read it back and remove it, so that every link behind the server is proven
version_added: 0.1.0
description:
  - Asks C(/ready), sends a GraphQL body of 10 MB, and with an API key writes a run (MySQL), a file by presigned URLs (bucket) and a history line
    (Redis), reads each back and deletes the run; the operations are those of W&B's own SDK.
  - A broken link does not fail the module, so that all of them can be told at once; see RV(ok) and RV(checks).
  - The run is written into the project C(wandb-onprem-verify) of entity C(local).
author:
  - wandb.onprem maintainers (@wandb-onprem)
attributes:
  check_mode:
    support: none
    description: It writes a run, so it is skipped in check mode.
  diff_mode:
    support: N/A
    description: What it writes it removes.
  idempotent:
    support: full
    description: What it writes it removes, and it never reports a change.
options:
  url:
    description: URL that users type.
    type: str
    required: true
  api_key:
    description: API key of a user that may write. Without it only readiness is tried.
    type: str
  ca_content:
    description: PEM text of the CA; without it the system's.
    type: str
  resolve:
    description: Addresses to connect to instead of DNS, keyed by host name. TLS and the C(Host) header keep the name.
    type: dict
    default: {}
  timeout:
    description: Time for one request, seconds.
    type: float
    default: 60
'''

EXAMPLES = r'''
- name: Prove every link
  wandb.onprem.server_probe:
    url: https://wandb.example.com
    api_key: "{{ wandb_verify_api_key }}"
  register: wandb_example_probe
'''

RETURN = r'''
ok:
  description: Whether no check failed.
  returned: always
  type: bool
  sample: true
checks:
  description: What was tried.
  returned: always
  type: list
  elements: dict
  contains:
    link:
      description: Link that was tried, or the one that broke - V(server), V(proxy), V(mysql), V(bucket) or V(redis).
      type: str
      sample: mysql
    what:
      description: What was tried.
      type: str
      sample: a run is written and read back
    ok:
      description: Whether it worked; none where an earlier failure left no way to try.
      type: bool
      sample: true
    error:
      description: Why it did not.
      type: str
      sample: ""
'''

import typing as t
import urllib.parse
import uuid

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError, Request, send
from ansible_collections.wandb.onprem.plugins.module_utils.round_trip import Answer, LinkError, RoundTrip

# The longest answer that is read: a run with its file's URLs.
CONTENT_LIMIT = 65536


def transport(params: dict[str, t.Any]) -> t.Callable[..., Answer]:
    """How requests travel: verified TLS, to the given address where there is one."""

    def request(method: str, url: str, *, headers: t.Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
        try:
            response = send(Request(
                url=url,
                method=method,
                headers=headers or {},
                body=body,
                timeout=params['timeout'],
                resolve=params['resolve'].get(urllib.parse.urlsplit(url).hostname),
                ca_content=params['ca_content'],
                content_limit=CONTENT_LIMIT,
            ))
        except ProbeError as error:
            raise LinkError('', str(error)) from error
        return Answer(response.status, response.content.encode(), response.headers)

    return request


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'url': {'type': 'str', 'required': True},
            'api_key': {'type': 'str', 'no_log': True},
            'ca_content': {'type': 'str'},
            'resolve': {'type': 'dict', 'default': {}},
            'timeout': {'type': 'float', 'default': 60},
        },
        supports_check_mode=False,
    )
    checks = RoundTrip(transport(module.params), module.params['url'], module.params['api_key'] or '', f'verify-{uuid.uuid4().hex[:12]}').run()
    module.exit_json(changed=False, ok=all(check.ok for check in checks), checks=[check.as_dict() for check in checks])


if __name__ == '__main__':
    main()
