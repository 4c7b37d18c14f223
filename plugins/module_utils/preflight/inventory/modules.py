# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules themselves would refuse, asked before anything runs: the options that roles server and operator would hand on go through
the same pure builders as in the modules. What another rule says of a variable is not said again.
"""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.wandb.onprem.plugins.module_utils import operator_options, operator_values
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Options, Site
from ansible_collections.wandb.onprem.plugins.module_utils.server import builder, openshift, options

Spec = t.Mapping[str, t.Any]
Build = t.Callable[[dict[str, t.Any]], list[str]]
Variable = t.Callable[[str, Site], str]


class Told(t.NamedTuple):
    """What the argument_spec refuses, what the builder refuses, and what it warns of."""

    refused: list[str]
    problems: list[str]
    warnings: list[str]


# Option of wandb_server -> the variable that it comes from; any other is wandb_server_<option>, or wandb_server_ingress_<option>.
SERVER_VARIABLES = {
    'kubeconfig': 'wandb_kubeconfig', 'context': 'wandb_kube_context', 'name': 'wandb_name', 'namespace': 'wandb_namespace',
    'operator_namespace': 'wandb_operator_namespace', 'wandb_host': 'wandb_host', 'license_secret': 'wandb_license', 'image_tag': 'wandb_server_version',
    'console_tag': 'wandb_server_console_version', 'chart.version': 'wandb_server_chart_version', 'mysql': 'wandb_mysql_endpoint',
    'redis': 'wandb_redis_endpoint', 'redis.params': 'wandb_server_redis_params', 'bucket': 'wandb_bucket_endpoint',
    'default_bucket': 'wandb_bucket_endpoint', 'team_buckets': 'wandb_team_buckets', 'clickhouse': 'wandb_clickhouse_endpoint',
    'custom_ca_configmap': 'wandb_name',
}
# Where the service is made here, its names come from these.
MADE_VARIABLES = {
    'mysql.database': ('wandb_mysql', 'wandb_mysql_database'), 'mysql.user': ('wandb_mysql', 'wandb_mysql_user'), 'mysql.ca': ('wandb_mysql', 'wandb_ca_file'),
    'redis.ca': ('wandb_redis', 'wandb_ca_file'), 'bucket.name': ('wandb_minio', 'wandb_minio_bucket'),
}
# The same for wandb_operator; any other is wandb_operator_<option>.
OPERATOR_VARIABLES = {
    'kubeconfig': 'wandb_kubeconfig', 'context': 'wandb_kube_context', 'helm_binary': 'wandb_helm_binary', 'namespace': 'wandb_operator_namespace',
    'name': 'wandb_operator_release', 'airgapped': 'wandb_airgapped', 'additional_namespaces': 'wandb_namespace',
    'pod_annotations': 'wandb_server_chart_archive', 'wait_timeout': 'wandb_operator_timeout',
}
# Where a builder says which option takes a Secret: of the inventory it is this variable.
SECRET_VARIABLES = {
    'license_secret': 'wandb_license', 'mysql.password_secret': 'wandb_mysql_password', 'redis.password_secret': 'wandb_redis_password',
    'clickhouse.password_secret': 'wandb_clickhouse_password', 'oidc.secret': 'wandb_oidc_secret', 'smtp.password_secret': 'wandb_smtp_password',
    'slack.secret': 'wandb_slack_secret', 'ldap.bind_password_secret': 'wandb_ldap_bind_password',
}
# Handed on for the run itself; no variable of the inventory.
INTERNAL = frozenset({'assumed_objects', 'render', 'render_to'})
_MEND = 'correct it; ansible-doc -t module wandb.onprem.{} tells what it takes'
_OPTION = re.compile(r'[a-z_]+(?:\.[A-Za-z0-9_-]+)*')
# Options within a sentence: dotted or underscored ones alone, for the others are English words.
_WITHIN_TEXT = re.compile(r'(?<![\w./$-])[a-z]+(?:_[a-z_]*)?(?:\.[A-Za-z0-9_-]+)*')
# In the sentences of ansible-core's own validation: the dictionary that an option stands in, and the option.
_DICTIONARY = re.compile(r"found in '?([a-z_]+(?: -> [a-z_]+)*)")
_ARGUMENT = re.compile(r"(?:value of |^argument |arguments: )'?([a-z_]+)|^([a-z_.]+)\. Supported")
# A builder's sentence about one option that asks for another.
_GIVE = re.compile(r'\bgive (\w+)')
# A builder counts the entries of a list from 0.
_ENTRY = re.compile(r'\[(\d+)\]')


def server_variable(option: str, site: Site) -> str:
    """The variable that ``option`` (dotted) of wandb_server comes from."""
    parts = option.split('.')
    two = '.'.join(parts[:2])
    if two in MADE_VARIABLES and site.members(MADE_VARIABLES[two][0]):
        return MADE_VARIABLES[two][1]
    if parts[0] == 'ingress':
        return f'wandb_server_ingress_{parts[1]}' if len(parts) > 1 else 'wandb_server_ingress_enabled'
    return SERVER_VARIABLES.get(two) or SERVER_VARIABLES.get(parts[0]) or f'wandb_server_{parts[0]}'


def operator_variable(option: str, _site: Site) -> str:
    """The variable that ``option`` of wandb_operator comes from."""
    name = option.split('.')[0]
    return OPERATOR_VARIABLES.get(name) or f'wandb_operator_{name}'


def told(given: Options, spec: Spec, build: Build, refusal: type[Exception]) -> Told:
    """All that a module would say of these options, at once: a broken one keeps no other one quiet."""
    values, broken = dict(given.values), set(given.failed)
    refused: list[str] = []
    result = ArgumentSpecValidator(dict(spec)).validate(dict(values))
    if result.error_messages:
        refused = [_named(message) for message in result.error_messages]
        broken |= {_top(message, spec) for message in refused}
        result = ArgumentSpecValidator(dict(spec)).validate({name: value for name, value in values.items() if name not in broken})
        if result.error_messages:
            return Told(refused, [], [])
    try:
        return Told(refused, [], build(result.validated_parameters))
    except refusal as error:
        return Told(refused, [problem for problem in getattr(error, 'problems', ()) if not broken & {_top(problem, spec), *_GIVE.findall(problem)}], [])


def _named(message: str) -> str:
    within, argument = _DICTIONARY.search(message), _ARGUMENT.search(message)
    found = ([within.group(1).replace(' -> ', '.')] if within else []) + ([argument.group(1) or argument.group(2)] if argument else [])
    return f'{".".join(found)}: {message}' if found else message


def _top(message: str, spec: Spec) -> str:
    return _split(message, spec)[0].split('.')[0]


def _split(message: str, spec: Spec) -> tuple[str, str]:
    """(option, rest) of a builder's sentence; an empty option where it begins with none."""
    match = _OPTION.match(message)
    if match and match.group().split('.')[0] in spec:
        return match.group(), message[match.end():].lstrip(': ')
    return '', message


def _in_variables(text: str, spec: Spec, variable: Variable, site: Site) -> str:
    """A builder's sentence with the inventory's names in place of the module's."""

    def named(match: re.Match[str]) -> str:
        option = match.group()
        parts = option.split('.')
        if option in SECRET_VARIABLES:
            return SECRET_VARIABLES[option]
        if parts[0] not in spec or not re.search('[._]', option):
            return option
        name = variable(option, site)
        whole = variable(parts[0], site)
        return '.'.join([name, *parts[1 if name == whole else 2:]])

    return _WITHIN_TEXT.sub(named, text)


def _found(sentences: Told, module: str, spec: Spec, variable: Variable, site: Site) -> t.Iterator[Found]:
    for messages, warning in ((sentences.refused + sentences.problems, False), (sentences.warnings, True)):
        for message in messages:
            option, rest = _split(message, spec)
            name = variable(option, site) if option else f'{module}_extra_values'
            inner = '.'.join(option.split('.')[1:])
            text = _in_variables(rest, spec, variable, site)
            # Of a dictionary, or a list of them, another rule may have named one key, and the builder another one.
            word = inner.partition('.')[0] if isinstance(site.value(name), t.Mapping) else ''
            entry = _ENTRY.match(text)
            if entry:
                word = f'entry {int(entry.group(1)) + 1}'
                text = f'{word}: {text[entry.end():].lstrip(".: ")}'
            yield Found(name, f'{inner}: {text}' if inner and not name.endswith(f'_{inner}') else text, hide=True, warning=warning, fallback=word)


def _build_server(values: dict[str, t.Any]) -> list[str]:
    # OpenShift's ids are the namespace's, which nobody has looked at yet.
    return builder.build(openshift.assumed(values) if openshift.wanted(values) else values).warnings


def _build_operator(values: dict[str, t.Any]) -> list[str]:
    return operator_values.build(values).warnings


_WHY = 'The module would refuse it, after the data services were made.'


@rule(
    'server-options', '(all that role server hands to module wandb_server)',
    why=_WHY,
    mend=_MEND.format('wandb_server'),
)
def server_options(site: Site) -> t.Iterator[Found]:
    """What role server would hand to its module makes a custom resource: chart, components, environment, sign-on, stores, values of your own.
    What the module would warn of is told."""
    spec, given = options.argument_spec(), site.modules.get('wandb_server')
    if given:
        yield from _found(told(given, spec, _build_server, builder.OptionsError), 'wandb_server', spec, server_variable, site)


@rule(
    'operator-options', '(all that role operator hands to module wandb_operator)',
    why=_WHY,
    mend=_MEND.format('wandb_operator'),
)
def operator_options_hold(site: Site) -> t.Iterator[Found]:
    """What role operator would hand to its module makes values of the operator's chart. What the module would warn of is told."""
    spec, given = operator_options.argument_spec(), site.modules.get('wandb_operator')
    if given:
        yield from _found(told(given, spec, _build_operator, operator_values.ValuesError), 'wandb_operator', spec, operator_variable, site)


RULES = (
    server_options, operator_options_hold,
)
