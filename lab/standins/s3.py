# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 with presigned URLs only (signature version 4, path style): what a client is handed is what the app itself uses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode

READ_FOR = 3600
WRITE_FOR = 24 * 3600
TIMEOUT = 5


class S3Error(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def signing_key(secret: str, date: str, region: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class Bucket:
    def __init__(
        self, host: str, name: str, prefix: str, *, access_key: str, secret_key: str, region: str, tls: bool, trust: ssl.SSLContext | None = None
    ) -> None:
        self.host, self.name, self.prefix = host, name, prefix.strip("/")
        self.access_key, self.secret_key = access_key, secret_key
        self.region, self.tls, self.trust = region or "us-east-1", tls, trust

    def key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    def presign(self, method: str, key: str, expires: int, query: Mapping[str, str] | None = None, now: datetime | None = None) -> str:
        stamp = (now or datetime.now(timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        path = quote(f"/{self.name}" + (f"/{key}" if key else ""), safe="/-_.~")
        parameters = {
            **(query or {}),
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self.access_key}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(expires),
            "X-Amz-SignedHeaders": "host",
        }
        sorted_query = urlencode(sorted(parameters.items()), quote_via=quote, safe="-_.~")
        request = "\n".join([method, path, sorted_query, f"host:{self.host}", "", "host", "UNSIGNED-PAYLOAD"])
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
        signature = hmac.new(signing_key(self.secret_key, stamp[:8], self.region), text.encode(), hashlib.sha256).hexdigest()
        return f"{'https' if self.tls else 'http'}://{self.host}{path}?{sorted_query}&X-Amz-Signature={signature}"

    def call(self, method: str, key: str = "", query: Mapping[str, str] | None = None) -> tuple[Mapping[str, str], bytes]:
        request = urllib.request.Request(self.presign(method, key, 60, query), method=method)
        # A proxy of the environment is not for the store.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.trust))
        try:
            with opener.open(request, timeout=TIMEOUT) as response:
                return response.headers, response.read()
        except urllib.error.HTTPError as error:
            raise S3Error(error.code, f"bucket {self.name} at {self.host}: {error.code} {reason(error.read()) or error.reason}") from error
        except (urllib.error.URLError, OSError) as error:
            raise S3Error(0, f"bucket {self.name} at {self.host}: {getattr(error, 'reason', error)}") from error

    def check(self) -> None:
        self.call("GET", query={"list-type": "2", "max-keys": "1", "prefix": self.key("")})

    def look(self, path: str) -> dict[str, Any] | None:
        """{size, md5} of an object, None where there is none."""
        try:
            headers, _ = self.call("HEAD", self.key(path))
        except S3Error as error:
            if error.status == 404:
                self.check()  # A missing bucket is 404 as well, and is no missing object.
                return None
            raise
        tag = headers.get("ETag", "").strip('"')
        md5 = base64.b64encode(bytes.fromhex(tag)).decode() if len(tag) == 32 else None
        return {"size": int(headers.get("Content-Length", 0)), "md5": md5}

    def remove_below(self, path: str) -> None:
        while True:
            _, body = self.call("GET", query={"list-type": "2", "prefix": self.key(path)})
            tree = ElementTree.fromstring(body)
            keys = [node.text or "" for node in tree.iter() if node.tag.rsplit("}", 1)[-1] == "Key"]
            for key in keys:
                self.call("DELETE", key)
            if not keys:
                return


def reason(body: bytes) -> str:
    """`Code: Message` of an S3 error document."""
    try:
        tree = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return ""
    found = {node.tag.rsplit("}", 1)[-1]: node.text or "" for node in tree.iter()}
    return f"{found.get('Code', '')}: {found.get('Message', '')}"
