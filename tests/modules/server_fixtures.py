# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of wandb_server, for the session: a namespace that the runtime plays, an operator, the inputs.

A test file takes them by `pytest_plugins = ['server_fixtures']`.
The operator is the site's, where one runs (two at one custom resource get into each other's way), else one of these tests:
the lab's stand-in both times.
"""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import NAMESPACES
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from harness import lab_dir, lab_vars, run_module
from server_lab import (
    ANSWERS,
    LICENSE,
    OPERATOR,
    OWN_OPERATOR,
    SECRET_WORD,
    SERVER,
    TAG,
    app_row,
    chart_archive,
    config_map,
    image_rows,
    namespace,
    run,
    secret,
    site_operator,
    until,
)


@pytest.fixture(scope='session')
def service():
    kubeconfig = lab_dir() / 'kubeconfig'
    if not kubeconfig.exists():
        pytest.skip('the lab has no API server')
    return Service(client_from({'kubeconfig': str(kubeconfig)}, dry_run=False))


@pytest.fixture(scope='session')
def app_image():
    with image_rows({f'wandb/local:{TAG}': app_row(ANSWERS)}):
        yield


@pytest.fixture(scope='session')
def operator(service):
    """Namespace of the operator."""
    found = site_operator(service)
    OPERATOR[0] = found or OWN_OPERATOR
    if found:
        yield found
        return
    service.apply(namespace(OWN_OPERATOR))
    service.apply(config_map(OWN_OPERATOR, 'wandb-charts', {'operator-wandb': chart_archive()}))
    options = {
        'kubeconfig': str(lab_dir() / 'kubeconfig'), 'helm_binary': lab_vars('kube-1')['lab_helm'], 'name': 'op', 'namespace': OWN_OPERATOR, 'airgapped': True,
        'chart': str(next((lab_dir() / 'charts').glob('operator-1*.tgz'))), 'image_tag': '1.22.0', 'namespace_isolation': True,
        'additional_namespaces': [SERVER], 'extra_values': {'nameOverride': 'test-server'}, 'wait_timeout': 100,
    }  # fmt: skip
    service.apply(namespace(SERVER))
    installed = run_module('wandb.onprem.wandb_operator', options)
    assert not installed['failed'], installed.get('msg')
    yield OWN_OPERATOR
    service.delete(NAMESPACES, None, OWN_OPERATOR)
    until(lambda: service.get(NAMESPACES, None, OWN_OPERATOR) is None, 'the end of the namespace')


@pytest.fixture(scope='session')
def server(service, operator, app_image):
    """Namespace and inputs; gone afterwards, the custom resource first."""
    for document in (
        namespace(SERVER),
        secret('license-in', license=LICENSE),
        secret('mysql-in', MYSQL_PASSWORD=SECRET_WORD),
        secret('redis-in', REDIS_PASSWORD=SECRET_WORD),
        secret('bucket-in', ACCESS_KEY='a', SECRET_KEY=SECRET_WORD),
        config_map(SERVER, 'custom-ca', {'ca.crt': 'not looked into'}),
    ):
        service.apply(document)
    # Of a run that was cut off.
    run(state='absent')
    yield service
    run(state='absent')
    service.delete(NAMESPACES, None, SERVER)
    until(lambda: service.get(NAMESPACES, None, SERVER) is None, 'the end of the namespace')
