# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a single value may be, as two tables: numbers with their bounds, texts with their form. Pure; a new variable is a new row."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import is_placeholder
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site, whole

PORT = (1, 65535)
SECONDS = (1, 86400)
# Variable -> smallest and largest value.
RANGES: dict[str, tuple[int, int]] = {
    'wandb_mysql_port': PORT,
    'wandb_minio_port': PORT,
    'wandb_minio_console_port': PORT,
    'wandb_redis_port': PORT,
    'wandb_nginx_http_port': PORT,
    'wandb_nginx_https_port': PORT,
    'wandb_mysql_server_id': (0, 4294967295),
    'wandb_mysql_open_files_limit': (1024, 1048576),
    'wandb_mysql_virtual_router_id': (1, 255),
    'wandb_mysql_semi_sync_timeout': (1, 3600),
    'wandb_mysql_min_free_mb': (0, 1048576),
    'wandb_mysql_backup_keep_days': (7, 3650),
    'wandb_mysql_backup_max_age_hours': (1, 8760),
    'wandb_mysql_backup_compression_level': (1, 19),
    'wandb_mysql_backup_scratch_memory_mb': (128, 1048576),
    # The gate of a starting server waits for 18 seconds before it looks (role minio, wandb_minio_gate.py).
    'wandb_minio_start_timeout': (30, 86400),
    'wandb_minio_parity': (0, 8),
    'wandb_minio_noncurrent_days': (0, 3650),
    'wandb_minio_quota': (0, 1048576),
    'wandb_minio_heal_timeout': (60, 604800),
    'wandb_minio_mirror_concurrency': (1, 64),
    'wandb_tcp_retries': (0, 15),
    'wandb_redis_sentinel_port': PORT,
    'wandb_redis_virtual_router_id': (1, 255),
    'wandb_redis_min_replicas_to_write': (0, 16),
    'wandb_redis_min_replicas_max_lag': (1, 3600),
    'wandb_redis_sync_timeout': SECONDS,
    'wandb_redis_settle_timeout': SECONDS,
    'wandb_redis_down_after': (500, 600000),
    'wandb_redis_failover_timeout': (1000, 600000),
    'wandb_redis_open_files_limit': (1024, 1048576),
    'wandb_nginx_timeout': (60, 86400),
    'wandb_nginx_connect_timeout': (1, 75),
    'wandb_nginx_hsts_max_age': (0, 63072000),
    'wandb_nginx_worker_connections': (512, 1048576),
    'wandb_nginx_max_fails': (0, 1000),
    'wandb_nginx_fail_timeout': SECONDS,
    'wandb_nginx_virtual_router_id': (1, 255),
    'wandb_pki_renew_before': (1, 365),
    'wandb_pki_valid_days': (2, 3650),
    'wandb_pki_ca_valid_days': (30, 36500),
    'wandb_server_session_length_hours': (1, 8760),
    'wandb_server_timeout': (60, 86400),
    'wandb_operator_timeout': (30, 86400),
    'wandb_verify_timeout': SECONDS,
}


class Form(t.NamedTuple):
    """``pattern`` fits the whole text; ``wanted`` says it in words."""

    pattern: t.Pattern[str]
    wanted: str


def _form(pattern: str, wanted: str) -> Form:
    return Form(re.compile(pattern), wanted)


_LABEL = _form(r'[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?', 'small letters, digits and - (63 at most), as Kubernetes names things')
_OBJECT = _form(r'[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?', 'small letters, digits, - and ., as Kubernetes names things')
_RELEASE = _form(r'[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?', 'small letters, digits and - (40 at most, for names of objects are made of it)')
_HOST = _form(
    r'([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+',
    'a name or an address alone: no scheme, no port, no path, no _',
)
_PATH = _form(r'/([^/\0]+/?)+', 'an absolute path, and not / itself')
_SHA256 = _form(r'[0-9a-fA-F]{64}', '64 hexadecimal digits, as sha256sum prints them')
_SHA256_SMALL = _form(r'[0-9a-f]{64}', '64 hexadecimal digits in small letters, as sha256sum prints them')
_DURATION = _form(r'([0-9]+(\.[0-9]+)?(h|m|s|ms))+', 'a duration with its units, such as 72h or 1h30m')
_SQL_NAME = _form(r'[A-Za-z0-9_]{1,32}', 'letters, digits and _ (32 at most)')
_DATABASE = _form(r'[A-Za-z0-9_]{1,64}', 'letters, digits and _ (64 at most)')
_IMAGE_VERSION = _form(r'v?[0-9]+\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z.+-]+)?', 'an exact version such as 1.2.3; latest and main change under your feet')
_REGION = _form(r'[a-z0-9]+(-[a-z0-9]+)*', 'a region such as us-east-1: small letters, digits and -')
_NETWORK = _form(r'([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}', 'an IPv4 address with the length of its network, such as 10.0.0.20/24')
# Variable -> its form. An empty text passes where the variable's default is empty.
FORMS: dict[str, Form] = {
    'wandb_name': _RELEASE,
    'wandb_namespace': _LABEL,
    'wandb_operator_namespace': _LABEL,
    'wandb_operator_release': _RELEASE,
    'wandb_operator_service_account_name': _OBJECT,
    'wandb_operator_ca_certs_configmap': _OBJECT,
    'wandb_operator_name_override': _LABEL,
    'wandb_operator_fullname_override': _LABEL,
    # Empty = no TLS at the ingress.
    'wandb_server_ingress_tls_secret': _form(f'({_OBJECT.pattern.pattern})?', _OBJECT.wanted),
    'wandb_server_ingress_class': _OBJECT,
    'wandb_server_priority_class': _OBJECT,
    'wandb_server_storage_class': _OBJECT,
    'wandb_mysql_address': _HOST,
    'wandb_redis_address': _HOST,
    'wandb_minio_address': _HOST,
    'wandb_mysql_member_address': _HOST,
    'wandb_mysql_database': _DATABASE,
    'wandb_mysql_user': _SQL_NAME,
    'wandb_mysql_data_dir': _PATH,
    'wandb_mysql_backup_scratch_dir': _PATH,
    'wandb_mysql_innodb_buffer_pool_size': _form(r'[0-9]+[KkMmGgTt]?', 'bytes, or a number with K, M, G or T, such as 8G'),
    'wandb_mysql_archive_sha256': _SHA256_SMALL,
    'wandb_mysql_virtual_address': _NETWORK,
    'wandb_minio_binary_sha256': _SHA256,
    'wandb_minio_package_sha256': _SHA256,
    'wandb_minio_package_program': _PATH,
    'wandb_minio_source_stamp': _form(r'[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z', 'a UTC time such as 2026-02-12T20:18:48Z'),
    'wandb_minio_bucket': _form(r'[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]', '3 to 63 small letters, digits, - and ., as S3 names buckets'),
    'wandb_minio_region': _REGION,
    'wandb_minio_stale_uploads_expiry': _DURATION,
    'wandb_redis_virtual_address': _NETWORK,
    'wandb_redis_member_address': _HOST,
    'wandb_redis_master_name': _form(r'[A-Za-z0-9._-]+', 'letters, digits and ._-'),
    'wandb_redis_maxmemory': _form(r'[0-9]+([kKmMgG][bB]?|[bB])?', 'bytes, or a number with kb, mb or gb, such as 4gb'),
    'wandb_nginx_virtual_address': _NETWORK,
    'wandb_operator_image_digest': _form(r'sha256:[0-9a-f]{64}', 'sha256: and 64 hexadecimal digits'),
    'wandb_operator_image_tag': _IMAGE_VERSION,
    'wandb_operator_chart_version': _IMAGE_VERSION,
    'wandb_server_version': _IMAGE_VERSION,
    'wandb_server_console_version': _IMAGE_VERSION,
    'wandb_server_chart_version': _IMAGE_VERSION,
    'wandb_server_reconcile_frequency': _DURATION,
    'wandb_operator_chart_repo_url': _form(r'https?://[^\s/@]+(/[^\s@]*)?', 'an http(s):// address without a password in it'),
}
# The same for each entry of a list.
ENTRY_FORMS: dict[str, Form] = {
    'wandb_minio_drives': _PATH,
    'wandb_preflight_paths': _PATH,
    'wandb_platform_service_accounts': _OBJECT,
    'wandb_server_image_pull_secrets': _OBJECT,
    'wandb_operator_image_pull_secrets': _OBJECT,
    'wandb_server_ingress_additional_hosts': _HOST,
    'wandb_pki_extra_sans': _form(r'(DNS:|IP:)?(\*\.)?[A-Za-z0-9._:-]+', 'a name or an address'),
    'wandb_nginx_node_addresses': _HOST,
    'wandb_nginx_frame_ancestors': _form(r'https?://[A-Za-z0-9.*-]+(:[0-9]+)?', 'a scheme and a name, no path: https://wiki.example.com'),
    'wandb_minio_cors_origins': _form(r'\*|https?://[^\s/@]+', 'a scheme and a name, no path: https://wandb.example.com'),
    'wandb_server_extra_cors': _form(r'https?://[^\s/@]+', 'a scheme and a name, no path: https://wandb.example.com'),
}


@rule(
    'range', *RANGES,
    why='A service would not start with it, or not serve what W&B needs.',
    mend='take a value within the bounds',
)
def out_of_range(site: Site) -> t.Iterator[Found]:
    """A number lies within the bounds of the table below."""
    for where, name, value in site.names():
        number = whole(value)
        if name in RANGES and number is not None and not RANGES[name][0] <= number <= RANGES[name][1]:
            low, high = RANGES[name]
            yield Found(name, f'is not between {low} and {high}', f'take a number from {low} to {high}', where)


@rule(
    'form', *FORMS, *ENTRY_FORMS,
    why='What reads it takes no other form, and most often says so late, or not at all.',
    mend='write it in that form',
)
def form(site: Site) -> t.Iterator[Found]:
    """A text has the form of the table below."""
    for where, name, value in site.names():
        if is_placeholder(value):
            continue
        if name in FORMS and isinstance(value, str):
            if not FORMS[name].pattern.fullmatch(value) and (value or site.specs.get(name, {}).get('default', '') != ''):
                yield Found(name, 'has not the form that is wanted' if value else 'is empty', f'wanted is {FORMS[name].wanted}', where)
        elif name in ENTRY_FORMS and isinstance(value, (list, tuple)):
            for number, entry in enumerate(value, 1):
                if isinstance(entry, str) and not ENTRY_FORMS[name].pattern.fullmatch(entry):
                    yield Found(name, f'entry {number} has not the form that is wanted', f'wanted is {ENTRY_FORMS[name].wanted}', where)


RULES = (out_of_range, form)
