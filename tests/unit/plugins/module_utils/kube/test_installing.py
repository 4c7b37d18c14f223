# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked before an installation."""

from __future__ import annotations

import json

from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.installing import lacking_to_install, to_install
from fake_server import FakeServer

REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'


class Reviewer(FakeServer):
    """Denies what ``denies`` says."""

    def __init__(self, denies):
        super().__init__()
        self.denies = denies
        self.asked = []

    def send(self, method, path, query, content_type, body):
        given = json.loads(body)['spec']['resourceAttributes']
        self.asked.append(given)
        self.answers['POST', REVIEWS] = (201, {'status': {'allowed': not self.denies(given)}})
        return super().send(method, path, query, content_type, body)


def names(wanted):
    return [str(one) for one in wanted]


def test_everything_from_namespace_to_custom_resource():
    wanted = names(to_install('w', 'o'))
    for right in ('create namespaces', 'create secrets in namespace w', 'patch configmaps in namespace o', 'create clusterroles',
                  'patch customresourcedefinitions', 'create deployments in namespace o',
                  'create weightsandbiases in namespace w', 'get pods/log in namespace o'):
        assert right in wanted
    assert len(wanted) == len(set(wanted))


def test_a_confined_operator_needs_no_right_in_the_whole_cluster_but_namespaces():
    wanted = to_install('w', 'o', isolated=True, crds=False)
    assert {one.resource for one in wanted if not one.namespace} == {'namespaces'}
    assert {'create roles in namespace w', 'create roles in namespace o'} <= set(names(wanted))


def test_what_no_option_asks_for_any_more_is_looked_for():
    assert {'list services in namespace w', 'list rolebindings in namespace w'} <= set(names(to_install('w', 'o')))


def test_node_ports_are_services_of_the_collections_own():
    assert [one for one in names(to_install('w', 'o')) if ' services ' in one] == ['list services in namespace w']
    assert {f'{verb} services in namespace w' for verb in ('get', 'list', 'create', 'patch', 'delete')} <= set(names(to_install('w', 'o', node_ports=True)))


def test_routes_and_bindings_to_sccs_are_asked_for_where_they_are_wanted():
    without, having = (set(names(to_install('w', 'o', **options))) for options in ({}, {'routes': True, 'role_bindings': True}))
    assert not [one for one in without if 'routes' in one]
    assert {'create routes in namespace w', 'delete routes in namespace w', 'create routes/custom-host in namespace w'} <= having
    assert {'create rolebindings in namespace w', 'delete rolebindings in namespace w'} <= having - without


def test_who_may_do_everything_is_asked_once():
    server = Reviewer(lambda given: False)
    assert lacking_to_install(Client(server), to_install('w', 'o')) == []
    assert [(one['verb'], one['group'], one['resource']) for one in server.asked] == [('*', '*', '*')]


def test_others_are_asked_for_each():
    server = Reviewer(lambda given: given['resource'] in ('*', 'secrets'))
    wanted = to_install('w', 'o')
    found = names(lacking_to_install(Client(server), wanted))
    assert set(found) == {one for one in names(wanted) if ' secrets ' in one}
    assert found
    assert len(server.asked) == 1 + len(wanted)
