# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CORS rules as S3 writes them, and what becomes of ours among others."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils import s3_bucket as s3
from ansible_collections.wandb.onprem.plugins.module_utils.minio import Connection, MinioError

OURS = s3.Rule.of(s3.RULE, 3000, origins=['https://b.test', 'https://a.test'], methods=['PUT', 'GET'], headers=['*'], expose=['ETag'])
OLD = s3.Rule.of(s3.RULE, 60, origins=['https://old.test'], methods=['GET'], headers=[], expose=[])
NAMELESS = s3.Rule.of('', 3000, origins=['https://a.test', 'https://b.test'], methods=['GET', 'PUT'], headers=['*'], expose=['ETag'])
THEIRS = s3.Rule.of('theirs', 0, origins=['*'], methods=['GET'], headers=[], expose=[])


@pytest.mark.parametrize(('held', 'wanted'), [
    ([], [OURS]),
    ([OURS], [OURS]),
    ([OURS, THEIRS], [OURS, THEIRS]),
    ([THEIRS], [OURS, THEIRS]),
    ([THEIRS, OURS], [OURS, THEIRS]),
    ([OLD, THEIRS], [OURS, THEIRS]),
    ([THEIRS, OLD], [OURS, THEIRS]),
    ([NAMELESS], [NAMELESS]),
    ([THEIRS, NAMELESS], [OURS, THEIRS]),
])
def test_ours_is_the_first_and_those_of_others_stay(held, wanted):
    assert s3.with_ours(held, OURS) == wanted


def test_what_is_written_is_read_again():
    assert s3.parse(s3.compose([OURS, THEIRS])) == [OURS, THEIRS]


def test_a_document_of_aws_is_read():
    document = b"""<?xml version="1.0" encoding="UTF-8"?>
<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>
<ID>theirs</ID></CORSRule></CORSConfiguration>"""
    assert s3.parse(document) == [THEIRS]


@pytest.mark.parametrize('document', [b'', b'<html', b'{"a": 1}'])
def test_what_is_no_document_is_refused(document):
    with pytest.raises(ValueError, match='is no XML'):
        s3.parse(document)


class Answer:
    def __init__(self, status, code):
        self.status, self.data = status, f'<Error><Code>{code}</Code><Message>why</Message></Error>'.encode()


class Pool:
    def __init__(self, answer):
        self.answer = answer

    def request(self, method, url, body, headers):
        return self.answer


@pytest.mark.parametrize(('status', 'code', 'words'), [
    (501, 'NotImplemented', 'keeps no CORS rules'),
    (405, 'MethodNotAllowed', 'keeps no CORS rules'),
    (403, 'AccessDenied', 'may not read the CORS rules'),
    (500, 'InternalError', 'answered 500 InternalError'),
])
def test_refusals_are_told_with_the_mend(status, code, words):
    rules = s3.CorsRules(Connection('https://s3.test', 'k', 's'), Pool(Answer(status, code)))
    with pytest.raises(MinioError, match=words):
        rules.read('b')


def test_no_rules_are_an_empty_list():
    assert s3.CorsRules(Connection('https://s3.test', 'k', 's'), Pool(Answer(404, 'NoSuchCORSConfiguration'))).read('b') == []
