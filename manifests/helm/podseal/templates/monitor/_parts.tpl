{{- define "podseal.monitor.image" -}}
{{- $image := .Values.monitor.image -}}
image: {{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- end }}

{{/* In: capabilities. Out: the rights of a container that is root, of the feed's group so that it reads the spool. */}}
{{- define "podseal.monitor.root" -}}
securityContext:
  runAsNonRoot: false
  runAsUser: 0
  runAsGroup: 65532
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  {{- if . }}
  # The runtime's own profile forbids to look into processes of other profiles, whatever the capabilities say.
  appArmorProfile: {type: Unconfined}
  {{- end }}
  capabilities:
    drop: [ALL]
    {{- with . }}
    add: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}

{{/* Not empty where the feed makes Events of alerts. */}}
{{- define "podseal.monitor.events" -}}
{{- range .Values.monitor.feed.settings.outputs }}{{ if eq .type "kubernetes_event" }}yes{{ end }}{{ end }}
{{- end }}

{{/* Not empty where clients of the feed show tokens of ServiceAccounts. */}}
{{- define "podseal.monitor.reviews" -}}
{{- with .Values.monitor.feed.settings.listen }}{{ if hasKey . "token_review" }}yes{{ end }}{{ end }}
{{- end }}
