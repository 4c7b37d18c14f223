# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the API host and for what the pods may be and do in the cluster. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site, Values, whole

CONTEXT, INGRESS = 'wandb_server_security_context', 'wandb_server_ingress_enabled'
# What takes the place of an Ingress, unless that is asked for.
INSTEAD = ('wandb_route_termination', 'wandb_node_ports')
_ENFORCE = 'pod-security.kubernetes.io/enforce'
# They want a ClusterRole, which a confined operator may not make.
_CLUSTER_WIDE = ('otel', 'prometheus')


@rule(
    'one-api-host', 'wandb_kube',
    why='It is the place from which the Kubernetes API is spoken to.',
    mend='leave one host in the group, or none for the controller',
)
def one_api_host(site: Site) -> t.Iterator[Found]:
    """Group wandb_kube has at most one host."""
    if len(site.members('wandb_kube')) > 1:
        yield Found('wandb_kube', f'has {len(site.members("wandb_kube"))} hosts')


@rule(
    'kubeconfig', 'wandb_kubeconfig',
    why='Without it nothing of the cluster can be reached.',
    mend='give the path of a kubeconfig, or put the host that has it in group wandb_kube',
)
def kubeconfig(site: Site) -> t.Iterator[Found]:
    """The kubeconfig is a file on the controller, where the controller speaks to the cluster. (On another host it is looked at later.)"""
    path = site.text('wandb_kubeconfig')
    if site.api_host_is_controller and not site.controller.is_file(path):
        yield Found('wandb_kubeconfig', f'{path or "empty"}: no such file on the controller')


@rule(
    'helm', 'wandb_helm_binary',
    why='The operator is made as a Helm release.',
    mend='install Helm 3 or 4 there, or give its path',
)
def helm(site: Site) -> t.Iterator[Found]:
    """The helm program is on the controller, where the controller speaks to the cluster."""
    name = site.text('wandb_helm_binary')
    if site.api_host_is_controller and not (name and site.controller.has_program(name)):
        yield Found('wandb_helm_binary', f'{name or "empty"}: no such program on the controller')


def _preset(site: Site) -> str:
    return str(site.mapping(CONTEXT).get('preset') or 'restricted')


def _contexts(site: Site) -> t.Iterator[tuple[str, str, Values]]:
    """(variable, place, security context) of everything that has one of its own."""
    for name, component in sorted(site.mapping('wandb_server_components').items()):
        for key in ('pod_security_context', 'security_context'):
            context = component.get(key) if isinstance(component, t.Mapping) else None
            if isinstance(context, t.Mapping):
                yield 'wandb_server_components', f'{name}.{key}.', context
    for variable in ('wandb_operator_pod_security_context', 'wandb_operator_security_context'):
        yield variable, '', site.mapping(variable)


@rule(
    'root-user', CONTEXT, 'wandb_server_components', 'wandb_operator_pod_security_context', 'wandb_operator_security_context',
    why='Neither PodSecurity restricted nor OpenShift admits root.',
    mend='leave it out, or take the uid of the image (999) or of the namespace\'s range',
)
def root_user(site: Site) -> t.Iterator[Found]:
    """No pod runs as user 0."""
    if whole(site.mapping(CONTEXT).get('run_as_user')) == 0:
        yield Found(CONTEXT, 'run_as_user is 0')
    for variable, place, context in _contexts(site):
        if whole(context.get('runAsUser')) == 0 or context.get('runAsNonRoot') is False:
            yield Found(variable, f'{place}runAsUser is 0, or runAsNonRoot is false')


@rule(
    'group-zero', 'wandb_server_components',
    why="W&B's images give their files to group 0, so that any user id can write them (also OpenShift's).",
    mend='write runAsGroup: 0, or leave it out',
)
def group_zero(site: Site) -> t.Iterator[Found]:
    """The server's pods run with group 0."""
    for variable, place, context in _contexts(site):
        group = whole(context.get('runAsGroup'))
        if variable == 'wandb_server_components' and group not in (None, 0):
            yield Found(variable, f'{place}runAsGroup is {group}')


@rule(
    'privileged', 'wandb_server_components', 'wandb_operator_security_context', 'wandb_operator_pod_security_context', 'wandb_platform_pod_security',
    why='The namespace enforces PodSecurity restricted, which refuses such pods.',
    mend='remove it, or set wandb_platform_pod_security to a weaker level',
)
def privileged(site: Site) -> t.Iterator[Found]:
    """No container asks for what PodSecurity restricted refuses, where the collection enforces it."""
    if site.text('wandb_platform_pod_security') != 'restricted':
        return
    for variable, place, context in _contexts(site):
        for key in ('privileged', 'allowPrivilegeEscalation'):
            if context.get(key) is True:
                yield Found(variable, f'{place}{key} is true')
        capabilities = context.get('capabilities')
        added = capabilities.get('add') if isinstance(capabilities, t.Mapping) else None
        if added and set(added) - {'NET_BIND_SERVICE'}:
            yield Found(variable, f'{place}capabilities.add holds {", ".join(sorted(str(one) for one in set(added) - {"NET_BIND_SERVICE"}))}')


@rule(
    'chart-context', CONTEXT, 'wandb_platform_pod_security',
    why="The chart's own security contexts drop no capabilities: every pod would be refused.",
    mend='take preset restricted (the default), or set wandb_platform_pod_security: baseline',
)
def chart_context(site: Site) -> t.Iterator[Found]:
    """The chart's own security contexts are not used where PodSecurity restricted is enforced."""
    if _preset(site) == 'chart' and site.text('wandb_platform_pod_security') == 'restricted':
        yield Found(CONTEXT, 'preset is chart, and wandb_platform_pod_security is restricted')


@rule(
    'otel', 'wandb_server_install', CONTEXT, 'wandb_platform_pod_security',
    why='Its DaemonSet mounts folders of the node and takes ports of it: neither PodSecurity restricted nor OpenShift\'s restricted-v2 admits that.',
    mend='remove otel from wandb_server_install, or loosen what is enforced: wandb_platform_pod_security: privileged',
)
def otel(site: Site) -> t.Iterator[Found]:
    """otel is not installed where its pods are refused: on OpenShift, or where the collection enforces a level."""
    if site.mapping('wandb_server_install').get('otel') is not True:
        return
    if _preset(site) == 'openshift':
        if not any(isinstance(one, t.Mapping) and one.get('scc') == 'privileged' for one in site.entries('wandb_platform_scc_bindings')):
            mend = 'remove otel: restricted-v2 does not admit it; or let its service account use the SCC privileged, by wandb_platform_scc_bindings'
            yield Found('wandb_server_install', 'otel is true with preset openshift', mend)
    elif site.text('wandb_platform_pod_security') in ('restricted', 'baseline'):
        yield Found('wandb_server_install', f'otel is true, and wandb_platform_pod_security is {site.text("wandb_platform_pod_security")}')


@rule(
    'openshift-levels', CONTEXT, 'wandb_platform_pod_security',
    warning=True,
    why='OpenShift sets the labels of Pod Security Admission itself, and sets them back.',
    mend='set wandb_platform_pod_security: ""',
)
def openshift_levels(site: Site) -> t.Iterator[Found]:
    """On OpenShift the level of the namespaces is left to the cluster."""
    if _preset(site) == 'openshift' and site.text('wandb_platform_pod_security'):
        yield Found('wandb_platform_pod_security', f'is {site.text("wandb_platform_pod_security")} with preset openshift')


@rule(
    'openshift-ids', CONTEXT,
    why='OpenShift gives each namespace a range of ids of its own, from 1000000000 on, and refuses others.',
    mend='leave the ids out: they are read from the namespace',
)
def openshift_ids(site: Site) -> t.Iterator[Found]:
    """Ids for OpenShift are of the kind that it gives."""
    for key in ('run_as_user', 'fs_group'):
        number = whole(site.mapping(CONTEXT).get(key))
        if _preset(site) == 'openshift' and number is not None and number < 1000000:
            yield Found(CONTEXT, f'{key} is {number}')


@rule(
    'isolation', 'wandb_operator_namespace_isolation', 'wandb_server_install',
    why='They need a ClusterRole, and an isolated operator may make none.',
    mend='remove it from wandb_server_install, or set wandb_operator_namespace_isolation: false',
)
def isolation(site: Site) -> t.Iterator[Found]:
    """With an isolated operator nothing is installed that needs a ClusterRole."""
    if site.flag('wandb_operator_namespace_isolation'):
        for name in _CLUSTER_WIDE:
            if site.mapping('wandb_server_install').get(name) is True:
                yield Found('wandb_server_install', f'{name} is true, and wandb_operator_namespace_isolation is, too')


@rule(
    'isolated-crds', 'wandb_operator_namespace_isolation', 'wandb_operator_apply_crds',
    warning=True,
    why='CRDs belong to the whole cluster: who may only write in namespaces cannot apply them.',
    mend='let somebody with rights in the whole cluster run it, or set wandb_operator_apply_crds: false and have them applied',
)
def isolated_crds(site: Site) -> t.Iterator[Found]:
    """With an isolated operator the CRDs are somebody's who has rights in the whole cluster."""
    if site.flag('wandb_operator_namespace_isolation') and site.value('wandb_operator_apply_crds') is not False:
        yield Found('wandb_operator_apply_crds', 'is true, and the operator is confined to its namespaces')


@rule(
    'namespace-labels', 'wandb_platform_namespace_labels', 'wandb_platform_pod_security',
    why='One would undo the other at every run.',
    mend='set wandb_platform_pod_security instead',
)
def namespace_labels(site: Site) -> t.Iterator[Found]:
    """Further labels of the namespaces do not set the level that wandb_platform_pod_security sets."""
    label = site.mapping('wandb_platform_namespace_labels').get(_ENFORCE)
    if label is not None and label != site.text('wandb_platform_pod_security'):
        yield Found('wandb_platform_namespace_labels', f'{_ENFORCE} is {label}')


def has_ingress(site: Site) -> bool:
    """Whether the chart makes an Ingress: as is said, else where nothing takes its place."""
    return site.flag(INGRESS) if site.value(INGRESS) is not None else not any(site.has(name) for name in INSTEAD)


@rule(
    'ingress-body', 'wandb_server_ingress_annotations', 'wandb_server_ingress_class',
    warning=True,
    why='ingress-nginx refuses bodies of more than 1 MiB unless told otherwise; the variable replaces the default as a whole.',
    mend='keep nginx.ingress.kubernetes.io/proxy-body-size: "0" among your annotations',
)
def ingress_body(site: Site) -> t.Iterator[Found]:
    """Annotations of your own for ingress-nginx keep the one that lifts the limit of bodies."""
    name = 'wandb_server_ingress_annotations'
    used = site.gives(name) and has_ingress(site) and 'nginx' in site.text('wandb_server_ingress_class')
    if used and str(site.mapping(name).get('nginx.ingress.kubernetes.io/proxy-body-size')) not in ('0', '0m'):
        yield Found(name, 'has no proxy-body-size: "0"')


@rule(
    'own-ingress-secret', 'wandb_platform_ingress_tls', 'wandb_server_ingress_tls_secret',
    warning=True,
    why='The role makes the Secret <wandb_name>-ingress-tls; the Ingress would use another one, which is yours to make and to renew.',
    mend='set wandb_platform_ingress_tls: false, or leave wandb_server_ingress_tls_secret at its default',
)
def own_ingress_secret(site: Site) -> t.Iterator[Found]:
    """The TLS Secret that is made is the one that is used."""
    secret = site.text('wandb_server_ingress_tls_secret')
    if site.value('wandb_platform_ingress_tls') is not False and secret and secret != f'{site.text("wandb_name")}-ingress-tls':
        yield Found('wandb_server_ingress_tls_secret', f'is {secret}, and the role makes another one')


@rule(
    'openshift-only', 'wandb_route_termination', 'wandb_platform_scc_bindings', 'wandb_platform_trusted_bundle', CONTEXT,
    why='Routes, SCCs and injected CA bundles are OpenShift\'s: no other cluster knows them.',
    mend='on OpenShift set wandb_server_security_context: {preset: openshift}; elsewhere remove it',
)
def openshift_only(site: Site) -> t.Iterator[Found]:
    """What only OpenShift has is asked for on OpenShift only."""
    given = {'wandb_route_termination': site.text('wandb_route_termination'), 'wandb_platform_scc_bindings': site.entries('wandb_platform_scc_bindings'),
             'wandb_platform_trusted_bundle': site.flag('wandb_platform_trusted_bundle')}
    if _preset(site) != 'openshift':
        for name, value in given.items():
            if value:
                yield Found(name, 'is set, and the preset of wandb_server_security_context is not openshift')


@rule(
    'route-and-ingress', 'wandb_route_termination', 'wandb_server_ingress_enabled',
    why='OpenShift makes a Route of the Ingress too: two for one name, of which the router serves the older one.',
    mend='leave wandb_server_ingress_enabled at its default, or remove wandb_route_termination',
)
def route_and_ingress(site: Site) -> t.Iterator[Found]:
    """The server has Routes or an Ingress, not both."""
    if site.text('wandb_route_termination') and site.value('wandb_server_ingress_enabled') is True:
        yield Found('wandb_server_ingress_enabled', 'is true, and wandb_route_termination asks for Routes')


@rule(
    'route-plain', 'wandb_route_termination',
    warning=True,
    why="W&B's pods speak plain HTTP: the router would begin a TLS that nobody answers, unless a mesh or a proxy of yours does.",
    mend='set wandb_route_termination: edge',
)
def route_plain(site: Site) -> t.Iterator[Found]:
    """The router ends TLS, for the pods do not."""
    if site.text('wandb_route_termination') in ('reencrypt', 'passthrough'):
        yield Found('wandb_route_termination', f'is {site.text("wandb_route_termination")}')


RULES = (
    one_api_host, kubeconfig, helm, root_user, group_zero, privileged, chart_context, otel, openshift_levels, openshift_ids, isolation, isolated_crds,
    namespace_labels, ingress_body, own_ingress_secret, openshift_only, route_and_ingress, route_plain,
)
