{{- /* What the values come to: labels, images, security contexts, connection settings. */ -}}

{{- /* Labels of an object or pod of component .key. */ -}}
{{- define "wandb.labels" -}}
{{- $labels := dict "app.kubernetes.io/name" .key "app.kubernetes.io/instance" .root.Release.Name "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- toYaml (mergeOverwrite (dict) (.root.Values.global.common.labels | default dict) (.more | default dict) $labels) -}}
{{- end -}}

{{- define "wandb.annotations" -}}
{{- $all := mergeOverwrite (dict) (.root.Values.global.common.annotations | default dict) (.more | default dict) -}}
{{- if $all }}{{ toYaml $all }}{{ end -}}
{{- end -}}

{{- define "wandb.selector" -}}
app.kubernetes.io/name: {{ .key }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- /* Secrets carry no instance label, so that the operator does not make itself their owner. */ -}}
{{- define "wandb.plainLabels" -}}
{{- toYaml (mergeOverwrite (dict "app.kubernetes.io/managed-by" .Release.Service) (.Values.global.common.labels | default dict)) -}}
{{- end -}}

{{- define "wandb.image" -}}
{{- $image := .component.image -}}
{{- with .root.Values.global.repositoryPrefix }}{{ . }}/{{ end -}}
{{- $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag }}{{ end -}}
{{- end -}}

{{- define "wandb.podSecurityContext" -}}
{{- $default := dict "runAsNonRoot" true "runAsUser" 999 "runAsGroup" 0 "fsGroup" 0 "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- toYaml (mergeOverwrite $default (deepCopy (.podSecurityContext | default dict))) -}}
{{- end -}}

{{- define "wandb.securityContext" -}}
{{- $default := dict "allowPrivilegeEscalation" false "capabilities" (dict "drop" list) -}}
{{- toYaml (mergeOverwrite $default (deepCopy (.securityContext | default dict))) -}}
{{- end -}}

{{- /* Own resources, else those of the size; a size that nobody knows gives none. */ -}}
{{- define "wandb.resources" -}}
{{- $size := .component.size | default .root.Values.global.size -}}
{{- $known := index (.component.sizing | default dict) $size | default dict -}}
{{- toYaml (mergeOverwrite (dict) (deepCopy ($known.resources | default dict)) (.component.resources | default dict)) -}}
{{- end -}}

{{- define "wandb.pullSecrets" -}}
{{- range . }}
- name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
{{- end }}
{{- end -}}

{{- /* One entry of a container's env: .value is text, or a map with valueFrom. */ -}}
{{- define "wandb.envEntry" -}}
- name: {{ .name }}
{{- if kindIs "map" .value }}
  {{- toYaml .value | nindent 2 }}
{{- else }}
  value: {{ .value | toString | quote }}
{{- end }}
{{- end -}}

{{- /* The given list of entries, with what the inventory sets in place of entries of the same name, the rest behind them. */ -}}
{{- define "wandb.env" -}}
{{- $given := mergeOverwrite (dict) (deepCopy (.root.Values.global.extraEnv | default dict)) (deepCopy (.root.Values.global.env | default dict)) (deepCopy (.component.extraEnv | default dict)) (deepCopy (.component.env | default dict)) -}}
{{- $names := list -}}
{{- range .entries }}
{{- $names = append $names .name }}
{{- if hasKey $given .name }}
{{ include "wandb.envEntry" (dict "name" .name "value" (index $given .name)) }}
{{- else }}
- {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- range $name, $value := $given }}
{{- if not (has $name $names) }}
{{ include "wandb.envEntry" (dict "name" $name "value" $value) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "wandb.bucket" -}}
{{- $bucket := ternary .Values.global.bucket .Values.global.defaultBucket (not (empty .Values.global.bucket.name)) -}}
{{- if not (has ($bucket.provider | default "s3") (list "s3")) }}{{ fail (printf "the lab's chart knows the bucket provider s3 only, not %s" $bucket.provider) }}{{ end -}}
{{- /* Of the default bucket's own keys and Secret nothing is read. */ -}}
{{- toYaml (mergeOverwrite (deepCopy $bucket) (pick .Values.global.bucket "accessKey" "secretKey" "secret")) -}}
{{- end -}}

{{- /* `?key=value&...`, sorted; the chart's own defaults win over the user's, as sprig's merge has it. */ -}}
{{- define "wandb.redisParams" -}}
{{- $redis := .Values.global.redis -}}
{{- $own := dict "ttlInSeconds" "604800" -}}
{{- if $redis.caCert }}{{ $own = merge $own (dict "tls" "true" "caCertPath" "/etc/ssl/certs/redis_ca.pem") }}{{ end -}}
{{- $all := merge (dict) $own ($redis.params | default dict) ($redis.parameters | default dict) -}}
{{- $pairs := list -}}
{{- range $key, $value := $all }}{{ $pairs = append $pairs (printf "%s=%v" $key $value) }}{{ end -}}
?{{ join "&" $pairs }}
{{- end -}}

{{- /* A value that was made once and must survive: the one in the cluster, else a new one. */ -}}
{{- define "wandb.kept" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- if and $found (hasKey ($found.data | default dict) .key) }}{{ index $found.data .key }}{{ else }}{{ randAlphaNum 32 | b64enc }}{{ end -}}
{{- end -}}
