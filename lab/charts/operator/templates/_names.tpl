{{- define "operator.name" -}}
{{- .Values.nameOverride | default "wandb" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "operator.fullname" -}}
{{- .Values.fullnameOverride | default (printf "%s-%s" .Release.Name (include "operator.name" .)) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "operator.serviceAccount" -}}
{{- .Values.manager.serviceAccount.name | default (printf "%s-manager" (include "operator.name" .)) -}}
{{- end -}}

{{- define "operator.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* The namespaces that an isolated operator works in. */ -}}
{{- define "operator.namespaces" -}}
{{- prepend .Values.namespaceIsolation.additionalNamespaces .Release.Namespace | uniq | join "," -}}
{{- end -}}
