# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for charts and their versions, and for what an air gap leaves out of reach. Pure but for files on the controller."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site
from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.parts.site import BROKEN_RELEASES

ARCHIVES = ('wandb_server_chart_archive', 'wandb_operator_chart_archive')
# A ConfigMap holds 1 MiB, its metadata included.
CHART_BYTES_AS_BASE64 = 1024**2 - 4096
# The first operator that understands a form of the chart's place (facts 1.5).
OCI_SINCE, LOGIN_SINCE = (1, 22, 0), (1, 20, 0)
# Hosts on the internet that the defaults and the guide name.
PUBLIC_HOSTS = (
    'charts.wandb.ai', 'wandb.github.io', 'deploy.wandb.ai', 'api.wandb.ai', 'github.com', 'ghcr.io', 'docker.io', 'registry-1.docker.io', 'quay.io', 'gcr.io',
    'pkg.dev', 'dl.min.io', 'cdn.mysql.com', 'dev.mysql.com', 'repo.mysql.com', 'amazonaws.com', 'googleapis.com', 'slack.com',
)
# Variables that name where something is fetched from, in which group (none = by the API host).
SOURCES = (('wandb_minio_binary', 'wandb_minio'), ('wandb_mysql_archive', 'wandb_mysql'))
_IN_NAME = re.compile(r'-v?([0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*?)\.(tgz|tar\.gz)$')
_REGISTRY = re.compile(r'^(?:[^/]*[.:][^/]*|localhost)/')


def is_public(address: str) -> bool:
    """Whether a URL, or an image's repository, leads to a host on the internet that everybody uses."""
    host = (urlsplit(address if '://' in address else f'//{address}').hostname or '').lower()
    return any(host == one or host.endswith(f'.{one}') for one in PUBLIC_HOSTS)


def version(text: str) -> tuple[int, ...]:
    """A version as numbers; empty for what is none."""
    try:
        return eras.version_tuple(text)
    except ValueError:
        return ()


@rule(
    'chart-file', *ARCHIVES,
    why='A later step reads it.',
    mend='correct the path, or put the file there',
)
def chart_file(site: Site) -> t.Iterator[Found]:
    """A chart's archive is a file on the controller."""
    for name in ARCHIVES:
        if site.text(name) and not site.controller.is_file(site.text(name)):
            yield Found(name, f'{site.text(name)} is not there')


@rule(
    'chart-size', 'wandb_server_chart_archive',
    why='It is carried into the cluster by a ConfigMap, which holds 1 MiB.',
    mend='package the chart without the dependencies that you do not use, or give a chart repository or registry (wandb_server_chart)',
)
def chart_size(site: Site) -> t.Iterator[Found]:
    """The server's chart fits into a ConfigMap."""
    path = site.text('wandb_server_chart_archive')
    size = (site.controller.size(path) + 2) // 3 * 4 if path and site.controller.is_file(path) else 0
    if size > CHART_BYTES_AS_BASE64:
        yield Found('wandb_server_chart_archive', f'has {size} bytes as base64, a ConfigMap holds 1 MiB')


@rule(
    'chart-once', 'wandb_operator_chart_archive', 'wandb_operator_chart', 'wandb_server_chart_archive', 'wandb_server_chart',
    why='One of them would be passed over in silence.',
    mend='leave one of them',
)
def chart_once(site: Site) -> t.Iterator[Found]:
    """Each chart comes from one place."""
    for role in ('operator', 'server'):
        archive, chart = f'wandb_{role}_chart_archive', f'wandb_{role}_chart'
        if site.text(archive) and chart in site.given and site.value(chart):
            yield Found(archive, f'is given, and {chart} too')


@rule(
    'chart-version', 'wandb_server_chart_archive', 'wandb_server_chart_version',
    why='The version decides the keys of the values: the server would be described for another chart.',
    mend='set the version to that of the archive',
)
def chart_version(site: Site) -> t.Iterator[Found]:
    """The version that is told is that of the archive, as far as its name tells."""
    match = _IN_NAME.search(site.text('wandb_server_chart_archive'))
    told = site.text('wandb_server_chart_version')
    if match and told and match.group(1) != told.lstrip('v'):
        yield Found('wandb_server_chart_version', f'is {told}, and the archive is called {match.group(1)}', f'set it to {match.group(1)}')


@rule(
    'chart-era', 'wandb_server_chart_version',
    warning=True,
    why='Charts before 0.33 (the guide shows 0.18.0) read other keys and have not been seen running here.',
    mend='take 0.33 or newer',
)
def chart_era(site: Site) -> t.Iterator[Found]:
    """The server's chart is of today's era."""
    found = version(site.text('wandb_server_chart_version'))
    if found and found < eras.FIRST_BASE_VERSION:
        yield Found('wandb_server_chart_version', 'is older than 0.33')


@rule(
    'broken-release', 'wandb_server_version',
    why='W&B names it as broken.',
    mend='take 0.78.2 or newer',
)
def broken_release(site: Site) -> t.Iterator[Found]:
    """The server's release is none that is known to be broken."""
    text = site.text('wandb_server_version').lstrip('v')
    if text in BROKEN_RELEASES:
        yield Found('wandb_server_version', f'must not be installed: {BROKEN_RELEASES[text]}')


@rule(
    'operator-gate', 'wandb_operator_image_tag', 'wandb_server_chart',
    why='An older operator passes over the chart in silence and installs what its channel says.',
    mend='take operator 1.22.0 or newer',
)
def operator_gate(site: Site) -> t.Iterator[Found]:
    """The operator understands the place that the server's chart comes from: oci:// since 1.22.0, a login since 1.20.0."""
    tag, chart = version(site.text('wandb_operator_image_tag')), site.mapping('wandb_server_chart')
    if not tag or site.text('wandb_server_chart_archive') or site.text('wandb_operator_image_digest'):
        return
    if str(chart.get('url') or '').startswith('oci://') and tag < OCI_SINCE:
        yield Found('wandb_operator_image_tag', 'is older than 1.22.0, which oci:// in wandb_server_chart needs')
    elif chart.get('credential_secret') and tag < LOGIN_SINCE:
        yield Found('wandb_operator_image_tag', 'is older than 1.20.0, which credential_secret in wandb_server_chart needs')


@rule(
    'second-generation', 'wandb_operator_image_tag', 'wandb_operator_chart_version',
    why='It stores another kind of custom resource (v2), which this collection does not write.',
    mend='take operator chart 1.4.8 and image 1.22.0',
)
def second_generation(site: Site) -> t.Iterator[Found]:
    """The operator is of the first generation."""
    for name in ('wandb_operator_image_tag', 'wandb_operator_chart_version'):
        if version(site.text(name))[:1] >= (2,):
            yield Found(name, 'is of the second generation')


@rule(
    'air-gap-chart', *ARCHIVES, 'wandb_operator_chart', 'wandb_operator_chart_repo_url', 'wandb_server_chart',
    why="W&B's chart repository is beyond the air gap.",
    mend='give an archive, or your own registry',
)
def air_gap_chart(site: Site) -> t.Iterator[Found]:
    """In an air gap both charts come from an archive or from a place of your own."""
    if not site.flag('wandb_airgapped'):
        return
    operator, server = site.text('wandb_operator_chart'), site.mapping('wandb_server_chart')
    if not site.text('wandb_operator_chart_archive'):
        named = '/' not in operator
        place = site.text('wandb_operator_chart_repo_url') if named else operator
        if not place or is_public(place):
            yield Found('wandb_operator_chart_archive', "is missing, and the operator's chart would come from the internet",
                        'give an archive, or your own registry in wandb_operator_chart (oci://...) or wandb_operator_chart_repo_url')
    if not site.text('wandb_server_chart_archive') and not server.get('path') and (not server.get('url') or is_public(str(server['url']))):
        yield Found('wandb_server_chart_archive', "is missing, and the server's chart would come from the internet",
                    'give an archive, or your own registry in wandb_server_chart')


@rule(
    'air-gap-source', *(name for name, _group in SOURCES),
    why='It is on the internet, beyond the air gap.',
    mend='bring it to the controller, and give its path',
)
def air_gap_source(site: Site) -> t.Iterator[Found]:
    """In an air gap nothing is fetched from the internet."""
    for name, group in SOURCES if site.flag('wandb_airgapped') else ():
        for host in site.members(group):
            if '://' in site.text(name, host) and is_public(site.text(name, host)):
                yield Found(name, 'leads to the internet', where=host)


@rule(
    'air-gap-images', 'wandb_server_repository_prefix', 'wandb_operator_image_repository',
    warning=True,
    why='Images would be pulled from the internet, unless the nodes themselves know a mirror.',
    mend='set it to your registry',
)
def air_gap_images(site: Site) -> t.Iterator[Found]:
    """In an air gap images come from a registry of your own."""
    if not site.flag('wandb_airgapped'):
        return
    if not site.text('wandb_server_repository_prefix'):
        yield Found('wandb_server_repository_prefix', 'is empty')
    repository = site.text('wandb_operator_image_repository')
    if repository and (not _REGISTRY.match(repository) or is_public(repository)):
        yield Found('wandb_operator_image_repository', 'names no registry of yours')


@rule(
    'air-gap-pull', 'wandb_operator_image_pull_policy',
    warning=True,
    why='The operator would not start again while the registry is away.',
    mend='take IfNotPresent',
)
def air_gap_pull(site: Site) -> t.Iterator[Found]:
    """In an air gap the operator's image is not pulled at every start."""
    if site.flag('wandb_airgapped') and site.text('wandb_operator_image_pull_policy') == 'Always':
        yield Found('wandb_operator_image_pull_policy', 'is Always')


@rule(
    'air-gap-mail', 'wandb_server_smtp',
    warning=True,
    why='Without a mail server of yours the server hands its mail to W&B over the internet: invitations and alerts would be lost.',
    mend='describe your mail server in wandb_server_smtp',
)
def air_gap_mail(site: Site) -> t.Iterator[Found]:
    """In an air gap there is a mail server."""
    if site.flag('wandb_airgapped') and not site.mapping('wandb_server_smtp'):
        yield Found('wandb_server_smtp', 'is empty')


@rule(
    'air-gap-slack', 'wandb_server_slack',
    why='Slack is on the internet, beyond the air gap.',
    mend='remove it',
)
def air_gap_slack(site: Site) -> t.Iterator[Found]:
    """In an air gap no Slack is configured."""
    if site.flag('wandb_airgapped') and site.mapping('wandb_server_slack'):
        yield Found('wandb_server_slack', 'is given')


RULES = (
    chart_file, chart_size, chart_once, chart_version, chart_era, broken_release, operator_gate, second_generation, air_gap_chart, air_gap_source,
    air_gap_images, air_gap_pull, air_gap_mail, air_gap_slack,
)
