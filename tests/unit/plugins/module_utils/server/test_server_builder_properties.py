# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of the builder for every set of options: 1,000 generated ones (server_strategies.py)."""

from __future__ import annotations

import dataclasses
import functools

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import encoded, has_credentials
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import SECRET_NAMES
from ansible_collections.wandb.onprem.plugins.module_utils.server.parts.extra import CLEAR_SECRETS
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get, null_paths, put
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from server_options import site
from server_strategies import NO_VALUES, SPEC, option_sets

EXAMPLES = 1000
# No shrinking: it takes minutes on sets of this size, and the lost leaf is named without.
thousand = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow]
)


@dataclasses.dataclass
class Result:
    """What became of one set: its spec, or the problems; ``said`` is all that the user reads."""

    spec: dict
    said: list

    @classmethod
    def of(cls, options):
        try:
            built = build(options, {'mysql': 'abc'})
        except OptionsError as error:
            return cls({}, sorted(error.problems))
        return cls(built.spec, sorted(built.warnings))


def leaves(value, path=()):
    """(path, leaf); an entry of a list has its index in the path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif value not in (None, ''):
        yield path, value


def dotted(path):
    return ''.join(f'[{part}]' if isinstance(part, int) else f'.{part}' for part in path).lstrip('.')


@functools.cache
def choices(path):
    """Choices of an option of the spec, or None."""
    spec, found = SPEC, {}
    for part in (part for part in path if not isinstance(part, int)):
        found = spec.get(part, {})
        spec = found.get('options', {})
    return found.get('choices')


def no_effect(path, options):
    """Leaves that say nothing where they stand, as the documentation has it; they cannot be told from a default."""
    store = get(options, path[:1]) if path[0] in ('bucket', 'default_bucket') else options[path[0]][path[1]] if path[0] == 'team_buckets' else None
    if store is None:
        return False
    key = path[-1]
    keyless = store['provider'] == 'gcs' and path[0] != 'team_buckets'
    return (
        # Port and TLS are the host's.
        (key in ('port', 'tls') and not store['host'])
        or (key == 'tls' and store['provider'] == 'cw')
        # Azure has one key, GCS none (told by a warning).
        or (key == 'secret_key_key' and store['provider'] == 'az')
        or ('secret' in path and keyless)
        # "CoreWeave without keys is allowed as a whole (cw://); name, path and host are given in the app", told by a warning.
        or (path[0] == 'team_buckets' and store['provider'] == 'cw' and not store['secret'] and key in ('name', 'path', 'host', 'port'))
    )


def told(path, notes):
    """Whether a note names this option, or the free map that it stands in."""
    return any(dotted(path[:length]) in notes for length in range(2 if len(path) > 1 else 1, len(path) + 1))


def in_spec(value, strings, numbers):
    if isinstance(value, (int, float)):
        return value in numbers or str(value) in strings
    # Bundles are split; what ends in a URL is percent-encoded.
    wanted = (line for line in value.splitlines() if not line.startswith('-----'))
    return all(any(form(part) in strings for form in (str, encoded, lambda one: encoded(one, '/'), lambda one: encoded(one, '/:.'))) for part in wanted)


def flipped(path, value, options):
    """The same options with ``value`` at this place."""
    if not path:
        return value
    part, *rest = path
    changed = list(options) if isinstance(options, list) else dict(options)
    changed[part] = flipped(rest, value, options[part])
    return changed


def another(path, value):
    return not value if isinstance(value, bool) else next(one for one in reversed(choices(path)) if one != value)


def lost(options, result, turn):
    """Leaves of the options of which nothing is found in the result. Every eighth of those that have to be tried out is, from ``turn`` on."""
    outputs = [leaf for _other, leaf in leaves(result.spec)]
    strings = '\n'.join(leaf for leaf in outputs if isinstance(leaf, str))
    notes = '\n'.join(result.said)
    numbers = {leaf for leaf in outputs if isinstance(leaf, (int, float)) and not isinstance(leaf, bool)}
    for path, value in leaves(options):
        if path[0] in NO_VALUES or no_effect(path, options) or (notes and told(path, notes)):
            continue
        if isinstance(value, bool) or choices(path):
            # No text to look for: another value has to make a difference.
            turn += 1
            if turn % 8 == 0 and Result.of(flipped(path, another(path, value), options)) == result:
                yield path, value
        elif not in_spec(value, strings, numbers):
            yield path, value


def turned(value):
    """Equal, with every map in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(list(value))}
    return [turned(inner) for inner in value] if isinstance(value, list) else value


def test_generated_sets_are_built_alike_without_nulls_without_secrets_and_lose_nothing():
    accepted = []

    @thousand
    @given(option_sets(), st.integers(0, 7))
    def check(options, turn):
        before = repr(options)
        result = Result.of(options)
        assert repr(options) == before, 'the options were changed'
        assert Result.of(turned(options)) == result
        if not result.spec:
            return
        accepted.append(1)
        assert null_paths(result.spec) == []
        assert not [path for path, leaf in leaves(result.spec) if isinstance(leaf, str) and has_credentials(leaf)]
        for path, _other in CLEAR_SECRETS:
            assert not isinstance(get(result.spec['values'], path.split('.')), str)
        assert list(lost(options, result, turn)) == []

    check()
    assert len(accepted) >= EXAMPLES * 0.95, f'{len(accepted)} of {EXAMPLES}: the sets have become too wrong to show much'


CLEAR_PLACES = [('extra_values', *path.split('.')) for path, _other in CLEAR_SECRETS] + [
    (*place, name)
    for name in sorted(SECRET_NAMES)
    for place in (('env',), ('components', 'app', 'env'), ('extra_values', 'global', 'extraEnv'), ('extra_values', 'app', 'env'))
]


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(CLEAR_PLACES), st.text('abc%+/= "', min_size=1))
def test_a_secret_in_clear_is_refused_wherever_it_stands(place, secret):
    options = site(components={}, env={}, extra_values={})
    put(options, place, secret)
    with pytest.raises(OptionsError) as caught:
        build(options)
    assert dotted(place) in str(caught.value)
