# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app at a port of a node, by the Service that role platform makes with `wandb_node_ports`, and as the proxies would ask it: by HTTP."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError, Request, send

PORT = 30080
NAME = 'wandb-app-node-port'
SERVICE = {
    'apiVersion': 'v1', 'kind': 'Service',
    'metadata': {'name': NAME, 'namespace': 'wandb', 'labels': {'app.kubernetes.io/part-of': 'wandb.onprem'}},
    'spec': {
        'type': 'NodePort', 'selector': {'app.kubernetes.io/name': 'app', 'app.kubernetes.io/instance': 'wandb'},
        'ports': [{'name': 'http', 'protocol': 'TCP', 'port': 8080, 'targetPort': 8080, 'nodePort': PORT}]},
}


def asked(site) -> int | str:
    """The status of the answer, or why there is none."""
    try:
        return send(Request(url=f'http://{site.address("kube-1")}:{PORT}/ready', timeout=5)).status
    except ProbeError as error:
        return str(error)


def until(site, wanted: int | None) -> None:
    """Until that status comes; None: until nothing answers."""
    end = time.monotonic() + 20
    while True:
        told = asked(site)
        if told == wanted or (wanted is None and isinstance(told, str)):
            return
        assert time.monotonic() < end, told
        time.sleep(0.5)


def remove(site) -> None:
    site.kubectl('-n', 'wandb', 'delete', 'service', NAME, '--ignore-not-found')


@pytest.fixture
def service(site):
    """It is there, and gone afterwards."""
    site.kubectl('apply', '-f', '-', data=json.dumps(SERVICE))
    yield
    remove(site)


def test_the_app_answers_at_the_port_while_there_is_the_service(site, service):
    until(site, 200)
    # Any of the pods may be asked, each time.
    assert {asked(site) for _ in range(10)} == {200}
    remove(site)
    until(site, None)


def test_nothing_answers_at_the_port_without_it(site):
    until(site, None)
