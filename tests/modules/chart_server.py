# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for a chart repository and an OCI registry, just enough for `helm pull`: one chart, one login, HTTP or HTTPS.

    with chart_server.serving(archive, login=('user', 'word'), ca=folder) as server:
        server.url, server.host, server.seen, server.ca_file
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import http.server
import json
import pathlib
import ssl
import tarfile
import threading

import yaml

MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
CONFIG = 'application/vnd.cncf.helm.config.v1+json'
LAYER = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'


@dataclasses.dataclass
class Server:
    """Where it listens, and the Authorization header of each request it got."""

    host: str
    url: str
    ca_file: str
    seen: list[tuple[str, str]]


def digest(content: bytes) -> str:
    return 'sha256:' + hashlib.sha256(content).hexdigest()


def metadata_of(archive: pathlib.Path) -> dict:
    with tarfile.open(archive) as packed:
        name = next(one for one in packed.getnames() if one.count('/') == 1 and one.endswith('/Chart.yaml'))
        return yaml.safe_load(packed.extractfile(name))


def pages_of(archive: pathlib.Path) -> dict[str, tuple[str, bytes]]:
    """path -> (content type, content), of both kinds of server."""
    content, chart = archive.read_bytes(), metadata_of(archive)
    name, version = chart['name'], chart['version']
    index = {'apiVersion': 'v1', 'entries': {name: [{'name': name, 'version': version, 'apiVersion': 'v2', 'urls': [f'{name}-{version}.tgz'],
                                                     'digest': hashlib.sha256(content).hexdigest()}]}}
    config = json.dumps(chart).encode()
    manifest = json.dumps({'schemaVersion': 2, 'mediaType': MANIFEST, 'config': {'mediaType': CONFIG, 'digest': digest(config), 'size': len(config)},
                           'layers': [{'mediaType': LAYER, 'digest': digest(content), 'size': len(content)}]}).encode()
    registry = f'/v2/charts/{name}'
    return {
        '/repo/index.yaml': ('application/yaml', yaml.safe_dump(index).encode()),
        f'/repo/{name}-{version}.tgz': ('application/gzip', content),
        '/v2/': ('application/json', b'{}'),
        f'{registry}/tags/list': ('application/json', json.dumps({'name': f'charts/{name}', 'tags': [version]}).encode()),
        f'{registry}/manifests/{version}': (MANIFEST, manifest),
        f'{registry}/manifests/{digest(manifest)}': (MANIFEST, manifest),
        f'{registry}/blobs/{digest(config)}': ('application/octet-stream', config),
        f'{registry}/blobs/{digest(content)}': ('application/octet-stream', content),
    }


def certificate(folder: pathlib.Path) -> tuple[str, str]:
    """Files of a self-signed certificate for 127.0.0.1 and of its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'chart server')])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )
    crt, private = folder / 'server.crt', folder / 'server.key'
    crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return str(crt), str(private)


@contextlib.contextmanager
def serving(archive, login=None, ca=None):
    """A Server; HTTPS if `ca` is a folder for its certificate."""
    pages, seen = pages_of(archive), []
    wanted = 'Basic ' + base64.b64encode(':'.join(login).encode()).decode() if login else ''

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            given = self.headers.get('Authorization', '')
            seen.append((self.path, given))
            if wanted and given != wanted:
                self.reply(401, 'text/plain', b'unauthorized', body)
            elif self.path in pages:
                self.reply(200, *pages[self.path], body)
            else:
                self.reply(404, 'application/json', b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}', body)

        def reply(self, code, kind, content, body):
            self.send_response(code)
            if code == 401:
                self.send_header('WWW-Authenticate', 'Basic realm="charts"')
            self.send_header('Content-Type', kind)
            self.send_header('Content-Length', str(len(content)))
            if kind == MANIFEST:
                self.send_header('Docker-Content-Digest', digest(content))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_arguments):
            """Tests print enough."""

    listener = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    host, ca_file = f'127.0.0.1:{listener.server_address[1]}', ''
    if ca:
        ca_file, key = certificate(ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ca_file, key)
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield Server(host, f'http{"s" if ca else ""}://{host}', ca_file, seen)
    finally:
        listener.shutdown()
        listener.server_close()
