# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The converged lab as a client sees it: from the controller, which is none of its hosts, with real clients and the site's CA."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import uuid

import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.probes import Request, send
from ansible_collections.wandb.onprem.plugins.module_utils.round_trip import FILES, UPSERT, Answer

from lab.state import Lab, lab_name

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Molecule asks for colours, which stand between what is looked for in the output.
PLAIN = {'ANSIBLE_FORCE_COLOR': 'false', 'ANSIBLE_NOCOLOR': 'true'}
HOST = 'wandb.lab.test'
STORE = 's3.lab.test'


class Site:
    """Addresses, secrets and the ways to reach the site of the standing lab."""

    def __init__(self) -> None:
        self.lab = Lab.load(lab_name(os.environ))
        self.ca = self.lab.state_dir / 'pki' / 'ca.crt'
        self.inventory = ['-i', str(ROOT / 'inventories' / 'lab'), '-i', str(self.lab.state_dir / 'inventory')]
        vault = self.lab.state_dir / 'inventory' / 'group_vars' / 'all' / 'secrets.yml'
        shown = subprocess.run(['ansible-vault', 'view', str(vault)], check=True, capture_output=True, text=True)
        self.secrets: dict[str, str] = yaml.safe_load(shown.stdout)

    def address(self, host: str) -> str:
        return self.lab.address(host)

    @property
    def mysql_address(self) -> str:
        """The address that follows the primary (inventories/lab)."""
        return f'{self.lab.network}.20'

    @property
    def redis_address(self) -> str:
        """The address that follows the master (inventories/lab)."""
        return f'{self.lab.network}.30'

    @property
    def proxy_address(self) -> str:
        """The address that the public names lead to (inventories/lab)."""
        return self.lab.public_address

    def request(self, method: str, url: str, *, headers=None, body=None, via='') -> Answer:
        """One request through the proxies' address, or through one of them; the certificate is verified against the site's CA."""
        address = self.address(via) if via else self.proxy_address
        answer = send(Request(url=url, method=method, headers=headers or {}, body=body, timeout=60, resolve=address, ca_path=str(self.ca)))
        return Answer(answer.status, answer.content.encode(), answer.headers)

    def credentials(self) -> dict[str, str]:
        """Headers of a user that may write."""
        token = base64.b64encode(f'api:{self.secrets["wandb_verify_api_key"]}'.encode()).decode()
        return {'Authorization': f'Basic {token}', 'Content-Type': 'application/json', 'Origin': f'https://{HOST}'}

    def graphql(self, query: str, variables: dict) -> dict:
        """A GraphQL operation with the verify key."""
        body = json.dumps({'query': query, 'variables': variables}).encode()
        answer = self.request('POST', f'https://{HOST}/graphql', headers=self.credentials(), body=body)
        assert answer.status == 200, answer.body
        document = json.loads(answer.body)
        assert not document.get('errors'), document
        return document['data']

    def playbook(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        """A playbook of the collection on the lab, its output kept."""
        command = ['ansible-playbook', *self.inventory, name, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=900,
                              env={**os.environ, **PLAIN})

    def kubectl(self, *arguments: str, data: str | None = None) -> str:
        """kubectl on the lab's cluster."""
        command = ['kubectl', '--kubeconfig', str(self.lab.state_dir / 'kubeconfig'), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=data).stdout

    def make_run(self) -> str:
        """A run with a file and a history line, made through the server; its name."""
        name = f'outside-{uuid.uuid4().hex[:8]}'
        self.graphql(UPSERT, {'entity': 'local', 'project': 'outside', 'name': name, 'displayName': name})
        made = self.graphql(FILES, {'entity': 'local', 'project': 'outside', 'run': name, 'files': ['a.txt']})
        assert self.request('PUT', made['createRunFiles']['files'][0]['uploadUrl'], body=name.encode()).status == 200
        body = json.dumps({'files': {'wandb-history.jsonl': {'offset': 0, 'content': ['{"_step": 0}']}}}).encode()
        answer = self.request('POST', f'https://{HOST}/files/local/outside/{name}/file_stream', headers=self.credentials(), body=body)
        assert answer.status == 200, answer.body
        return name
