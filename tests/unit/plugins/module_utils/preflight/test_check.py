# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How rules are applied, and how what they find is shown."""

from __future__ import annotations

import re

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import RULES, SUBJECTS, check
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import HIDDEN, is_placeholder, shown
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site, Unreadable, whole


def made(*found, **more):
    """A rule that finds this, whatever it is given."""

    @rule('made', 'wandb_a', **{'why': 'for the test', 'mend': 'the rule\'s own mend', **more})
    def finds(site):
        """It holds."""
        yield from found

    return finds


SITE = Site(values={'wandb_a': 7, 'wandb_a_password': 'very-secret'}, hosts={'h1': {'wandb_a': 8}, 'h2': {'wandb_a': 8}})


def test_a_problem_names_rule_value_and_mend():
    told = check(SITE, [made(Found('wandb_a', 'is odd'))])
    assert told == [Problem('wandb_a', 'is odd', "the rule's own mend", 'site', 'made', '7', False)]
    assert str(told[0]) == "site: wandb_a = 7: is odd - the rule's own mend [made]"


def test_a_mend_of_its_own_goes_over_the_rules():
    assert [problem.mend for problem in check(SITE, [made(Found('wandb_a', 'is odd', 'write 8'))])] == ['write 8']


def test_a_problem_of_the_hosts_documentation_has_no_rule():
    assert str(Problem('h1', 'is off', 'switch it on', where='hosts')) == 'hosts: h1: is off - switch it on'


def test_all_problems_of_all_rules_come():
    assert len(check(SITE, [made(Found('wandb_a', 'one'), Found('wandb_b', 'two')), made(Found('wandb_c', 'three'))])) == 3


def test_the_same_on_several_hosts_is_told_once():
    told = check(SITE, [made(Found('wandb_a', 'is even', where='h1'), Found('wandb_a', 'is even', where='h2'), Found('wandb_a', 'is odd'))])
    assert [(problem.where, problem.why, problem.value) for problem in told] == [('h1, h2', 'is even', '8'), ('site', 'is odd', '7')]


def test_warnings_are_apart():
    told = check(SITE, [made(Found('wandb_a', 'x'), warning=True), made(Found('wandb_a', 'y', warning=True), Found('wandb_a', 'z'))])
    assert [problem.warning for problem in told] == [True, True, False]


@pytest.mark.parametrize(('word', 'told'), [(None, True), ('', False), ('port', False), ('host', True)])
def test_what_another_rule_has_said_is_not_said_again(word, told):
    problems = check(SITE, [made(Found('wandb_a', 'port is 0')), made(Found('wandb_a', 'again', fallback=word))])
    assert [problem.why for problem in problems] == ['port is 0', 'again'][:2 if told else 1]


def test_a_warning_keeps_no_refusal_quiet():
    later = made(Found('wandb_a', 'refused', fallback=''), Found('wandb_a', 'told', fallback='', warning=True))
    problems = check(SITE, [made(Found('wandb_a', 'x', warning=True)), later])
    assert [problem.why for problem in problems] == ['x', 'refused']


def test_a_secrets_value_is_never_told():
    told = check(SITE, [made(Found('wandb_a_password', 'is weak'))])
    assert told[0].value == HIDDEN
    assert 'very-secret' not in str(told[0].as_dict())


def test_a_hidden_value_is_not_told():
    assert check(SITE, [made(Found('wandb_a', 'is odd', hide=True))])[0].value == ''


@pytest.mark.parametrize(('variable', 'value', 'text'), [
    ('wandb_a', None, ''),
    ('wandb_a', '', ''),
    ('wandb_a', True, 'true'),
    ('wandb_a', 3, '3'),
    ('wandb_a', 'text', "'text'"),
    ('wandb_a', 'x' * 70, repr('x' * 57 + '...')),
    ('wandb_a', 'one\ntwo', "'one'"),
    ('wandb_a', 'https://user:very-secret@host/p', "'https://user:(hidden)@host/p'"),
    ('wandb_a', 'https://user:very@secret@host', "'https://user:(hidden)@host'"),
    ('wandb_a', '-----BEGIN PRIVATE KEY-----\nvery-secret', '(PEM text)'),
    ('wandb_a', {'pasword': 'very-secret'}, '(a dictionary of 1)'),
    ('wandb_a', ['very-secret'], '(a list of 1)'),
    ('wandb_mysql_password', 'very-secret', HIDDEN),
    ('wandb_license', 'very-secret', HIDDEN),
    ('wandb_pki_private_key', 'very-secret', HIDDEN),
    ('wandb_verify_api_key', 'very-secret', HIDDEN),
    ('wandb_oidc_secret', 'very-secret', HIDDEN),
    ('wandb_a', Unreadable('x'), ''),
])
def test_how_a_value_is_shown(variable, value, text):
    assert shown(variable, value) == text


@pytest.mark.parametrize(('value', 'answer'), [('CHANGE-ME', True), ('change_me.example.com', True), ('<your key>', True), ('ch4ngem3', False), (3, False)])
def test_what_is_a_placeholder(value, answer):
    assert is_placeholder(value) is answer


@pytest.mark.parametrize(('value', 'number'), [(3, 3), ('3', 3), (' -3 ', -3), (True, None), ('3.5', None), ('', None), (None, None), ([], None)])
def test_what_is_a_whole_number(value, number):
    assert whole(value) == number


def test_a_site_that_says_nothing_answers_with_nothing():
    site = Site(values={'wandb_x': Unreadable('y')})
    for name in ('wandb_x', 'wandb_y'):
        assert (site.value(name), site.text(name), site.number(name), site.flag(name)) == (None, '', None, False)
        assert (site.mapping(name), site.entries(name), site.dictionaries(name), site.text(name, 'nobody')) == ({}, [], [], '')
    assert (site.has('wandb_x'), site.has('wandb_y')) == (True, False)
    assert site.api_host_is_controller


def test_rules_have_all_that_the_documentation_tells():
    ids = [one.id for one in RULES]
    assert len(ids) == len(set(ids))
    assert sum(len(rules) for rules in SUBJECTS.values()) == len(RULES)
    for one in RULES:
        assert re.fullmatch(r'[a-z]+(-[a-z]+)*', one.id), one.id
        assert one.variables, one.id
        assert one.demand.endswith(('.', '.)')), one.id
        assert one.why.endswith(('.', '. ')), one.id
        assert one.mend, one.id
        assert not one.mend.endswith('.'), one.id
