{{/*
The webhooks before running pods: a list of {name, rules, failurePolicy, seconds, selector, conditions}.

For exec and for connect, one where the namespace denies, which fails closed, and one where it records, which lets pass
when podseal does not answer. Which of them a namespace meets is said by its guarded label, or without it by
`policy.defaults`. A floor of the policy holds whatever the label says, so one that denies has a webhook of its own, by
the names of its namespaces. No request meets two of them: it would be recorded twice.
*/}}
{{- define "podseal.gates" -}}
{{- $root := . }}
{{- range $gate, $default := dict "connect" "allow" "exec" "record" }}
{{- $default = dig "defaults" $gate $default $root.Values.policy }}
{{- $label := printf "podseal.dev/%s" $gate }}
{{- $denied := list }}
{{- $raised := false }}
{{- range $floor := $root.Values.policy.floors }}
{{- if eq "deny" (get $floor $gate) }}
{{- $denied = concat $denied $floor.namespaces }}
{{- end }}
{{- $raised = or $raised (has (get $floor $gate) (list "record" "deny")) }}
{{- end }}
{{- $named := include "podseal.named" $denied }}
- name: {{ $gate }}-deny.podseal.dev
  rules: {{ $gate }}
  failurePolicy: Fail
  selector:
    - {{- include "podseal.guarded" $root | nindent 6 }}
    - key: {{ $label }}
    {{- if eq $default "deny" }}
      operator: NotIn
      values: [allow, record]
    {{- else }}
      operator: In
      values: [deny]
    {{- end }}
  {{- if $denied }}
  conditions: [{name: has-no-floor, expression: {{ printf "!(%s)" $named | quote }}}]
- name: {{ $gate }}-floor.podseal.dev
  rules: {{ $gate }}
  failurePolicy: Fail
  selector:
    - {{- include "podseal.guarded" $root | nindent 6 }}
  conditions: [{name: has-a-floor, expression: {{ quote $named }}}]
  {{- end }}
- name: {{ $gate }}-record.podseal.dev
  rules: {{ $gate }}
  failurePolicy: Ignore
  seconds: 2
  selector:
    - {{- include "podseal.guarded" $root | nindent 6 }}
    - key: {{ $label }}
    {{- if and (eq $default "deny") $raised }}
      operator: In
      values: [allow, record]
    {{- else if $raised }}
      operator: NotIn
      values: [deny]
    {{- else if eq $default "record" }}
      operator: NotIn
      values: [allow, deny]
    {{- else }}
      operator: In
      values: [record]
    {{- end }}
  {{- if $denied }}
  conditions: [{name: has-no-floor, expression: {{ printf "!(%s)" $named | quote }}}]
  {{- end }}
{{- end }}
# The most valuable pods are here. Whoever repairs a cluster must reach them, so without an answer everything passes.
- name: system.podseal.dev
  rules: system
  failurePolicy: Ignore
  seconds: 2
  selector:
    - key: kubernetes.io/metadata.name
      operator: In
      values: {{- include "podseal.system" . | nindent 8 }}
  conditions:
    - name: brings-code-or-connects
      expression: |-
        request.operation == 'CONNECT' ||
        {{- include "podseal.changes-what-runs" . | nindent 8 }}
# A proxy to a node is the kubelet's own API, which runs commands in every pod of the node. What only reads is let pass
# here, as far as it is spelled plainly, so that metrics do not depend on podseal; all else is asked about.
- name: nodes.podseal.dev
  rules: nodes
  failurePolicy: Fail
  selector: []
  conditions:
    - name: is-no-plain-reading
      expression: >-
        !has(object.path) || !object.path.matches('^/?(metrics|metrics/cadvisor|metrics/resource|metrics/probes|healthz|stats/summary|configz|pods)$')
{{- end }}

{{/* In: patterns of namespaces' names. Out: a CEL expression, whether the request's namespace is one of them. */}}
{{- define "podseal.named" -}}
{{- $patterns := list }}
{{- range . }}
{{- $patterns = append $patterns (regexQuoteMeta . | replace `\*` ".*" | replace `\?` "." | replace `\` `\\`) }}
{{- end }}
{{- printf "request.namespace.matches('^(%s)$')" (join "|" $patterns) }}
{{- end }}
