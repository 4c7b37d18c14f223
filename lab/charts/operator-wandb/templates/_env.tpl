{{- /* The env of each component, in the order in which $(NAME) needs it. */ -}}

{{- /* Without /etc/ssl/certs: there lies MySQL's CA, and a site that forgets the store's own would not be found out. */ -}}
{{- define "wandb.trustEnv" -}}
- {name: SSL_CERT_FILE, value: /etc/ssl/certs/ca-certificates.crt}
- {name: SSL_CERT_DIR, value: "/usr/local/share/ca-certificates/inline:/usr/local/share/ca-certificates/configmap"}
- {name: REQUESTS_CA_BUNDLE, value: /etc/ssl/certs/ca-certificates.crt}
- name: HOST
  valueFrom: {configMapKeyRef: {name: {{ .Release.Name }}-local-configmap, key: HOST}}
{{- end -}}

{{- define "wandb.mysqlEnv" -}}
{{- $mysql := .Values.global.mysql -}}
{{ include "wandb.envEntry" (dict "name" "MYSQL_HOST" "value" ($mysql.host | default (printf "%s-mysql" .Release.Name))) }}
{{ include "wandb.envEntry" (dict "name" "MYSQL_PORT" "value" $mysql.port) }}
{{ include "wandb.envEntry" (dict "name" "MYSQL_DATABASE" "value" $mysql.database) }}
{{ include "wandb.envEntry" (dict "name" "MYSQL_USER" "value" $mysql.user) }}
{{- if kindIs "map" $mysql.password }}
{{ include "wandb.envEntry" (dict "name" "MYSQL_PASSWORD" "value" $mysql.password) }}
{{- else }}
- name: MYSQL_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $mysql.passwordSecret.name | default (printf "%s-mysql" .Release.Name) }}
      key: {{ ternary $mysql.passwordSecret.passwordKey "MYSQL_PASSWORD" (not (empty $mysql.passwordSecret.name)) }}
{{- end }}
- {name: MYSQL_CA_CERT_PATH, value: /etc/ssl/certs/mysql_ca.pem}
{{- range list "MYSQL" "GORILLA_METADATA_STORE" "GORILLA_RUN_STORE" "GORILLA_USAGE_STORE" "GORILLA_ANALYTICS_SINK" }}
- {name: {{ . }}, value: "mysql://$(MYSQL_USER):$(MYSQL_PASSWORD)@$(MYSQL_HOST):$(MYSQL_PORT)/$(MYSQL_DATABASE)?tls=preferred"}
{{- end }}
{{- end -}}

{{- define "wandb.redisEnv" -}}
{{- $secret := .Values.global.redis.secret -}}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $secret.secretName | default (printf "%s-redis-secret" .Release.Name) }}
      key: {{ ternary $secret.secretKey "REDIS_PASSWORD" (not (empty $secret.secretName)) }}
{{- range list "REDIS_HOST" "REDIS_PORT" "REDIS_PARAMS" }}
- name: {{ . }}
  valueFrom: {configMapKeyRef: {name: {{ $.Release.Name }}-redis-configmap, key: {{ . }}}}
{{- end }}
{{- range list "REDIS" "GORILLA_CACHE" "GORILLA_LOCKER" "GORILLA_SETTINGS_CACHE" }}
- {name: {{ . }}, value: "redis://:$(REDIS_PASSWORD)@$(REDIS_HOST):$(REDIS_PORT)$(REDIS_PARAMS)"}
{{- end }}
{{- end -}}

{{- define "wandb.bucketEnv" -}}
{{- $secret := (include "wandb.bucket" . | fromYaml).secret -}}
{{- range list "BUCKET_NAME" "BUCKET_PATH" "AWS_REGION" "AWS_S3_KMS_ID" "GORILLA_DEFAULT_REGION" }}
- name: {{ . }}
  valueFrom: {configMapKeyRef: {name: {{ $.Release.Name }}-bucket-configmap, key: {{ . }}}}
{{- end }}
- name: BUCKET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $secret.secretName | default (printf "%s-bucket" .Release.Name) }}
      key: {{ ternary $secret.accessKeyName "ACCESS_KEY" (not (empty $secret.secretName)) }}
- name: BUCKET_SECRET_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $secret.secretName | default (printf "%s-bucket" .Release.Name) }}
      key: {{ ternary $secret.secretKeyName "SECRET_KEY" (not (empty $secret.secretName)) }}
{{- range list "BUCKET" "GORILLA_FILE_STORE" "GORILLA_STORAGE_BUCKET" }}
- {name: {{ . }}, value: "s3://$(BUCKET_ACCESS_KEY):$(BUCKET_SECRET_KEY)@$(BUCKET_NAME)/$(BUCKET_PATH)"}
{{- end }}
- {name: BUCKET_QUEUE, value: "internal://"}
{{- end -}}

{{- define "wandb.licenseEnv" -}}
{{- $secret := .Values.global.licenseSecret -}}
{{- range list "LICENSE" "GORILLA_LICENSE" }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name | default (printf "%s-license" $.Release.Name) }}
      key: {{ ternary ($secret.key | default "license") "license" (not (empty $secret.name)) }}
{{- end }}
{{- end -}}

{{- define "wandb.mailEnv" -}}
{{- $smtp := .Values.global.email.smtp -}}
{{ include "wandb.envEntry" (dict "name" "SMTP_HOST" "value" $smtp.host) }}
{{ include "wandb.envEntry" (dict "name" "SMTP_PORT" "value" $smtp.port) }}
{{ include "wandb.envEntry" (dict "name" "SMTP_USER" "value" $smtp.user) }}
{{- if kindIs "map" $smtp.password }}
{{ include "wandb.envEntry" (dict "name" "SMTP_PASSWORD" "value" $smtp.password) }}
{{- else }}
- name: SMTP_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .Release.Name }}-smtp-secret, key: SMTP_PASSWORD}}
{{- end }}
- name: GORILLA_EMAIL_SINK
  value: {{ if $smtp.host }}"smtp://$(SMTP_USER):$(SMTP_PASSWORD)@$(SMTP_HOST):$(SMTP_PORT)"{{ else }}https://api.wandb.ai/email/dispatch{{ end }}
{{- end -}}
