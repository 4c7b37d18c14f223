{{- /* A pod template of component .key (.component its values, .define what differs, .restart the restart policy of a Job). */ -}}

{{- define "wandb.pod" -}}
{{- $global := .root.Values.global -}}
metadata:
  labels: {{- include "wandb.labels" (dict "root" .root "key" .key "more" $global.pod.labels) | nindent 4 }}
  {{- with include "wandb.annotations" (dict "root" .root "more" $global.pod.annotations) }}
  annotations: {{- . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ .account }}
  securityContext: {{- include "wandb.podSecurityContext" .component | nindent 4 }}
  terminationGracePeriodSeconds: 60
  {{- with .restart }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with include "wandb.pullSecrets" $global.imagePullSecrets | trim }}
  imagePullSecrets: {{- . | nindent 4 }}
  {{- end }}
  {{- with .component.nodeSelector | default $global.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .component.tolerations | default $global.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .component.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .component.priorityClassName | default $global.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .define.initContainers }}
  initContainers:
    {{- range . }}
    {{- include "wandb.container" (dict "root" $.root "component" $.component "name" .name "define" (dict "args" .args "env" $.define.env)) | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    {{- include "wandb.container" (dict "root" .root "component" .component "name" .key "define" .define) | nindent 4 }}
  {{- with include "wandb.volumes" .root | trim }}
  volumes: {{- . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "wandb.container" -}}
- name: {{ .name | kebabcase }}
  image: {{ include "wandb.image" . }}
  imagePullPolicy: {{ .component.image.pullPolicy }}
  {{- range $field := list "command" "args" "ports" "livenessProbe" "readinessProbe" "startupProbe" "lifecycle" }}
  {{- with index $.define $field }}
  {{ $field }}: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with include "wandb.env" (dict "root" .root "component" .component "entries" (.define.env | default list)) | trim }}
  env: {{- . | nindent 4 }}
  {{- end }}
  securityContext: {{- include "wandb.securityContext" .component | nindent 4 }}
  resources: {{- include "wandb.resources" . | nindent 4 }}
  {{- with include "wandb.mounts" .root | trim }}
  volumeMounts: {{- . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "wandb.mounts" -}}
{{- $global := .Values.global }}
{{- if $global.mysql.caCert }}
- {name: mysql-ca, mountPath: /etc/ssl/certs/mysql_ca.pem, subPath: mysql_ca.pem, readOnly: true}
{{- end }}
{{- if or $global.redis.caCert (dig "caCertPath" "" ($global.redis.params | default dict)) }}
- {name: redis-ca, mountPath: /etc/ssl/certs/redis_ca.pem, subPath: redis_ca.pem, readOnly: true}
{{- end }}
{{- if $global.customCACerts }}
- {name: ca-inline, mountPath: /usr/local/share/ca-certificates/inline, readOnly: true}
{{- end }}
{{- if $global.caCertsConfigMap }}
- {name: ca-configmap, mountPath: /usr/local/share/ca-certificates/configmap, readOnly: true}
{{- end }}
{{- end -}}

{{- define "wandb.volumes" -}}
{{- $global := .Values.global }}
{{- if $global.mysql.caCert }}
{{- if kindIs "map" $global.mysql.caCert }}
- name: mysql-ca
  secret: {secretName: {{ $global.mysql.caCert.valueFrom.secretKeyRef.name }}, items: [{key: {{ $global.mysql.caCert.valueFrom.secretKeyRef.key }}, path: mysql_ca.pem}]}
{{- else }}
- name: mysql-ca
  secret: {secretName: {{ .Release.Name }}-mysql, items: [{key: MYSQL_CA_CERT, path: mysql_ca.pem}]}
{{- end }}
{{- end }}
{{- if $global.redis.caCert }}
- name: redis-ca
  secret: {secretName: {{ .Release.Name }}-redis-secret, items: [{key: REDIS_CA_CERT, path: redis_ca.pem}]}
{{- else if dig "caCertPath" "" ($global.redis.params | default dict) }}
- name: redis-ca
  secret: {secretName: {{ $global.redis.secret.secretName }}, items: [{key: REDIS_CA_CERT, path: redis_ca.pem}]}
{{- end }}
{{- if $global.customCACerts }}
- name: ca-inline
  configMap: {name: {{ .Release.Name }}-ca-certs}
{{- end }}
{{- with $global.caCertsConfigMap }}
- name: ca-configmap
  configMap: {name: {{ . }}}
{{- end }}
{{- end -}}
