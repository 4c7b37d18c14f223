# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/guide_keys.md: every key of W&B's hosting guide, its option, and where it goes in both eras of the chart.

Nothing of where a key goes is written by hand: each key of guide_keys.yml is put into a whole site's values, the custom
resource is built twice, with and without it (or with another value), and what differs is where it went.

Usage: guide_keys.py [--check]: --check only compares and fails when the committed file is another.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import pathlib
import re
import sys
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / '.cache' / 'collections'))

from ansible_collections.wandb.onprem.plugins.module_utils.operator_values import build as build_operator
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.guide import with_guide
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.parts.pods import ANNOTATION_PREFIX
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get, merge, put
from ansible_collections.wandb.onprem.plugins.modules.wandb_operator import argument_spec as operator_spec
from ansible_collections.wandb.onprem.plugins.modules.wandb_server import argument_spec

KEYS = ROOT / 'tools' / 'guide_keys.yml'
PAGE = ROOT / 'docs' / 'guide_keys.md'
# The guide's own chart, and today's.
ERAS = {'< 0.33': '0.18.0', '>= 0.33': '0.43.8'}
EVIDENCE = ('seen', 'rendered', 'unverified', 'refused')
COMPONENT = '<component>'
NOTHING = object()

Leaves = dict[tuple[str, ...], t.Any]


class KeyListError(Exception):
    """A row of guide_keys.yml does not do what it says."""


@dataclasses.dataclass
class Row:
    """One line of a table; ``places``: era -> where it went."""

    key: str
    sample: str
    option: str
    places: dict[str, str]
    evidence: str
    facts: str
    remark: str = ''


@functools.cache
def key_list() -> dict[str, t.Any]:
    """The committed list; not to be changed."""
    return t.cast('dict[str, t.Any]', yaml.safe_load(KEYS.read_text(encoding='utf-8')))


def defaults(spec: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Options as a module gets them when nothing is said."""
    return {
        name: defaults(one['options']) if one.get('default') == {} and 'options' in one else one.get('default') for name, one in spec.items()
    }


def leaves(value: t.Any, path: tuple[str, ...] = ()) -> Leaves:
    """Path -> value of everything that is no map; a list is one value."""
    if isinstance(value, dict):
        return {inner: found for key, one in value.items() for inner, found in leaves(one, (*path, str(key))).items()}
    return {path: value}


def differing(one: t.Any, other: t.Any) -> Leaves:
    """Leaves of ``one`` that ``other`` has not, or has otherwise."""
    theirs = leaves(other)
    return {path: value for path, value in leaves(one).items() if value is not None and theirs.get(path, NOTHING) != value}


def without(values: dict[str, t.Any], path: list[str]) -> None:
    """Take a key out where it is."""
    place = get(values, path[:-1])
    if isinstance(place, dict):
        place.pop(path[-1], None)


def site(row: t.Mapping[str, t.Any], key: str, value: t.Any, version: str) -> dict[str, t.Any]:
    """Options of a site whose guide_values have ``key`` at ``value`` (NOTHING: have it not)."""
    values = copy.deepcopy(key_list()['base'])
    for path in row.get('without', ()):
        without(values, path.split('.'))
    values = merge(values, copy.deepcopy(row.get('with', {})))
    if value is NOTHING:
        without(values, key.split('.'))
    else:
        put(values, key.split('.'), copy.deepcopy(value))
    options = defaults(argument_spec())
    # The chart's own security contexts, or the module's would hide what a key adds.
    options['security_context']['preset'] = 'chart'
    options['install'] = {'prometheus': False, 'otel': False}
    return {**options, 'guide_values': values, 'chart': {'path': '/charts/operator-wandb'}, 'chart_version': version}


def spec_values(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """``spec.values``, without the checksums of all settings, which follow every key."""
    return t.cast('dict[str, t.Any]', unannotated(build(options).spec['values']))


def unannotated(values: t.Any) -> t.Any:
    """A copy without the annotations that the module makes itself."""
    if not isinstance(values, dict):
        return values
    return {key: unannotated(one) for key, one in values.items() if not key.startswith(ANNOTATION_PREFIX)}


def paths(found: Leaves, sample: t.Any) -> str:
    """Paths as text, with the value where it became another. The same key of three or more components is told once."""
    tails: dict[tuple[str, ...], list[str]] = {}
    for path in found:
        tails.setdefault(path[1:], []).append(path[0])
    texts: list[str] = []
    for path, value in sorted(found.items()):
        alike = tails[path[1:]]
        name = '.'.join(path) if len(alike) < 3 else '.'.join((COMPONENT, *path[1:])) + f' ({", ".join(sorted(alike))})'
        became = '' if value == sample or (isinstance(sample, dict) and value in sample.values()) else f': {shown(value)}'
        texts.append(f'`{name}`{became}')
    return '<br>'.join(dict.fromkeys(texts))


def shown(value: t.Any) -> str:
    """A value on one line, in YAML's flow form; long texts are cut."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6).replace('\n...', '').strip()
    text = text if 'BEGIN CERTIFICATE' not in text else '<PEM>' if isinstance(value, str) else '[<PEM>]'
    return '`' + text.replace('|', '\\|') + '`'


def traced(row: t.Mapping[str, t.Any], key: str) -> Row:
    """Where a key of the values goes. Raises KeyListError where the list and the builder disagree."""
    sample, other = row['sample'], row.get('other', NOTHING)
    places: dict[str, str] = {}
    option, before = '', ''
    result = Row(key, shown(sample), '', {}, row['evidence'], row['facts'])
    for era, version in ERAS.items():
        options = site(row, key, sample, version)
        if row['evidence'] == 'refused':
            try:
                build(options)
            except OptionsError as error:
                told = [problem for problem in error.problems if key in problem or key.split('.')[0] in problem]
                result.remark = told[0] if told else ''
                places[era] = 'refused'
            if not result.remark or shown(sample).strip('`') in result.remark:
                raise KeyListError(f'{key}: is not refused (or its value is echoed)')
            continue
        try:
            here, there = spec_values(options), spec_values(site(row, key, other, version))
        except OptionsError as error:
            if row.get('before') == 'refused' and era == '< 0.33':
                places[era] = 'refused'
                before = f'charts {era}: {error}'
                continue
            raise KeyListError(f'{key}: the sample does not build: {error}') from error
        found = differing(here, there)
        if not found and sample is not None and leaves(sample) and get(here, key.split('.')) == sample:
            # The module writes it anyway.
            found = {tuple(key.split('.')): sample}
        places[era] = paths(found, sample) or 'left out'
        notes = Notes()
        changed = differing(with_guide(options, notes), with_guide(site(row, key, other, version), Notes()))
        changed = {path: value for path, value in changed.items() if path[0] != 'guide_values'}
        option = '<br>'.join(f'`{".".join(path)}`' for path in sorted(changed))
        said = [*notes.translations, *notes.warnings]
        result.remark = '<br>'.join(text for text in said if key in text or text.startswith(tuple(f'{up} ' for up in parents(key))))
    if bool(before) != ('before' in row):
        raise KeyListError(f'{key}: is not refused by charts before 0.33')
    result.remark = '<br>'.join(text for text in (result.remark, before) if text)
    if row['evidence'] == 'refused':
        target = result.remark.rsplit(' ', 1)[-1]
        option = f'`{target}`'
    result.option, result.places = option or '-', places
    return result


def parents(key: str) -> list[str]:
    """``a.b.c`` -> ``['a.b', 'a']``."""
    parts = key.split('.')
    return ['.'.join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]


def generic(row: Row, name: str) -> Row:
    """The row with ``<component>`` for one component's name."""

    def told(text: str) -> str:
        return re.sub(rf'(?<![\w.-]){name}(?=[.:])|(?<=\.){name}(?=[.:])', COMPONENT, text)

    places = {era: told(place) for era, place in row.places.items()}
    return dataclasses.replace(row, key=told(row.key), option=told(row.option), places=places, remark=told(row.remark))


def value_rows() -> list[Row]:
    """Rows of the keys under spec.values; components that fare alike share one."""
    rows = []
    for row in key_list()['keys']:
        if row['evidence'] not in EVIDENCE:
            raise KeyListError(f'{row["key"]}: evidence is one of {", ".join(EVIDENCE)}')
        names = row.get('components', [''])
        found = []
        for name in names:
            one = traced(row, row['key'].replace(COMPONENT, name))
            found.append(generic(one, name) if name else one)
        for one in found:
            if one != found[0]:
                raise KeyListError(f'{row["key"]}: {names[found.index(one)]} fares otherwise than {names[0]}; give it a row of its own')
        if names != ['']:
            found[0].key += f' ({", ".join(names)})'
        rows.append(found[0])
    return rows


def beside(row: t.Mapping[str, t.Any]) -> Row:
    """The row of a key that goes where it stood in the guide."""
    return Row(row['key'], shown(row['sample']), f'`{row["option"]}`', {'today': f'`{row["key"]}`'}, row['evidence'], row['facts'])


def beside_rows() -> list[tuple[str, Row]]:
    """(module, row) of what the guide writes beside spec.values: taken by an option of the same meaning."""
    rows = []
    listed = key_list()
    for row in listed['chart']:
        first = site({}, 'global.host', 'https://wandb.example.com', ERAS['>= 0.33'])
        chart = {one['option'].split('.')[1]: one['sample'] for one in listed['chart']}
        spec = build({**first, 'chart': chart, 'chart_version': None}).spec
        if get({'spec': spec}, row['key'].split('.')) != row['sample']:
            raise KeyListError(f'{row["key"]} does not come from {row["option"]}')
        rows.append(('wandb_server', beside(row)))
    for row in listed['operator']:
        options = {**defaults(operator_spec()), 'image_tag': '1.22.0'}
        changed = differing(build_operator({**options, row['option']: row['sample']}).values, build_operator(options).values)
        if set(changed) != {tuple(row['key'].split('.'))}:
            raise KeyListError(f'{row["key"]} of the operator does not come from {row["option"]} alone')
        rows.append(('wandb_operator', beside(row)))
    return rows


def page() -> str:
    """The page as it has to be."""
    lines = [
        '# The keys of W&B\'s hosting guide, and where they go today',
        '',
        '<!-- Written by tools/guide_keys.py; change tools/guide_keys.yml or the builder, then run it again. -->',
        '',
        'Values as the guide writes them can be pasted into `guide_values` of module `wandb.onprem.wandb_server`. This table tells, for every key of the',
        "guide's configuration reference and of its air-gapped example, which option it becomes and what is then written to `spec.values`, for charts",
        f'before 0.33 (built for {ERAS["< 0.33"]}, the guide\'s own) and since 0.33 (built for {ERAS[">= 0.33"]}). It is made by building the custom resource',
        'with and without each key.',
        '',
        'Evidence is of charts since 0.33; charts before were not run, their keys are read from the chart\'s history.',
        '',
        '- **seen**: its effect was seen, on a running operator with the real chart or in the pod rendered from it.',
        '- **rendered**: it was read from the templates of the chart, or the source of the operator.',
        '- **unverified**: nobody has seen an effect.',
        '- **refused**: the module does not take it; the remark says what instead.',
        '',
        'The number behind the evidence is the section of the facts (`facts/wandb.md`) that it stands on.',
        '',
        '## `spec.values`',
        '',
        '| key of the guide | sample | option | ' + ' | '.join(f'charts {era}' for era in ERAS) + ' | evidence | remark |',
        '|---|---|---|' + '---|' * len(ERAS) + '---|---|',
    ]
    for row in value_rows():
        lines.append('| ' + ' | '.join([f'`{row.key}`', row.sample, row.option, *row.places.values(), f'{row.evidence} ({row.facts})', row.remark]) + ' |')
    lines += [
        '',
        '## Beside `spec.values`',
        '',
        'The guide\'s `spec.chart`, and the values of the operator\'s own chart. They are not pasted; the option is given.',
        '',
        '| key of the guide | sample | module | option | where it goes | evidence |',
        '|---|---|---|---|---|---|',
    ]
    for module, row in beside_rows():
        lines.append('| ' + ' | '.join([f'`{row.key}`', row.sample, f'`{module}`', row.option, row.places['today'], f'{row.evidence} ({row.facts})']) + ' |')
    return '\n'.join(lines) + '\n'


def main(arguments: t.Sequence[str]) -> int:
    """Write the page, or compare it."""
    wanted = page()
    if '--check' in arguments:
        if PAGE.read_text(encoding='utf-8') == wanted:
            return 0
        print('docs/guide_keys.md is not what tools/guide_keys.py makes of the present builder: run it', file=sys.stderr)
        return 1
    PAGE.write_text(wanted, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
