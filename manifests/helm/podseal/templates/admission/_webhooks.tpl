{{/* Where the API server finds a webhook, and whom it asks it about. podseal-certs adds the caBundle and the rules. */}}
{{- define "podseal.client" -}}
clientConfig:
  service:
    name: podseal
    namespace: {{ .root.Release.Namespace }}
    path: {{ .path }}
    port: 443
admissionReviewVersions: [v1]
# Also requests by another version or group of the same resource, converted.
matchPolicy: Equivalent
# Nothing is written, so dry runs are judged like all else.
sideEffects: None
timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
# By the label that the API server sets itself: nobody can exempt a namespace by labelling it.
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{- concat (list "kube-system" "kube-public" "kube-node-lease" .root.Release.Namespace) .root.Values.exemptNamespaces | uniq | toYaml | nindent 8 }}
{{- end }}
