# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app's three links, made of the env that its chart gives it: MySQL, Redis, the bucket."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .s3 import Bucket

TIMEOUT = 5


class LinkError(Exception):
    """A link failed; the text is the driver's."""

    def __init__(self, link: str, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.link = link


@contextmanager
def told_as(link: str) -> Iterator[None]:
    try:
        yield
    except LinkError:
        raise
    except Exception as error:
        raise LinkError(link, error) from error


def parameters(query: str) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(query, keep_blank_values=True).items()}


def is_true(value: str) -> bool:
    return value.lower() in ("true", "1", "yes")


def parse_url(url: str, scheme: str) -> dict[str, Any]:
    """A password that is not percent-encoded breaks here, as it breaks the real app."""
    parts = urlsplit(url)
    if parts.scheme != scheme:
        raise ValueError(f"not a {scheme}:// URL")
    return {
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": parts.hostname or "",
        "port": parts.port,
        "path": parts.path.lstrip("/"),
        "params": parameters(parts.query),
    }


def verifying(cafile: str | None = None) -> ssl.SSLContext:
    """As strict as Go's and MySQL's own clients: Python >= 3.13 also refuses a CA without the key usage extension, which they take."""
    context = ssl.create_default_context(cafile=cafile)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trust(env: Mapping[str, str]) -> ssl.SSLContext:
    """SSL_CERT_FILE and every file in the folders of SSL_CERT_DIR, as Go's library reads them."""
    context = verifying()
    files = [Path(env["SSL_CERT_FILE"])] if env.get("SSL_CERT_FILE") else []
    for folder in filter(None, env.get("SSL_CERT_DIR", "").split(":")):
        files += sorted(path for path in Path(folder).glob("*") if path.is_file()) if Path(folder).is_dir() else []
    for path in files:
        try:
            context.load_verify_locations(cafile=str(path))
        except (OSError, ssl.SSLError):
            continue  # Not every file in there is a certificate.
    return context


class Mysql:
    """`$MYSQL`. TLS is used when the server offers it, and not verified: `tls=preferred`, the chart's fixed choice."""

    def __init__(self, url: str) -> None:
        self.settings = parse_url(url, "mysql")
        self.database = self.settings["path"]

    def connect(self, **options: Any) -> Any:
        # PyMySQL asks for the user's name as it is imported; an OpenShift user id has none.
        os.environ.setdefault("LOGNAME", "app")
        import pymysql

        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        wanted = {
            "host": self.settings["host"],
            "port": self.settings["port"] or 3306,
            "user": self.settings["user"],
            "password": self.settings["password"],
            "database": self.database,
            "charset": "utf8mb4",
            "connect_timeout": TIMEOUT,
            "read_timeout": TIMEOUT,
            "write_timeout": TIMEOUT,
            "cursorclass": pymysql.cursors.DictCursor,
            "ssl": unverified,
            "autocommit": True,
        }
        wanted.update(options)
        # As Go's driver and MySQL's own clients send it; PyMySQL would take Latin-1.
        wanted["password"] = wanted["password"].encode()
        return pymysql.connect(**wanted)

    @contextmanager
    def cursor(self, **options: Any) -> Iterator[Any]:
        with told_as("mysql"):
            connection = self.connect(**options)
            try:
                with connection.cursor() as cursor:
                    yield cursor
            finally:
                connection.close()

    def check(self) -> None:
        with self.cursor() as cursor:
            cursor.execute("SELECT 1 FROM runs LIMIT 1")


class Redis:
    """`$REDIS`. With `tls=true` the server's certificate is verified: against `caCertPath`, else against what the pod trusts."""

    def __init__(self, url: str, env: Mapping[str, str]) -> None:
        settings = parse_url(url, "redis")
        params = settings["params"]
        if "master" in params:
            raise ValueError("the lab's app does not follow a Sentinel (`master`) yet")
        self.lifetime = int(params.get("ttlInSeconds", 604800))
        self.options: dict[str, Any] = {"host": settings["host"], "port": settings["port"] or 6379, "password": settings["password"] or None}
        self.tls, self.ca, self.env = is_true(params.get("tls", "")), params.get("caCertPath", ""), env

    @contextmanager
    def client(self) -> Iterator[Any]:
        import redis

        with told_as("redis"):
            kind = redis.Connection
            if self.tls:
                context = verifying(self.ca) if self.ca else trust(self.env)

                class Verified(redis.SSLConnection):  # type: ignore[misc]
                    # The library takes no context.
                    def _wrap_socket_with_ssl(self, sock: Any) -> Any:
                        return context.wrap_socket(sock, server_hostname=self.host)

                kind = Verified
            pool = redis.ConnectionPool(connection_class=kind, **self.options, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, decode_responses=True)
            try:
                yield redis.Redis(connection_pool=pool)
            finally:
                pool.disconnect()

    def check(self) -> None:
        with self.client() as client:
            client.ping()


def bucket(env: Mapping[str, str]) -> Bucket:
    """`$BUCKET`: s3://KEY:SECRET@host:port/bucket/prefix?tls=true; the bucket may stand in the path's first part only."""
    settings = parse_url(env["BUCKET"], "s3")
    name, _, prefix = settings["path"].partition("/")
    if not name:
        raise ValueError("no bucket in $BUCKET: BUCKET_PATH (or the part behind the host in BUCKET_NAME) is empty")
    tls = is_true(settings["params"].get("tls", ""))
    default = 443 if tls else 80
    host = settings["host"] if settings["port"] in (None, default) else f"{settings['host']}:{settings['port']}"
    return Bucket(
        host,
        name,
        prefix,
        access_key=settings["user"],
        secret_key=settings["password"],
        region=env.get("AWS_REGION", ""),
        tls=tls,
        trust=trust(env) if tls else None,
    )


class Links:
    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self.mysql = Mysql(env["MYSQL"])
        self.redis = Redis(env["REDIS"], env)
        self.bucket = bucket(env)

    def state(self) -> dict[str, dict[str, Any]]:
        """{link: {ok, error}}"""
        found = {}
        for link, check in (("mysql", self.mysql.check), ("redis", self.redis.check), ("bucket", self.bucket.check)):
            try:
                with told_as(link):
                    check()
                found[link] = {"ok": True, "error": ""}
            except LinkError as error:
                found[link] = {"ok": False, "error": str(error)}
        return found
