{{/* Where the API server finds a webhook, and how it asks. podseal-certs adds caBundle, path and rules. */}}
{{- define "podseal.client" -}}
clientConfig:
  service:
    name: podseal
    namespace: {{ .root.Release.Namespace }}
    port: 443
admissionReviewVersions: [v1]
# Also requests by another version or group of the same resource, converted.
matchPolicy: Equivalent
# What a reach into a running pod leaves is an ExecSession; a dry run leaves nothing.
sideEffects: NoneOnDryRun
timeoutSeconds: {{ .seconds | default .root.Values.webhook.timeoutSeconds }}
{{- end }}

{{/* Namespaces that podseal must never stop. */}}
{{- define "podseal.system" -}}
{{- concat (list "kube-system" "kube-public" "kube-node-lease" .Release.Namespace) .Values.exemptNamespaces | uniq | toYaml }}
{{- end }}

{{/* By the label that the API server sets itself: nobody can exempt a namespace by labelling it. */}}
{{- define "podseal.guarded" -}}
key: kubernetes.io/metadata.name
operator: NotIn
values: {{- include "podseal.system" . | nindent 2 }}
{{- end }}

{{/* An UPDATE of a pod that brings a container or an image. Without `has` it would be an error, and so a refusal: a
request without a subresource lacks the field. */}}
{{- define "podseal.changes-what-runs" -}}
(has(request.subResource) && request.subResource == 'ephemeralcontainers') ||
object.spec.containers.exists(new, !oldObject.spec.containers.exists(old,
  old.name == new.name && old.image == new.image)) ||
(has(object.spec.initContainers) && object.spec.initContainers.exists(new,
  !has(oldObject.spec.initContainers) || !oldObject.spec.initContainers.exists(old,
  old.name == new.name && old.image == new.image)))
{{- end }}
