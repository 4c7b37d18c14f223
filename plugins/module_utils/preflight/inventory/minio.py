# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the object store that is made here. Pure. What can be and survive is judged by the role's
own rules (``roles``)."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.names import address_of, shuts_out
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

GROUP = 'wandb_minio'
# The longest time for which W&B's upload URLs are good.
UPLOAD_HOURS = 24
_HOURS = {'h': 1.0, 'm': 1 / 60, 's': 1 / 3600, 'ms': 1 / 3600000}
_HOST_NAME = re.compile(r'[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*')


def hours(duration: str) -> float:
    """A Go duration in hours; 0 for what is none."""
    return sum(float(number) * _HOURS[unit] for number, unit in re.findall(r'([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)', duration))


@rule(
    'minio-single', 'wandb_minio_allow_single',
    why='It is for one host with one drive, and says that data may be lost.',
    mend='remove it',
)
def single(site: Site) -> t.Iterator[Found]:
    """A deployment of several drives is not allowed to be single."""
    several = sum(len(site.entries('wandb_minio_drives', host)) for host in site.members(GROUP)) > 1
    for host in site.members(GROUP) if several else ():
        if site.gives('wandb_minio_allow_single', host) and site.flag('wandb_minio_allow_single', host):
            yield Found('wandb_minio_allow_single', 'is true, and there are several drives', where=host)


@rule(
    'minio-volumes', 'wandb_minio_drives', 'wandb_minio_pools', 'wandb_minio_volumes',
    why='All servers are started with one list of volumes; they refuse each other otherwise.',
    mend='give every host the same drives (wandb_minio_pools for pools of different ones)',
)
def volumes_alike(site: Site) -> t.Iterator[Found]:
    """Every host is started with the same volumes, and no drive lies inside of another."""
    hosts = site.members(GROUP)
    for host in hosts:
        drives = [str(drive).rstrip('/') for drive in site.entries('wandb_minio_drives', host)]
        for drive in drives:
            if any(drive.startswith(f'{other}/') for other in drives):
                yield Found('wandb_minio_drives', f'{drive} lies inside of another drive', 'give each drive a mounted filesystem of its own', host)
        for name in ('wandb_minio_drives', 'wandb_minio_pools', 'wandb_minio_volumes'):
            if site.gives(name, host) and site.value(name, host) != site.value(name, hosts[0]):
                yield Found(name, f'is another than on {hosts[0]}', where=host)


@rule(
    'minio-host-name', GROUP,
    why='The servers reach each other at https://<name in the inventory>, by the certificate of that name.',
    mend='call the host by its name in DNS (letters, digits, - and .), and put its address into ansible_host if need be',
)
def host_name(site: Site) -> t.Iterator[Found]:
    """Hosts of the object store are named by what the others reach them at."""
    for host in site.members(GROUP):
        if not _HOST_NAME.fullmatch(host) and not address_of(host):
            yield Found(GROUP, f'{host} is no name of a host')
        elif host == 'localhost' and len(site.members(GROUP)) > 1:
            yield Found(GROUP, 'localhost is another host on each server')


@rule(
    'minio-binary', 'wandb_minio_install_method', 'wandb_minio_binary', 'wandb_minio_package', 'wandb_minio_go',
    why='It is copied to every host and run there.',
    mend='correct the path, or put the file there',
)
def binary(site: Site) -> t.Iterator[Found]:
    """The minio program or package is a file on the controller, or is fetched by TLS; what is built needs Go there."""
    for host in site.members(GROUP):
        method = site.text('wandb_minio_install_method', host)
        name = f'wandb_minio_{method}'
        source = site.text(name, host) if method in ('binary', 'package') else ''
        if source.startswith('http://'):
            yield Found(name, 'is fetched without TLS', 'write https://', host)
        elif source and not source.startswith('https://') and (method == 'binary' or '/' in source) and not site.controller.is_file(source):
            yield Found(name, f'{source} is not there', where=host)
        elif method == 'source' and not site.controller.has_program(site.text('wandb_minio_go', host)):
            yield Found('wandb_minio_go', 'is no program on the controller', 'install Go there, give its path, or bring the program (binary)', host)


@rule(
    'minio-ports', 'wandb_minio_port', 'wandb_minio_console', 'wandb_minio_console_port',
    why='One of them could not listen.',
    mend='give the console another port',
)
def console_port(site: Site) -> t.Iterator[Found]:
    """The console listens elsewhere than the store."""
    for host in site.members(GROUP):
        port = site.number('wandb_minio_port', host)
        if site.flag('wandb_minio_console', host) and port is not None and port == site.number('wandb_minio_console_port', host):
            yield Found('wandb_minio_console_port', f'is {port}, as wandb_minio_port', where=host)


@rule(
    'minio-one-port', 'wandb_minio_port',
    why='MinIO is started with one list of volumes for all, and the port stands in it.',
    mend='give all hosts the same port',
)
def one_port(site: Site) -> t.Iterator[Found]:
    """All servers of the store listen on one port."""
    hosts = site.members(GROUP)
    for host in hosts:
        if site.number('wandb_minio_port', host) != site.number('wandb_minio_port', hosts[0]):
            yield Found('wandb_minio_port', f'is another than on {hosts[0]}', where=host)


@rule(
    'minio-cors', 'wandb_minio_cors_origins', 'wandb_host',
    why='Browsers would refuse to load objects of the site.',
    mend='add "{{ wandb_host }}" to the list',
)
def cors(site: Site) -> t.Iterator[Found]:
    """Pages of the site itself may use presigned URLs."""
    for host in site.members(GROUP)[:1]:
        if shuts_out(site, site.entries('wandb_minio_cors_origins', host)):
            yield Found('wandb_minio_cors_origins', 'does not list wandb_host', where=host)


@rule(
    'minio-uploads', 'wandb_minio_stale_uploads_expiry',
    why="W&B's upload URLs live 24 hours: a slow upload would be thrown away under way.",
    mend='take 24h or more, such as 72h',
)
def uploads(site: Site) -> t.Iterator[Found]:
    """Unfinished uploads are kept for as long as their URLs live."""
    for host in site.members(GROUP):
        text = site.text('wandb_minio_stale_uploads_expiry', host)
        if 0 < hours(text) < UPLOAD_HOURS:
            yield Found('wandb_minio_stale_uploads_expiry', f'is less than {UPLOAD_HOURS} hours', where=host)


@rule(
    'minio-root-drive', 'wandb_minio_allow_root_drive',
    warning=True,
    why='An upload can fill the root filesystem of the host.',
    mend='mount a filesystem for each drive, and remove it',
)
def root_drive(site: Site) -> t.Iterator[Found]:
    """Drives are filesystems of their own."""
    for host in site.members(GROUP):
        if site.flag('wandb_minio_allow_root_drive', host):
            yield Found('wandb_minio_allow_root_drive', 'is true', where=host)


@rule(
    'minio-point', 'wandb_minio_address',
    warning=True,
    why='With that host the whole store is out of reach, though the others serve on.',
    mend='let the name lead to a proxy (group wandb_nginx), or to something that follows the servers',
)
def single_point(site: Site) -> t.Iterator[Found]:
    """The name of a store of several hosts is not that of one of them."""
    hosts = site.members(GROUP)
    if len(hosts) > 1 and site.text('wandb_minio_address') in site.known_as(hosts):
        yield Found('wandb_minio_address', 'is one of the hosts')


@rule(
    'minio-bucket-name', 'wandb_minio_bucket',
    why='S3 refuses it, and its URL would be another thing.',
    mend='take another name, such as wandb',
)
def bucket_name(site: Site) -> t.Iterator[Found]:
    """The bucket's name has no two dots side by side and is no address."""
    name = site.text('wandb_minio_bucket')
    if site.members(GROUP) and ('..' in name or '.-' in name or '-.' in name or address_of(name)):
        yield Found('wandb_minio_bucket', 'is no name that S3 takes')


@rule(
    'minio-versions', 'wandb_minio_versioning', 'wandb_minio_noncurrent_days',
    why='Old versions would fill the drives, which nobody sees in the bucket.',
    mend='set wandb_minio_noncurrent_days, such as 14',
    warning=True,
)
def versions(site: Site) -> t.Iterator[Found]:
    """Where old versions of objects are kept, they are not kept for ever."""
    if site.members(GROUP) and site.flag('wandb_minio_versioning') and site.number('wandb_minio_noncurrent_days') == 0:
        yield Found('wandb_minio_noncurrent_days', 'is 0: old versions are kept for ever')


@rule(
    'minio-encryption', 'wandb_minio_encryption', 'wandb_minio_environment',
    why='The servers refuse every write without a key.',
    mend='name a key service in wandb_minio_environment (MINIO_KMS_...)',
)
def encryption(site: Site) -> t.Iterator[Found]:
    """Where objects are encrypted, the servers have a key service."""
    for host in site.members(GROUP) if site.flag('wandb_minio_encryption') else ():
        if not any(str(name).startswith('MINIO_KMS_') for name in site.mapping('wandb_minio_environment', host)):
            yield Found('wandb_minio_encryption', 'is true, and there is no key service', where=host)


@rule(
    'minio-mirror', 'wandb_minio_mirror',
    why='The copy could not be made, or would be a copy onto itself.',
    mend='give endpoint, bucket, access_key and secret_key of a second store',
)
def mirror(site: Site) -> t.Iterator[Found]:
    """The store that the bucket is mirrored to is whole, and another one."""
    given = site.mapping('wandb_minio_mirror')
    missing = [key for key in ('endpoint', 'bucket', 'access_key', 'secret_key') if not given.get(key)]
    endpoint = str(given.get('endpoint') or '')
    if given and missing:
        yield Found('wandb_minio_mirror', f'has no {", ".join(missing)}', f'add {", ".join(missing)}')
    elif given and not endpoint.startswith(('https://', 'http://')):
        yield Found('wandb_minio_mirror', 'endpoint is no URL', 'write https:// and the name of the store')
    elif given and urlsplit(endpoint).hostname in site.known_as(site.members(GROUP)) | {site.text('wandb_minio_address')}:
        yield Found('wandb_minio_mirror', 'endpoint is the store of the site itself', 'name a second store')


@rule(
    'minio-once', 'wandb_minio_restart_unhealthy',
    why='It would let every run restart servers beside missing ones.',
    mend='remove it from the inventory; give it on the command line: -e',
)
def once(site: Site) -> t.Iterator[Found]:
    """What restarts servers beside missing ones is said on the command line, for one run."""
    if site.value('wandb_minio_restart_unhealthy') and 'wandb_minio_restart_unhealthy' in site.in_files:
        yield Found('wandb_minio_restart_unhealthy', 'stands in the inventory')


RULES = (
    single, volumes_alike, host_name, binary, console_port, one_port, cors, uploads, root_drive, single_point, bucket_name, versions,
    encryption, mirror, once,
)
