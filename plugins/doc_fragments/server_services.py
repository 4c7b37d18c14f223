# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``wandb_server`` for what the server keeps its data in: MySQL, Redis, object stores, ClickHouse."""

    DOCUMENTATION = r'''
options:
  mysql:
    description:
      - The database. Left out, O(install) must ask for the bundled one (V(mysql), for tests only).
    type: dict
    suboptions:
      host:
        description: Name or address.
        type: str
        required: true
      port:
        description: Port.
        type: int
        default: 3306
      database:
        description: Database, made with C(utf8mb4).
        type: str
        default: wandb_local
      user:
        description: User with all rights on the database.
        type: str
        default: wandb_local
      password_secret:
        description: Secret with the password. Percent-encode it there, it ends in a URL.
        type: dict
        required: true
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: MYSQL_PASSWORD
      ca:
        description: PEM text of the CA of the server's certificate. C(init-db) verifies with it.
        type: str
  redis:
    description:
      - An external Redis. Left out, the chart's own is installed.
    type: dict
    suboptions:
      host:
        description: Name or address.
        type: str
        required: true
      port:
        description: Port.
        type: int
        default: 6379
      password_secret:
        description: Secret with the password of user C(default). Percent-encode it there, it ends in a URL.
        type: dict
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: REDIS_PASSWORD
      tls:
        description: Whether the port speaks TLS.
        type: bool
        default: false
      ca:
        description: PEM text of the CA of the server's certificate.
        type: str
      sentinel_master:
        description:
          - Name of the master for Redis Sentinel; O(redis.host) and O(redis.port) are then a Sentinel's (port 26379).
          - Only part of the server can use it (weave-python cannot), and there is no parameter for a Sentinel's password. One address that follows the
            master is what W&B asks for.
        type: str
      params:
        description: Further parameters of the server's Redis clients (V(poolSize), for example). The chart's own V(ttlInSeconds) goes over any other
          and is refused.
        type: dict
  default_bucket:
    description:
      - The object store as long as nobody chooses another one in the console; used instead of O(bucket), which locks that choice. Not both.
    type: dict
    suboptions: &store
      provider:
        description: Its kind; V(s3) also for stores compatible with it, V(cw) for CoreWeave.
        type: str
        choices: [s3, gcs, az, cw]
        default: s3
      host:
        description: Name or address of an S3-compatible store; left out for AWS, GCS and Azure.
        type: str
      port:
        description: Port of C(host); 443 or 80 by default. Without C(host) it means nothing, and neither does C(tls).
        type: int
      name:
        description: Bucket; on Azure C(account/container).
        type: str
        required: true
      path:
        description: Prefix of all keys in the bucket.
        type: str
      region:
        description: Region; with MinIO the same as in its own configuration.
        type: str
      tls:
        description: Whether C(host) speaks TLS.
        type: bool
        default: true
      kms_key:
        description: ARN of the KMS key on AWS; left out everywhere else.
        type: str
      secret:
        description:
          - Secret with the access key. URL-safe, they end in a URL. Left out where the pods' own identity gives access.
          - For V(az) the account's key is under C(access_key_key), and there is no other. For V(gcs) the chart reads none in O(bucket) and
            O(default_bucket).
        type: dict
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          access_key_key:
            description: Key of the access key in it.
            type: str
            default: ACCESS_KEY
          secret_key_key:
            description: Key of the secret key in it.
            type: str
            default: SECRET_KEY
  bucket:
    description:
      - The object store. One of O(bucket) and O(default_bucket) is required with O(state=present).
    type: dict
    suboptions:
      <<: *store
      queue:
        description: Where the store announces new objects, a URL (C(pubsub:...), C(sqs://...), C(az://...)). The server's own queue by default.
        type: str
      proxied:
        description: Whether clients reach the objects through the server, because they cannot reach the store.
        type: bool
        default: false
  team_buckets:
    description:
      - Further stores that teams may choose (secure storage connector). Their keys reach the server as environment, by reference
        (chart 0.33 or newer).
      - For V(s3) C(region) is required, and with C(secret) also C(host) (C(s3.REGION.amazonaws.com) on AWS). V(cw) without C(secret) allows CoreWeave as
        a whole. For V(gcs) the keys are the service account's name and its private key, percent-encoded.
      - C(kms_key) is refused, for it is set in the app, with the team.
    type: list
    elements: dict
    suboptions: *store
  artifact_garbage_collection:
    description:
      - Whether deleted artifacts are removed from the store. The server's own default if left out.
    type: bool
  clickhouse:
    description:
      - An external ClickHouse, for Weave (C(weave-trace) of O(install)).
    type: dict
    suboptions:
      host:
        description: Name or address.
        type: str
        required: true
      port:
        description: Port.
        type: int
        required: true
      database:
        description: Database.
        type: str
        default: weave_trace_db
      user:
        description: User.
        type: str
        default: default
      password_secret:
        description: Secret with the password.
        type: dict
        required: true
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: CLICKHOUSE_PASSWORD
      replicated:
        description: Whether its tables are replicated; the cluster must be called C(weave_cluster).
        type: bool
        default: false
'''
