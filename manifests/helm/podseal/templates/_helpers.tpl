{{/* Names are fixed: a cluster has one podseal, and Helm refuses a second release by them. */}}

{{- define "podseal.labels" -}}
app.kubernetes.io/name: podseal
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* In: the name of a component. Out: the labels that select its pods; they can never change in an upgrade. */}}
{{- define "podseal.selector" -}}
app.kubernetes.io/name: podseal
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "podseal.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "podseal.secret" -}}
{{ .Values.certificates.existingSecret | default "podseal-tls" }}
{{- end }}

{{/* Fields of a pod that all of podseal's pods share. */}}
{{- define "podseal.pod" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
# Kubernetes would set PODSEAL_PORT and the like for the Service, which podseal reads as its own settings.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "podseal.container" -}}
image: {{ include "podseal.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}
