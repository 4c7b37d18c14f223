# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords that hurt: MySQL, Redis, bucket and mail get each of five, by playbook site; clients, and the server through them, still connect."""

from __future__ import annotations

import pathlib
import sys
import urllib.parse

import minio
import pymysql
import redis
import urllib3

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from tests.drills.pair import Pair, must, say
from tests.site.outside import HOST, Site

# MinIO takes 40 bytes at most, of which two tell the services' secrets apart.
SHAPES = {
    'url': 'p@ss:word/with?all#of%41%zz&it=1+2;end',
    'quotes': 'it\'s "quoted" `twice` back\\slash\\n end',
    'shell': '$HOME ${PATH} $(id) !x *? ~ > <e | & ;',
    'template': '{{ 7*7 }} {% raw %} {# # $(A) %(b)s ${',
    'unicode': 'pässwörd 日本語 🎉 ñ end',
}
SECRETS = ('wandb_mysql_password', 'wandb_redis_password', 'wandb_minio_secret_key', 'wandb_smtp_password')
# Nothing is sent: what the server is told of the mail server is read.
MAIL = "wandb_server_smtp: {host: mail.lab.test, port: 587, user: wandb, mail_from: wandb@lab.test}\n"


def given(pair: Pair, shape: str) -> dict[str, str]:
    """A secret each, all different, in a file of extra variables; nothing of it is a template."""
    secrets = {name: f'{number}{SHAPES[shape]}{number}' for number, name in enumerate(SECRETS)}
    lines = [f"{name}: !unsafe '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in secrets.items()]
    (pair.lab.state_dir / 'nasty.yml').write_text(''.join(lines) + MAIL, encoding='utf-8')
    return secrets


def clients(site: Site, secrets: dict[str, str]) -> None:
    """Each service takes the secret from a client, and refuses another one."""
    options = {'host': site.mysql_address, 'user': 'wandb_local', 'database': 'wandb_local', 'ssl_ca': str(site.ca)}
    pymysql.connect(**options, password=secrets['wandb_mysql_password'].encode()).close()
    try:
        pymysql.connect(**options, password=site.secrets['wandb_mysql_password']).close()
    except pymysql.err.OperationalError:
        say('MySQL takes it, and the one before no more')
    else:
        must(False, 'MySQL refuses the password of before')
    must(redis.Redis(host=site.redis_address, password=secrets['wandb_redis_password'], ssl=True, ssl_ca_certs=str(site.ca)).ping(), 'Redis takes it')
    store = minio.Minio(
        endpoint=f'{site.address("s3-1")}:9000', access_key=site.secrets['wandb_minio_access_key'], secret_key=secrets['wandb_minio_secret_key'],
        region='us-east-1', http_client=urllib3.PoolManager(ca_certs=str(site.ca)))
    must(store.bucket_exists(bucket_name='wandb'), 'the store takes it')


def server(site: Site, secrets: dict[str, str]) -> None:
    """The server works with all of them; its mail password comes back out of the address that it is told."""
    must(site.request('GET', f'https://{HOST}/ready').status == 200, 'the server is ready')
    site.make_run()
    encoded = site.kubectl('-n', 'wandb', 'get', 'secret', 'wandb-smtp-in', '-o', 'go-template={{.data.SMTP_PASSWORD | base64decode}}')
    address = urllib.parse.urlsplit(f'smtp://wandb:{encoded}@mail.lab.test:587')
    must((address.hostname, urllib.parse.unquote(address.password or '')) == ('mail.lab.test', secrets['wandb_smtp_password']), 'and the mail password whole')


def shape(pair: Pair, site: Site, name: str) -> None:
    """One shape for all."""
    secrets = given(pair, name)
    extra = ('-e', f'@{pair.lab.state_dir / "nasty.yml"}')
    output = pair.play('site', *extra)
    must(not [value for value in secrets.values() if value in output], f'{name}: site ends well, and prints none of them')
    clients(site, secrets)
    server(site, secrets)


def main() -> None:
    """Every shape; then back to the site's own."""
    pair, site = Pair(), Site()
    try:
        for name in [name for name in SHAPES if not sys.argv[1:] or name in sys.argv[1:]]:
            say(f'--- {name}')
            shape(pair, site, name)
        extra = ('-e', f'@{pair.lab.state_dir / "nasty.yml"}')
        must(pair.changed(pair.play('site', *extra)) == 0, 'a further run changes nothing')
    finally:
        pair.play('site')
        (pair.lab.state_dir / 'nasty.yml').unlink(missing_ok=True)
    must(site.request('GET', f'https://{HOST}/ready').status == 200, "with the site's own secrets it is ready again")
    say('all of it holds')


if __name__ == '__main__':
    main()
