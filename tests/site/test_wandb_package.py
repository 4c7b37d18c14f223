# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real `wandb` package itself checks of a site (`wandb verify`), strictly: not one cross. The server behind it is the lab's stand-in."""

from __future__ import annotations

import datetime

import minio
import pytest

from tests.site.outside import HOST, STORE
from tests.wandb_package import FAILED, LARGE_POST, PASSED, SIGNED_URL, said


@pytest.fixture(scope='module')
def signed_url(site):
    """Of an object through the proxy, signed with the application's key."""
    signer = minio.Minio(STORE, site.secrets['wandb_minio_access_key'], site.secrets['wandb_minio_secret_key'], region='us-east-1')
    return signer.presigned_get_object('wandb', 'anything', expires=datetime.timedelta(hours=1))


def ways(site):
    return {'names': {HOST: site.address('lb-1'), STORE: site.address('lb-1')}, 'ca': str(site.ca)}


def test_https_and_cors_of_a_signed_url(site, signed_url):
    text = said(SIGNED_URL, signed_url, f'https://{HOST}', **ways(site))
    assert (text.count(PASSED), text.count(FAILED)) == (2, 0), text


def test_a_foreign_origin_fails_the_check_of_cors(site, signed_url):
    text = said(SIGNED_URL, signed_url, 'https://foreign.test', **ways(site))
    assert (text.count(PASSED), text.count(FAILED)) == (1, 1), text


def test_a_large_post_through_the_proxy(site):
    text = said(LARGE_POST, **ways(site), WANDB_BASE_URL=f'https://{HOST}', WANDB_API_KEY=site.secrets['wandb_verify_api_key'])
    assert (text.count(PASSED), text.count(FAILED)) == (1, 0), text
