{{/* The name of everything: the release's, with the chart's unless it has that already. */}}
{{- define "idp.fullname" -}}
{{- if contains "idp" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-idp" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* What finds the pods of a component: takes (dict "component" NAME "root" $). */}}
{{- define "idp.selector" -}}
app.kubernetes.io/name: idp
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "idp.labels" -}}
{{ include "idp.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "idp.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}{{ end }}
{{- end }}

{{/* Settings as variables: hash.queue is IDP_HASH__QUEUE. Takes (dict "prefix" "IDP_" "values" MAP). */}}
{{- define "idp.settings" -}}
{{- $prefix := .prefix }}
{{- range $key, $value := .values }}
{{- $name := printf "%s%s" $prefix (upper $key) }}
{{- if kindIs "map" $value }}
{{- include "idp.settings" (dict "prefix" (printf "%s__" $name) "values" $value) }}
{{- else if not (kindIs "invalid" $value) }}
- name: {{ $name }}
  value: {{ include "idp.value" $value }}
{{- end }}
{{- end }}
{{- end }}

{{/* A value of a variable. Numbers come as floats; $( would be read as the name of another variable. */}}
{{- define "idp.value" -}}
{{- if kindIs "slice" . }}{{ join "," . | replace "$(" "$$(" | quote }}
{{- else if kindIs "float64" . }}{{ int64 . | toString | quote }}
{{- else }}{{ toString . | replace "$(" "$$(" | quote }}{{ end }}
{{- end }}

{{/* Which secret is which variable. The file is named after the key here, so that two Secrets may use one key. */}}
{{- define "idp.secretVariables" -}}
database: IDP_DATABASE_FILE
masterKeys: IDP_MASTER_KEYS_FILE
smtpPassword: IDP_SMTP__PASSWORD_FILE
smsFirstToken: IDP_SMS__FIRST__TOKEN_FILE
smsFirstReportSecret: IDP_SMS__FIRST__REPORT_SECRET_FILE
smsSecondToken: IDP_SMS__SECOND__TOKEN_FILE
smsSecondReportSecret: IDP_SMS__SECOND__REPORT_SECRET_FILE
{{- end }}

{{/* The whole configuration, the same for server and jobs: a secret is a file whose name is said here. */}}
{{- define "idp.env" -}}
- name: IDP_LISTEN
  value: ":8080"
- name: IDP_OPERATOR_LISTEN
  value: ":9090"
- name: IDP_SHUTDOWN_GRACE
  value: {{ printf "%ds" (int .Values.shutdownGraceSeconds) | quote }}
- name: IDP_HASH__WORKERS
  value: {{ int .Values.cores | toString | quote }}
{{- if .Values.tls.secretName }}
- name: IDP_TLS__CERT_FILE
  value: /run/tls/tls.crt
- name: IDP_TLS__KEY_FILE
  value: /run/tls/tls.key
{{- end }}
{{- range $secret, $variable := include "idp.secretVariables" . | fromYaml }}
{{- if (index $.Values.secrets $secret).name }}
- name: {{ $variable }}
  value: /run/secrets/idp/{{ $secret }}
{{- end }}
{{- end }}
{{- include "idp.settings" (dict "prefix" "IDP_" "values" .Values.settings) }}
{{- end }}

{{- define "idp.volumes" -}}
- name: secrets
  projected:
    defaultMode: 0440 # the program refuses secrets that everybody may read; fsGroup lets it read them
    sources:
    {{- range $secret, $variable := include "idp.secretVariables" . | fromYaml }}
    {{- with index $.Values.secrets $secret }}
    {{- if .name }}
      - secret:
          name: {{ .name }}
          items:
            - key: {{ .key }}
              path: {{ $secret }}
    {{- end }}
    {{- end }}
    {{- end }}
{{- if .Values.tls.secretName }}
- name: tls
  secret:
    secretName: {{ .Values.tls.secretName }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "idp.volumeMounts" -}}
- name: secrets
  mountPath: /run/secrets/idp
  readOnly: true
{{- if .Values.tls.secretName }}
- name: tls
  mountPath: /run/tls
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What every pod has: nobody's rights, and no way into the cluster. 65532 is the user of the image. */}}
{{- define "idp.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "idp.container" -}}
image: {{ include "idp.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* 100 MiB and 40 MiB for each password that is checked at once, and half as much again (docs/operating.md, Sizing). */}}
{{- define "idp.resources" -}}
{{- if .Values.resources }}{{ toYaml .Values.resources }}
{{- else }}
{{- $memory := div (mul 3 (add 100 (mul 40 (int .Values.cores)))) 2 }}
requests:
  cpu: {{ int .Values.cores | toString | quote }}
  memory: {{ $memory }}Mi
limits:
  cpu: {{ int .Values.cores | toString | quote }}
  memory: {{ $memory }}Mi
{{- end }}
{{- end }}
