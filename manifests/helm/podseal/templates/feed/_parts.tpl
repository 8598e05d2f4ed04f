{{/* In: the folder of a credential. Out: how the feed reaches NATS with it, as its configuration has it. */}}
{{- define "podseal.stream.connection" -}}
servers: {{- toYaml .servers | nindent 2 }}
ca_file: {{ .folder }}/ca.crt
client_cert_file: {{ .folder }}/tls.crt
client_key_file: {{ .folder }}/tls.key
{{- end }}

{{/* The projected volume `token`: what the kubelet would mount into every container. */}}
{{- define "podseal.token" -}}
name: token
projected:
  defaultMode: 0444
  sources:
    - serviceAccountToken: {path: token, expirationSeconds: 3607}
    - configMap:
        name: kube-root-ca.crt
        items: [{key: ca.crt, path: ca.crt}]
    - downwardAPI:
        items:
          - path: namespace
            fieldRef: {fieldPath: metadata.namespace}
{{- end }}

{{- define "podseal.feed.container" -}}
{{ include "podseal.monitor.image" . }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}
