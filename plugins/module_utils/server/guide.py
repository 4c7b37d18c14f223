# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``guide_values``: values as W&B's hosting guide writes them become options of ``wandb_server``. Pure.

The guide's keys are partly dead in today's chart. Made into options they go through the one builder, which knows the
chart's era. What has an option becomes one, what the chart knows besides goes to ``extra_values``, and the rest is told.
"""

from __future__ import annotations

import copy
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server import guide_tables as tables
from ansible_collections.wandb.onprem.plugins.module_utils.server.guide_shapes import converted, empty, filled, leaves, pop, spec_of
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values, get, merge, put

Options = t.Mapping[str, t.Any]

# These are merged with what the guide's values become; any other option replaces them whole.
_MERGED = ('components', 'install', 'env', 'extra_values')
_BODY_SIZE = 'nginx.ingress.kubernetes.io/proxy-body-size'
# What the guide writes; "wandb verify" posts 10 MB, and W&B's present documents say "0", no limit.
_GUIDES_BODY_SIZE = '64m'


def with_guide(options: Options, notes: Notes) -> dict[str, t.Any]:
    """A copy of the options in which ``guide_values`` (none any more) has become options.

    An option that was given replaces what the guide's values say of it; ``components``, ``install``, ``env`` and
    ``extra_values`` are merged with it, key by key. Problems name the guide's key and the option; clear secrets are told
    and never echoed.
    """
    result = dict(options)
    pasted = result.pop('guide_values', None)
    result['guide_values'] = None
    if not pasted:
        return result
    around = [key for key in tables.AROUND if key in pasted]
    if around:
        notes.problems.append(
            f'guide_values: {", ".join(around)} stand around the values: paste what is below spec.values; spec.chart goes to option chart'
        )
        return result
    spec = argument_spec()
    given = {name for name in spec if name not in _MERGED and not empty(options.get(name))}
    reading = _Reading(pasted, {name: options[name] for name in given})
    found = reading.read()
    kinds = {'problem': notes.problems, 'secret': notes.problems, 'warning': notes.warnings, 'moved': notes.translations}
    for option, kind, text in reading.told:
        # What became of a part that is not used interests nobody; a secret stands in the play all the same.
        if kind == 'secret' or option.split('.')[0] not in given:
            kinds[kind].append(text)
    refused = {option for option, kind, _text in reading.told if kind in ('secret', 'problem')}
    for option, value in found.items():
        mine = options.get(option)
        if option in given:
            notes.translations.append(f'{option}: given as an option, which replaces what guide_values say of it')
        elif option == 'env':
            # Name by name: merging would put two sources under one valueFrom.
            result[option] = {**value, **(mine or {})}
        elif option in _MERGED:
            result[option] = merge(value, mine or {})
        else:
            result[option] = filled(value, spec[option], option, notes.problems, tables.OPTIONS, refused)
    return result


class _Reading:
    """Reads the values key by key; what was read is gone from ``rest``. ``told``: (option, kind, text). ``given``:
    the options that replace what the values say."""

    def __init__(self, pasted: t.Mapping[str, t.Any], given: Options) -> None:
        self.given = given
        self.rest: Values = copy.deepcopy({key: value for key, value in pasted.items() if not empty(value)})
        self.found: Values = {}
        self.told: list[tuple[str, str, str]] = []

    def read(self) -> Values:
        """Options, nested; no defaults."""
        self._misplaced_ingress()
        self._clear_secrets()
        for key, why in tables.DEAD.items():
            if not empty(self.take(key)):
                self.tell('', 'moved', f'{key} is left out ({why})')
        self._whole_services()
        for key, option in tables.OPTIONS.items():
            self._read(key, option, tables.MOVED)
        for name, component in tables.COMPONENTS.items():
            if component.base and name in self.rest:
                self._component(name)
        for option in ('bucket', 'default_bucket'):
            self._address(option)
        for option in ('redis', 'smtp'):
            # The guide's empty form still has its port.
            if self.found.get(option, {}).keys() == {'port'}:
                self.found.pop(option)
        self._redis()
        self._ingress_annotations()
        self._leftovers()
        return self.found

    def take(self, key: str) -> t.Any:
        """The value of a key, which is then read; None for an empty one."""
        value = pop(self.rest, key.split('.'))
        return None if empty(value) else value

    def tell(self, option: str, kind: str, text: str) -> None:
        """``option``: whose matter it is, dotted; the text is not told where the user gave that option himself."""
        self.told.append((option, kind, text))

    def _read(self, key: str, option: str, moved: t.Mapping[str, str], under: str = '') -> None:
        raw = self.take(under + key)
        if raw is None:
            return
        path = option.split('.')
        try:
            value = converted(raw, spec_of(option))
        except ValueError as error:
            self.tell(option, 'problem', f'guide_values.{under}{key}: {error} ({option})')
            return
        here = get(self.found, path)
        if isinstance(here, dict) and isinstance(value, dict):
            value = merge(value, here)
        elif here is not None:
            self.tell(option, 'warning', f'guide_values.{under}{key} is left out: {option} has its value from another key')
            return
        put(self.found, path, value)
        for prefix, why in moved.items():
            if key == prefix or key.startswith(f'{prefix}.'):
                self.tell(option, 'moved', f'{under}{key} -> {option} ({why})')

    def _misplaced_ingress(self) -> None:
        below = self.take('global.ingress')
        if below is None:
            return
        if self.rest.get('ingress'):
            self.tell('ingress', 'problem', 'guide_values: ingress stands at the level of global and below it: leave the one at the level of global')
        else:
            self.rest['ingress'] = below
            self.tell('ingress', 'moved', 'global.ingress -> ingress (it stands at the level of global; the chart does not read it below)')

    def _clear_secrets(self) -> None:
        for key, option in tables.CLEAR_SECRETS.items():
            if not isinstance(get(self.rest, key.split('.')), t.Mapping) and self.take(key) is not None:
                text = f'guide_values.{key} would stand in clear in the custom resource: take it out, and name a Secret that holds it in {option}'
                self.tell(option, 'secret', text)

    def _whole_services(self) -> None:
        """Keys that decide about a service as a whole."""
        if str(self.take('global.redis.auth.enabled')).lower() == 'false' and self.take('global.redis.auth') is not None:
            self.tell('redis', 'moved', 'global.redis.auth is left out (enabled is false)')
        enabled = self.take('global.ldap.enabled')
        if enabled is not None and str(enabled).lower() != 'true':
            if self.take('global.ldap') is not None:
                self.tell('ldap', 'moved', 'global.ldap is left out (enabled is not true)')
        elif enabled is not None:
            self.tell('ldap', 'moved', f'global.ldap.enabled -> ldap ({tables.MOVED["global.ldap"]})')
            self.found['ldap'] = {}
        self._ldap_ca(self.take('global.ldap.tlsCert'))
        for key in ('ingress.install', 'ingress.create'):
            if self.take(key) is False:
                put(self.found, ('ingress', 'enabled'), False)
                self.rest.pop('ingress')
                break
        self._ingress_tls(self.take('ingress.tls'))
        mysql = get(self.rest, ('global', 'mysql'))
        if isinstance(mysql, dict) and not empty(mysql.get('host')) and empty(mysql.get('user')):
            self.tell('mysql', 'moved', "mysql.user is wandb (the chart's default, for global.mysql.user is not given)")
            mysql['user'] = 'wandb'

    def _ldap_ca(self, given: t.Any) -> None:
        if given is None:
            return
        name, key = (get(given, ('configMap', part)) if isinstance(given, t.Mapping) else None for part in ('name', 'key'))
        held = self.given.get('custom_ca_configmap') or get(self.rest, ('global', 'caCertsConfigMap'))
        if name and str(key or '').endswith('.crt') and held in (None, '', name):
            self.tell('ldap', 'moved', 'global.ldap.tlsCert.configMap -> custom_ca_configmap (the chart has no LDAP keys; every pod trusts this CA)')
            put(self.rest, ('global', 'caCertsConfigMap'), name)
            return
        why = f'that is ConfigMap {held} already' if held else 'the keys of that ConfigMap have to end in .crt'
        text = f'take it out, and put the certificate into custom_cas, or into the ConfigMap of custom_ca_configmap ({why})'
        self.tell('ldap', 'problem', f"guide_values.global.ldap.tlsCert: the chart has no key for LDAP's CA: {text}")

    def _ingress_tls(self, entries: t.Any) -> None:
        if entries is None:
            return
        if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], dict) or not entries[0].get('secretName'):
            self.tell('ingress', 'problem', 'guide_values.ingress.tls: one entry with secretName is wanted (ingress.tls_secret)')
            return
        put(self.found, ('ingress', 'tls_secret'), str(entries[0]['secretName']))
        hosts = [str(host) for host in entries[0].get('hosts') or []]
        if not hosts:
            return
        self.tell('ingress', 'moved', 'ingress.tls[0].hosts -> wandb_host, ingress.additional_hosts (the entry names these)')
        served = [str(self.given.get('wandb_host') or get(self.rest, ('global', 'host')) or ''), *(get(self.rest, ('ingress', 'additionalHosts')) or [])]
        names = {re.sub(r'^https?://|[:/].*', '', host) for host in served}
        others = sorted({re.sub(r'^https?://', '', host) for host in hosts} - names)
        if others:
            self.tell('ingress', 'warning', f'guide_values.ingress.tls: {", ".join(others)} is no host of this server; add it to ingress.additional_hosts')

    def _component(self, name: str) -> None:
        for key, option in tables.COMPONENT_OPTIONS.items():
            self._read(key, f'components.{name}.{option}', tables.COMPONENT_MOVED, f'{name}.')
        for context in ('pod_security_context', 'security_context'):
            group = get(self.found, ('components', name, context, 'runAsGroup'))
            if group not in (None, 0):
                text = f'guide_values.{name}: runAsGroup may only be 0 (the guide: anything else is an error); components.{name}.{context}'
                self.tell('components', 'problem', text)

    def _address(self, option: str) -> None:
        """S3-compatible: the guide writes the endpoint as the bucket's name and the bucket as the path."""
        bucket = self.found.get(option)
        if not bucket:
            return
        key = {'bucket': 'global.bucket', 'default_bucket': 'global.defaultBucket'}[option]
        name, (path, _other, query) = str(bucket.get('name') or ''), str(bucket.get('path') or '').partition('?')
        keys = bucket.get('secret') or any(told == f'{option}.secret' for told, _kind, _text in self.told)
        endpoint = ':' in name or bool(query) or ('.' in name and path and keys)
        if bucket.get('provider', 's3') != 's3' or not endpoint:
            return
        address, _other, below = name.partition('/')
        host, _other, port = address.partition(':')
        if port and not re.fullmatch(r'[0-9]+', port):
            self.tell(option, 'problem', f'guide_values.{key}.name: host:port is wanted, and the port is a number ({option}.host, {option}.port)')
            port = ''
        parts = [part for part in (*below.split('/'), *path.split('/')) if part]
        parameters = dict(one.partition('=')[::2] for one in query.split('&') if one)
        tls = parameters.pop('tls', 'false') == 'true'
        # Implied by an endpoint of its own.
        parameters.pop('forcePathStyle', None)
        if parameters:
            self.tell(option, 'problem', f'guide_values.{key}.path: unknown parameter {", ".join(sorted(parameters))} (known: tls, forcePathStyle)')
        bucket.update({'host': host, 'name': parts[0] if parts else '', 'tls': tls, **({'port': int(port)} if port else {})})
        bucket.pop('path', None)
        if parts[1:]:
            bucket['path'] = '/'.join(parts[1:])
        if not tls:
            self.tell(option, 'warning', f'guide_values.{key}.path has no "?tls=true", so the store is spoken to without TLS ({option}.tls)')
        self.tell(option, 'moved', f'{key}.name, {key}.path -> {option}.host, {option}.port, {option}.name, {option}.tls (endpoint and bucket apart)')

    def _redis(self) -> None:
        redis = self.found.get('redis') or {}
        if not redis.get('host'):
            if self.found.pop('redis', None):
                self.tell('redis', 'problem', 'guide_values.global.redis: host is missing (redis.host)')
            return
        params = dict(redis.get('params') or {})
        tls = str(params.pop('tls', '')).lower() == 'true'
        if tls or redis.get('ca'):
            redis['tls'] = True
        if params.get('master'):
            redis['sentinel_master'] = str(params.pop('master'))
            self.tell('redis', 'moved', 'global.redis.params.master -> redis.sentinel_master')
        redis.pop('params', None)
        if params:
            redis['params'] = params

    def _ingress_annotations(self) -> None:
        annotations = (self.found.get('ingress') or {}).get('annotations') or {}
        if annotations.get(_BODY_SIZE) == _GUIDES_BODY_SIZE:
            annotations[_BODY_SIZE] = '0'
            self.tell('ingress', 'moved', f'ingress.annotations.{_BODY_SIZE}: {_GUIDES_BODY_SIZE} -> "0" (no limit; uploads are larger than the guide\'s)')

    def _leftovers(self) -> None:
        """Components and keys that the chart is known to have go to ``extra_values``; everything else is told."""
        known = {*tables.OPTIONS, *tables.PASSED, *tables.CLEAR_SECRETS, *tables.DEAD}
        tops = {one.split('.')[0] for one in known}
        for path, value in leaves(self.rest):
            key = '.'.join(path)
            if value is None:
                continue
            operators = tables.OPERATOR_KEYS.get(path[0])
            if operators:
                self.tell('', 'problem', f"guide_values.{key} is a key of the operator's chart: give {operators} of module wandb_operator")
            elif len(path) == 1 and key in tops - tables.PASSED:
                self.tell('', 'problem', f'guide_values.{key}: a map is wanted')
            elif path[0] in tables.COMPONENTS or any('.'.join(path[: length + 1]) in tables.PASSED for length in range(len(path))):
                put(self.found, ('extra_values', *path), value)
            elif not empty(value):
                near = eras.nearest(key, known) if path[0] in tops else eras.nearest(path[0], tops)
                self.tell('', 'problem', f'guide_values.{key}: neither the guide nor the chart has this key{near}; if it has, extra_values takes it')
