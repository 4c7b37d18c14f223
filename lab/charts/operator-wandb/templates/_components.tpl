{{- /* What differs between the Deployments: ports, probes, env, init container. */ -}}

{{- define "wandb.define.app" -}}
ports:
  - {name: http, containerPort: 8080}
  - {name: metrics, containerPort: 8181}
  - {name: anaconda, containerPort: 8082}
  - {name: local, containerPort: 8083}
  - {name: statsd, containerPort: 8125, protocol: UDP}
services:
  "": [{name: http, port: 8080}, {name: metrics, port: 8181}, {name: anaconda, port: 8082}, {name: local, port: 8083}]
livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 10, timeoutSeconds: 5}
readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 5, timeoutSeconds: 5}
startupProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 120}
lifecycle: {preStop: {exec: {command: [sleep, "25"]}}}
initContainers:
  - {name: init-db, args: [init-db]}
env:
  {{- include "wandb.trustEnv" . | nindent 2 }}
  {{- include "wandb.mysqlEnv" . | nindent 2 }}
  {{- include "wandb.redisEnv" . | nindent 2 }}
  {{- include "wandb.bucketEnv" . | nindent 2 }}
  {{- include "wandb.licenseEnv" . | nindent 2 }}
  {{- include "wandb.mailEnv" . | nindent 2 }}
  - {name: GORILLA_SESSION_LENGTH, value: "{{ .Values.global.auth.sessionLengthHours }}h"}
  - {name: GORILLA_CORS_ORIGINS, value: {{ join "," .Values.app.extraCors | quote }}}
  - name: GORILLA_SESSION_KEY
    valueFrom: {secretKeyRef: {name: {{ .Release.Name }}-gorilla-session-key, key: session-key}}
{{- end -}}

{{- define "wandb.define.console" -}}
ports: [{name: http, containerPort: 8082}]
services:
  "": [{name: http, port: 8082}]
livenessProbe: {httpGet: {path: /console/api/healthz, port: 8082}, periodSeconds: 10, timeoutSeconds: 5}
readinessProbe: {httpGet: {path: /console/api/ready, port: 8082}, periodSeconds: 5, timeoutSeconds: 5}
env:
  {{- include "wandb.trustEnv" . | nindent 2 }}
  {{- include "wandb.licenseEnv" . | nindent 2 }}
  - {name: OPERATOR_NAMESPACE, value: {{ .Values.global.operator.namespace }}}
{{- end -}}

{{- define "wandb.define.parquet" -}}
ports: [{name: http, containerPort: 8087}, {name: grpc, containerPort: 8088}]
services:
  "": [{name: http, port: 8087}]
  "-grpc": [{name: grpc, port: 8088}]
livenessProbe: {httpGet: {path: /healthz, port: 8087}, periodSeconds: 10, timeoutSeconds: 5}
readinessProbe: {httpGet: {path: /ready, port: 8087}, periodSeconds: 5, timeoutSeconds: 5}
args: [parquet, "8087", "8088"]
env:
  {{- include "wandb.trustEnv" . | nindent 2 }}
  {{- include "wandb.mysqlEnv" . | nindent 2 }}
  {{- include "wandb.redisEnv" . | nindent 2 }}
  {{- include "wandb.bucketEnv" . | nindent 2 }}
{{- end -}}

{{- define "wandb.define.weave" -}}
ports: [{name: http, containerPort: 9994}]
services:
  "": [{name: http, port: 9994}]
livenessProbe: {httpGet: {path: /__weave/hello, port: 9994}, periodSeconds: 10, timeoutSeconds: 5}
readinessProbe: {httpGet: {path: /__weave/hello, port: 9994}, periodSeconds: 5, timeoutSeconds: 5}
args: [weave, "9994"]
env:
  {{- include "wandb.trustEnv" . | nindent 2 }}
  {{- include "wandb.redisEnv" . | nindent 2 }}
  - {name: WEAVE_REDIS_URL, value: "$(REDIS)"}
{{- end -}}
