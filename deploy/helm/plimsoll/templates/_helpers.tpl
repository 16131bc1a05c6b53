{{- define "plimsoll.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "plimsoll.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "plimsoll.labels" -}}
{{ include "plimsoll.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "plimsoll.tag" -}}
{{- .Values.image.tag | default .Chart.AppVersion -}}
{{- end -}}

{{- define "plimsoll.buildId" -}}
{{- .Values.versioning.buildId | default (include "plimsoll.tag" .) -}}
{{- end -}}

{{- define "plimsoll.temporalTls" -}}
{{- with .Values.temporal.tls -}}
{{- if or .enabled .clientSecret .caSecret .serverName -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* The environment of all containers. */}}
{{- define "plimsoll.env" -}}
- name: MONGODB_URI
  valueFrom:
    secretKeyRef: {name: {{ .Values.mongodb.existingSecret }}, key: {{ .Values.mongodb.key }}}
- {name: TEMPORAL_ADDRESS, value: {{ .Values.temporal.address | quote }}}
- {name: TEMPORAL_NAMESPACE, value: {{ .Values.temporal.namespace | quote }}}
{{- with .Values.temporal.apiKey }}
{{- if .existingSecret }}
- name: TEMPORAL_API_KEY
  valueFrom:
    secretKeyRef: {name: {{ .existingSecret }}, key: {{ .key }}}
{{- end }}
{{- end }}
{{- if include "plimsoll.temporalTls" . }}
- {name: TEMPORAL_TLS, value: "true"}
{{- end }}
{{- with .Values.temporal.tls }}
{{- if .clientSecret }}
- {name: TEMPORAL_TLS_CLIENT_CERT_PATH, value: /etc/plimsoll/temporal-client/tls.crt}
- {name: TEMPORAL_TLS_CLIENT_KEY_PATH, value: /etc/plimsoll/temporal-client/tls.key}
{{- end }}
{{- if .caSecret }}
- {name: TEMPORAL_TLS_SERVER_CA_CERT_PATH, value: /etc/plimsoll/temporal-ca/ca.crt}
{{- end }}
{{- if .serverName }}
- {name: TEMPORAL_TLS_SERVER_NAME, value: {{ .serverName | quote }}}
{{- end }}
{{- end }}
- {name: PLIMSOLL_SOURCE_ROOTS, value: {{ include "plimsoll.folders" .Values.sources | quote }}}
{{- if .Values.models }}
- {name: PLIMSOLL_MODELS, value: {{ include "plimsoll.folders" .Values.models | quote }}}
{{- end }}
- {name: PLIMSOLL_CACHE, value: /var/cache/plimsoll}
{{- if .Values.maxPixels }}
- {name: PLIMSOLL_MAX_PIXELS, value: {{ .Values.maxPixels | int64 | quote }}}
{{- end }}
{{- end -}}

{{/* The mount paths of a list of folders, separated as in PATH. */}}
{{- define "plimsoll.folders" -}}
{{- $paths := list -}}
{{- range . }}{{ $paths = append $paths .mountPath }}{{ end -}}
{{- join ":" $paths -}}
{{- end -}}

{{/* What workers have in their environment beyond that. */}}
{{- define "plimsoll.workerEnv" -}}
- {name: PLIMSOLL_LOG_LEVEL, value: {{ .Values.logLevel }}}
- {name: PLIMSOLL_HEALTH_PORT, value: "7401"}
{{- end -}}

{{/* The volumes of all pods. The context is Values and `cacheSize`, which bounds what the container caches. */}}
{{- define "plimsoll.volumes" -}}
- name: cache
  emptyDir: {sizeLimit: {{ .cacheSize }}}
- name: tmp
  emptyDir: {sizeLimit: 4Gi}
{{- with .Values.temporal.tls.clientSecret }}
- name: temporal-client
  secret: {secretName: {{ . }}, defaultMode: 0444}
{{- end }}
{{- with .Values.temporal.tls.caSecret }}
- name: temporal-ca
  secret: {secretName: {{ . }}, defaultMode: 0444}
{{- end }}
{{- range .Values.sources }}
{{ include "plimsoll.folderVolume" (dict "prefix" "source" "folder" .) }}
{{- end }}
{{- range .Values.models }}
{{ include "plimsoll.folderVolume" (dict "prefix" "model" "folder" .) }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "plimsoll.folderVolume" -}}
- name: {{ .prefix }}-{{ .folder.name }}
{{- with .folder.persistentVolumeClaim }}
  persistentVolumeClaim: {claimName: {{ .claimName }}, readOnly: true}
{{- end }}
{{- with .folder.hostPath }}
  hostPath: {path: {{ .path | quote }}, type: Directory}
{{- end }}
{{- with .folder.nfs }}
  nfs: {server: {{ .server | quote }}, path: {{ .path | quote }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "plimsoll.volumeMounts" -}}
- {name: cache, mountPath: /var/cache/plimsoll}
- {name: tmp, mountPath: /tmp}
{{- if .Values.temporal.tls.clientSecret }}
- {name: temporal-client, mountPath: /etc/plimsoll/temporal-client, readOnly: true}
{{- end }}
{{- if .Values.temporal.tls.caSecret }}
- {name: temporal-ca, mountPath: /etc/plimsoll/temporal-ca, readOnly: true}
{{- end }}
{{- range .Values.sources }}
{{ include "plimsoll.folderMount" (dict "prefix" "source" "folder" .) }}
{{- end }}
{{- range .Values.models }}
{{ include "plimsoll.folderMount" (dict "prefix" "model" "folder" .) }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "plimsoll.folderMount" -}}
- name: {{ .prefix }}-{{ .folder.name }}
  mountPath: {{ .folder.mountPath | quote }}
{{- with .folder.subPath }}
  subPath: {{ . | quote }}
{{- end }}
  readOnly: true
{{- end -}}

{{/* What all pods have in common. No fsGroup: it would change the owner of a claim's files. */}}
{{- define "plimsoll.pod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  # The user of the Dockerfile.
  runAsUser: 10001
  runAsGroup: 10001
{{- with .Values.supplementalGroups }}
  supplementalGroups: {{ toJson . }}
{{- end }}
  seccompProfile: {type: RuntimeDefault}
# A worker exits within 20 seconds of SIGTERM.
terminationGracePeriodSeconds: 40
{{- end -}}

{{- define "plimsoll.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "plimsoll.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Only a stuck event loop is worth a restart. A server that is away is not: docs/deploying.md, "Probes". */}}
{{- define "plimsoll.workerProbes" -}}
ports:
  - {name: health, containerPort: 7401}
livenessProbe:
  httpGet: {path: /health, port: health}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /ready, port: health}
  periodSeconds: 10
  timeoutSeconds: 5
{{- end -}}
