# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for what is in the cluster already, what the user may do there, and the images. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.demand import active, server_options
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.cluster import has_ingress
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import CLUSTER, IMAGES, Facts, seen_rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

CLASS, STORAGE, NAMESPACE = 'wandb_server_ingress_class', 'wandb_server_storage_class', 'wandb_namespace'
ANNOTATIONS, SECURITY = 'wandb_server_ingress_annotations', 'wandb_platform_pod_security'
# Family of ingress controllers -> how annotations that it understands begin.
_PREFIXES = {
    'ingress-nginx': 'nginx.ingress.kubernetes.io/', 'nginx-inc': 'nginx.org/', 'traefik': 'traefik.ingress.kubernetes.io/', 'haproxy': 'haproxy',
    'contour': 'projectcontour.io/', 'openshift': 'haproxy.router.openshift.io/',
}
# Components that keep data in a volume -> whether the server can do without.
_VOLUMES = {'redis': False, 'mysql': False, 'prometheus': True}
_LEVELS = ('privileged', 'baseline', 'restricted')


def _space(site: Site, seen: Facts, variable: str = NAMESPACE) -> Facts:
    return (seen.get('namespaces') or {}).get(site.text(variable)) or {}


@seen_rule(
    'ingress-class', CLUSTER, CLASS,
    why='An Ingress of no class, or of one that nobody serves, is passed over in silence.',
    mend='set wandb_server_ingress_class to one of the cluster, or install an ingress controller',
)
def ingress_class(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The Ingress is of a class that the cluster has. (Without any name, a default class is warned to be missing: some controllers serve all.)"""
    classes = seen.get('ingress_classes')
    if classes is None or not has_ingress(site):
        return
    names, wanted = [one['name'] for one in classes], site.text(CLASS)
    if wanted and wanted not in names:
        yield Found(CLASS, f'the cluster has no class {wanted}, but {", ".join(names) or "none"}')
    elif not wanted and not any(one['default'] for one in classes) and not seen.get('openshift'):
        yield Found(CLASS, f'is empty, and no class of the cluster is the default: {", ".join(names) or "there is none"}', warning=True)


@seen_rule(
    'ingress-family', CLUSTER, ANNOTATIONS, CLASS,
    warning=True,
    why='Limits on bodies and time-outs are annotations, and each controller knows its own: uploads of more than a megabyte may be refused.',
    mend='set wandb_server_ingress_annotations to what the controller understands',
)
def ingress_family(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The Ingress has annotations that its controller understands."""
    wanted = site.text(CLASS)
    used = [one for one in seen.get('ingress_classes') or () if (one['name'] == wanted if wanted else one['default'])]
    names = list(site.mapping(ANNOTATIONS))
    for one in used if has_ingress(site) and names else ():
        prefix = _PREFIXES.get(one['family'])
        if not any(str(name).startswith(prefix) for name in names if prefix):
            told = f'none of the annotations begins with {prefix}' if prefix else 'the collection does not know its annotations'
            yield Found(ANNOTATIONS, f'class {one["name"]} is of {one["controller"] or "an unknown controller"}: {told}')


@seen_rule(
    'storage-class', CLUSTER, STORAGE, 'wandb_redis_bundled',
    why='A volume that nobody makes keeps its pod Pending.',
    mend='set wandb_server_storage_class to one of the cluster, or make one the default',
)
def storage_class(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Volumes are of a storage class that the cluster has. (Without one Prometheus alone waits, which is warned of.)"""
    classes = seen.get('storage_classes')
    if classes is None:
        return
    names, wanted = [one['name'] for one in classes], site.text(STORAGE)
    if wanted and wanted not in names:
        yield Found(STORAGE, f'the cluster has no class {wanted}, but {", ".join(names) or "none"}')
        return
    needing = [name for name in active(server_options(site)) if name in _VOLUMES]
    if needing and not wanted and not any(one['default'] for one in classes):
        told = f'is empty, and no class of the cluster is the default ({", ".join(names) or "there is none"}); {", ".join(needing)} want(s) a volume'
        yield Found(STORAGE, told, warning=all(_VOLUMES[name] for name in needing))


@seen_rule(
    'crd', CLUSTER, 'wandb_operator_chart_version',
    why='The collection knows apps.wandb.com/v1; objects of another version are another product (W&B operator 2).',
    mend='use a cluster without it, or follow the guide of that version',
)
def crd(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """W&B's CRD is not there, or is v1."""
    found = seen.get('crd') or {}
    if not found.get('exists'):
        return
    others = sorted({one for one in [found['storage'], *found['stored_versions']] if one and one != 'v1'})
    if others or 'v1' not in found['served']:
        stored, served = ', '.join(others) or found['storage'], ', '.join(found['served']) or 'nothing'
        yield Found('wandb_operator_chart_version', f'the CRD stores {stored} and serves {served}')


@seen_rule(
    'other-servers', CLUSTER, 'wandb_name', NAMESPACE,
    why='Objects of the whole cluster (ClusterRoleBindings) are called after the custom resource: two of one name take them from each other. And an '
        'operator that is not confined looks after all of them.',
    mend='correct wandb_namespace if the server is in that one; else choose another wandb_name',
)
def other_servers(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """No other W&B Server of the cluster has the same name. (One of another name is warned of.)"""
    name, space = site.text('wandb_name'), site.text(NAMESPACE)
    for one in seen.get('custom_resources') or ():
        if (one['namespace'], one['name']) != (space, name):
            yield Found('wandb_name', f'there is a W&B Server {one["namespace"]}/{one["name"]} ({one["host"] or "no host"})', warning=one['name'] != name)


@seen_rule(
    'namespace-ends', CLUSTER, NAMESPACE, 'wandb_operator_namespace',
    why='Nothing can be made in a namespace that is being deleted.',
    mend='wait until it is gone; what keeps it is told by kubectl get namespace -o yaml',
)
def namespace_ends(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The namespaces are not being deleted."""
    for variable in (NAMESPACE, 'wandb_operator_namespace'):
        if _space(site, seen, variable).get('terminating'):
            yield Found(variable, 'is being deleted')


@seen_rule(
    'pod-security', CLUSTER, SECURITY, 'wandb_server_security_context', 'wandb_server_install',
    why='Pods that do not pass the level are refused, and Deployments wait in silence.',
    mend='take preset restricted (the default) and leave otel out, or let the namespace enforce less',
)
def pod_security(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """What the namespace enforces already admits the server's pods. (Where the collection sets the level, that counts.)"""
    level = str((_space(site, seen).get('pod_security') or {}).get('enforce') or '')
    if site.text(SECURITY) or level not in _LEVELS[1:]:
        return
    given = server_options(site)
    preset = str((given.get('security_context') or {}).get('preset') or 'restricted')
    if preset == 'chart' and level == 'restricted':
        yield Found('wandb_server_security_context', f'preset is chart, and namespace {site.text(NAMESPACE)} enforces {level}')
    if 'otel' in active(given):
        yield Found('wandb_server_install', f'otel is installed, and namespace {site.text(NAMESPACE)} enforces {level}')


@seen_rule(
    'openshift', CLUSTER, 'wandb_server_security_context',
    why='OpenShift gives each namespace its own range of user ids, and refuses pods with others.',
    mend='set wandb_server_security_context: {preset: openshift}',
)
def is_openshift(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """On OpenShift the server is made for it, and elsewhere it is not."""
    preset = site.mapping('wandb_server_security_context').get('preset')
    if seen.get('openshift') and preset != 'openshift':
        yield Found('wandb_server_security_context', f'the cluster is OpenShift {seen.get("openshift_version") or ""}'.rstrip())
    elif seen.get('openshift') is False and preset == 'openshift':
        yield Found('wandb_server_security_context', 'preset is openshift, and the cluster is not OpenShift', 'remove preset')


@seen_rule(
    'permissions', CLUSTER, 'wandb_kubeconfig',
    why='The run would stop in its middle. (Asked of the API server itself, by access reviews.)',
    mend='give the user of the kubeconfig these rights, or let somebody who has them run it',
)
def permissions(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The user of the kubeconfig may do all that the collection does."""
    if seen.get('lacking'):
        yield Found('wandb_kubeconfig', f'its user may not {"; ".join(seen["lacking"])}')


@seen_rule(
    'image-there', IMAGES, 'wandb_server_repository_prefix', 'wandb_server_image_registry', 'wandb_operator_image_repository', 'wandb_server_components',
    'wandb_preflight_images',
    why='A pod without its image never starts, and the old one is gone by then.',
    mend='bring the image into the registry (playbook airgap_load), or correct its name',
)
def images(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Every image is in the registry that its name says. (Its manifest is asked for from the API host; nothing is pulled. Without an air gap it
    is warned of.)"""
    warning = not site.flag('wandb_airgapped')
    if seen.get('error'):
        mend = 'correct the address, or let the API host reach it'
        yield Found('wandb_server_repository_prefix', f'the registry cannot be asked: {seen["error"]}', mend, warning=warning)
    for one in seen.get('images') or ():
        if one['found']:
            continue
        yield Found(_image_variable(site, one['image']), f'{one["image"]}: {one["error"]}', _image_mend(one['status']), warning=warning)


def _image_variable(site: Site, image: str) -> str:
    if image in site.entries('wandb_preflight_images'):
        return 'wandb_preflight_images'
    operator = site.text('wandb_operator_image_repository')
    return 'wandb_operator_image_repository' if image.startswith((f'{operator}:', f'{operator}@')) else 'wandb_server_repository_prefix'


def _image_mend(status: t.Any) -> str:
    if status in (401, 403):
        return 'give wandb_preflight_registry_user and wandb_preflight_registry_password, of a user that may pull it'
    return '' if status == 404 else 'let the API host reach the registry, and give wandb_preflight_registry_ca if its certificate is of a CA of yours'


RULES = (
    ingress_class, ingress_family, storage_class, crd, other_servers, namespace_ends, pod_security, is_openshift, permissions, images,
)
