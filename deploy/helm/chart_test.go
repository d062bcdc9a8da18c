// Package helm tests the chart in the folder idp, with the library of helm itself: it is linted, rendered with the least
// and with everything, read strictly as what Kubernetes knows, and its variables and commands are given to the program.
// It is a module of its own: what it needs is no part of the program.
package helm

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// least is what must be given.
const least = `
image: {repository: registry.example.org/idp, tag: v1.2.3}
secrets: {database: {name: idp-database}, masterKeys: {name: idp-master-keys}}
settings: {trusted_proxies: [10.42.0.0/16]}
`

// digest is one of an image.
const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// everything turns all on.
const everything = `
image: {repository: registry.example.org/idp, tag: v1.2.3, digest: "` + digest + `"}
imagePullSecrets: [{name: registry}]
replicas: 3
cores: 4
secrets:
  database: {name: idp-database, key: uri}
  masterKeys: {name: idp-master-keys}
  smtpPassword: {name: idp-mail}
  smsFirstToken: {name: idp-sms}
  smsFirstReportSecret: {name: idp-sms}
  smsSecondToken: {name: idp-sms}
  smsSecondReportSecret: {name: idp-sms}
tls: {secretName: idp-tls}
settings:
  trusted_proxies: [10.42.0.0/16, 192.0.2.7]
  smtp: {host: smtp.example.org, port: 587, tls: starttls, user: idp, from: login@example.org}
  sms:
    first:
      {kind: webhook, url: "https://sms.example.org", format: json, body: '{"to": "{to}", "text": "$(HOME) {text}"}',
       authorization: "Bearer {token}", sender: Login}
    second: {kind: twilio, account: AC00000000000000000000000000000000, user: SK00000000000000000000000000000000, sender: Login}
  outbound: {allow: [10.1.2.3]}
  passwords: {filter: /var/lib/idp/passwords.filter}
  hash: {queue: 100}
  arrivals: {at_once: 1000000, per_second: 20}
  log: {level: warn, format: text}
shutdownGraceSeconds: 40
env: {OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", GOMEMLIMIT: 300MiB}
envFromSecrets: [idp-otel]
extraVolumes: [{name: filter, configMap: {name: passwords}}]
extraVolumeMounts: [{name: filter, mountPath: /var/lib/idp, readOnly: true}]
migrate: {enabled: true, activeDeadlineSeconds: 7200}
apply: {enabled: true, configMapName: idp-platforms, key: platforms.yaml, secretName: idp-platform-secrets, weaken: true}
service: {type: LoadBalancer, port: 8443, annotations: {example.org/pool: public}}
ingress:
  enabled: true
  className: nginx
  annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 3m}
  hosts: [linde.example.org, eik.example.org]
  tls: [{hosts: [linde.example.org, eik.example.org], secretName: idp-hosts}]
serviceMonitor: {enabled: true, labels: {release: prometheus}}
networkPolicy:
  enabled: true
  publicFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]
  operatorFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]
topologySpread: {whenUnsatisfiable: DoNotSchedule}
serviceAccountName: nobody
podAnnotations: {example.org/team: login}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: dedicated, operator: Exists}]
affinity: {nodeAffinity: {}}
`

// both are the two sets of values, by name.
var both = map[string]string{"least": least, "everything": everything}

// rendered is what helm gives to Kubernetes, by kind and name.
type rendered struct {
	deployment *appsv1.Deployment
	budget     *policyv1.PodDisruptionBudget
	jobs       map[string]*batchv1.Job
	services   map[string]*corev1.Service
	ingress    *networkingv1.Ingress
	policy     *networkingv1.NetworkPolicy
	monitor    map[string]any
	notes      string
}

// render renders the chart with values in YAML, as the release login in the namespace care.
func render(values string) (map[string]string, error) {
	chart, err := loader.Load("idp")
	if err != nil {
		return nil, err
	}
	given, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "login", Namespace: "care", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(chart, all)
}

// chart renders the values and reads every document strictly: a field that Kubernetes does not know fails the test.
func chart(t *testing.T, values string) rendered {
	t.Helper()
	files, err := render(values)
	if err != nil {
		t.Fatal(err)
	}
	out := rendered{jobs: map[string]*batchv1.Job{}, services: map[string]*corev1.Service{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, "NOTES.txt") {
			out.notes = files[name]
			continue
		}
		for document := range strings.SplitSeq(files[name], "\n---\n") {
			if strings.TrimSpace(document) != "" {
				out.take(t, name, []byte(document))
			}
		}
	}
	return out
}

func (r *rendered) take(t *testing.T, name string, document []byte) {
	t.Helper()
	var head struct{ Kind string }
	if err := yaml.Unmarshal(document, &head); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, document)
	}
	strict := func(into any) {
		if err := yaml.UnmarshalStrict(document, into); err != nil {
			t.Errorf("%s: %v\n%s", name, err, document)
		}
	}
	switch head.Kind {
	case "Deployment":
		strict(&r.deployment)
	case "PodDisruptionBudget":
		strict(&r.budget)
	case "Ingress":
		strict(&r.ingress)
	case "NetworkPolicy":
		strict(&r.policy)
	case "ServiceMonitor":
		strict(&r.monitor)
	case "Job":
		job := new(batchv1.Job)
		strict(job)
		r.jobs[job.Name] = job
	case "Service":
		service := new(corev1.Service)
		strict(service)
		r.services[service.Name] = service
	case "":
	default: // a ConfigMap or a Secret above all: the chart holds no values of them
		t.Errorf("%s: a %s, which the chart has no reason to make", name, head.Kind)
	}
}

// pods are what every pod of the chart is made of, by name.
func (r *rendered) pods() map[string]corev1.PodSpec {
	all := map[string]corev1.PodSpec{"server": r.deployment.Spec.Template.Spec}
	for name, job := range r.jobs {
		all[name] = job.Spec.Template.Spec
	}
	return all
}

func TestLinterHasNothingToSay(t *testing.T) {
	for name, values := range both {
		given, err := chartutil.ReadValues([]byte(values))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range lint.All("idp", given, "care", true).Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

func TestOneNodeIsAlwaysLeft(t *testing.T) {
	for name, values := range both {
		c := chart(t, values)
		spec := c.deployment.Spec
		if gone := c.budget.Spec.MaxUnavailable; gone == nil || int(*spec.Replicas)-gone.IntValue() < 1 {
			t.Errorf("%s: of %d nodes %v may be taken away", name, *spec.Replicas, gone)
		}
		if u := spec.Strategy.RollingUpdate; u == nil || u.MaxUnavailable.IntValue() != 0 || u.MaxSurge.IntValue() != 1 {
			t.Errorf("%s: an update takes nodes away before others are ready: %v", name, u)
		}
		for _, selector := range []map[string]string{c.budget.Spec.Selector.MatchLabels, spec.Selector.MatchLabels} {
			if !holds(spec.Template.Labels, selector) {
				t.Errorf("%s: %v finds no node: %v", name, selector, spec.Template.Labels)
			}
		}
		for job, j := range c.jobs {
			if holds(j.Spec.Template.Labels, spec.Selector.MatchLabels) {
				t.Errorf("%s: %s is taken for a node", name, job)
			}
		}
		keys := map[string]bool{}
		for _, s := range spec.Template.Spec.TopologySpreadConstraints {
			keys[s.TopologyKey] = holds(spec.Template.Labels, s.LabelSelector.MatchLabels)
		}
		if !keys["kubernetes.io/hostname"] || !keys["topology.kubernetes.io/zone"] {
			t.Errorf("%s: nodes are not spread: %v", name, keys)
		}
	}
}

func holds(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if labels[key] != value {
			return false
		}
	}
	return len(wanted) > 0
}

// A pod that is told to stop may take its grace and ten seconds more; nobody kills it before.
func TestPodsMayEnd(t *testing.T) {
	for values, want := range map[string]int64{least: 30, everything: 50} {
		if got := chart(t, values).deployment.Spec.Template.Spec.TerminationGracePeriodSeconds; got == nil || *got != want {
			t.Errorf("killed after %v s, want %d", got, want)
		}
	}
}

func TestPublicAndOperatorPortsStayApart(t *testing.T) {
	for name, values := range both {
		c := chart(t, values)
		ports := map[string]int32{}
		for _, p := range c.deployment.Spec.Template.Spec.Containers[0].Ports {
			ports[p.Name] = p.ContainerPort
		}
		env := environment(c.deployment.Spec.Template.Spec)
		if env["IDP_LISTEN"] != fmt.Sprint(":", ports["public"]) || env["IDP_OPERATOR_LISTEN"] != fmt.Sprint(":", ports["operator"]) {
			t.Errorf("%s: ports %v, and the program listens at %s and %s", name, ports, env["IDP_LISTEN"], env["IDP_OPERATOR_LISTEN"])
		}
		public, operator := c.services["login-idp"], c.services["login-idp-operator"]
		if p := public.Spec.Ports; len(p) != 1 || p[0].TargetPort.StrVal != "public" {
			t.Errorf("%s: the public service leads to %v", name, p)
		}
		if p := operator.Spec.Ports; len(p) != 1 || p[0].TargetPort.StrVal != "operator" ||
			operator.Spec.Type != corev1.ServiceTypeClusterIP {
			t.Errorf("%s: the operator's service is a %s and leads to %v", name, operator.Spec.Type, p)
		}
		if holds(public.Labels, operator.Labels) || c.monitor != nil && !holds(operator.Labels, selectorOf(c.monitor)) {
			t.Errorf("%s: Prometheus looks at %v or does not find %v", name, public.Labels, operator.Labels)
		}
	}
	c := chart(t, everything)
	for _, rule := range c.ingress.Spec.Rules {
		for _, p := range rule.HTTP.Paths {
			if b := p.Backend.Service; b.Name != "login-idp" || b.Port.Name != "public" {
				t.Errorf("the Ingress leads %s to %v", rule.Host, b)
			}
		}
	}
	if len(c.ingress.Spec.Rules) != 2 || chart(t, least).ingress != nil {
		t.Error("an Ingress for hosts that nobody asked for, or none for those that were")
	}
	operatorFrom := c.policy.Spec.Ingress[1]
	if operatorFrom.Ports[0].Port.StrVal != "operator" || len(operatorFrom.From) != 1 {
		t.Errorf("the operator's port is open to %v", operatorFrom)
	}
	closed := chart(t, least+"networkPolicy: {enabled: true}\n").policy.Spec
	if len(closed.Ingress) != 1 || closed.Ingress[0].Ports[0].Port.StrVal != "public" || len(closed.PolicyTypes) != 1 {
		t.Errorf("a policy with nobody in it opens %v for %v", closed.Ingress, closed.PolicyTypes)
	}
}

func selectorOf(monitor map[string]any) map[string]string {
	labels := map[string]string{}
	selector, _ := monitor["spec"].(map[string]any)["selector"].(map[string]any)
	for key, value := range selector["matchLabels"].(map[string]any) {
		labels[key] = fmt.Sprint(value)
	}
	return labels
}

// The schema is changed before any node is new, settings after; Helm waits for both.
func TestJobsAreInTheirOrder(t *testing.T) {
	c := chart(t, everything)
	hooks := map[string]string{"login-idp-migrate": "pre-install,pre-upgrade", "login-idp-apply": "post-install,post-upgrade"}
	for name, want := range hooks {
		job := c.jobs[name]
		if job == nil {
			t.Errorf("no job %s", name)
			continue
		}
		if job.Annotations["helm.sh/hook"] != want || job.Annotations["helm.sh/hook-delete-policy"] != "before-hook-creation" {
			t.Errorf("%s: %v", name, job.Annotations)
		}
		if job.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever || job.Spec.ActiveDeadlineSeconds == nil {
			t.Errorf("%s goes on for ever", name)
		}
	}
	if jobs := chart(t, least).jobs; len(jobs) != 1 || jobs["login-idp-migrate"] == nil {
		t.Errorf("the least has jobs %v", slices.Collect(maps.Keys(jobs)))
	}
	if jobs := chart(t, least+"migrate: {enabled: false}\n"); len(jobs.jobs) != 0 || !strings.Contains(jobs.notes, "idp migrate") {
		t.Errorf("without migrations: %v, and the notes say %s", jobs.jobs, jobs.notes)
	}
}

func TestPodsHaveNobodysRights(t *testing.T) {
	for name, values := range both {
		c := chart(t, values)
		for pod, spec := range c.pods() {
			s, inside := spec.SecurityContext, spec.Containers[0].SecurityContext
			if !*s.RunAsNonRoot || *s.RunAsUser != 65532 || *s.FSGroup != 65532 ||
				s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
				t.Errorf("%s: %s: %v", name, pod, s)
			}
			if *inside.AllowPrivilegeEscalation || !*inside.ReadOnlyRootFilesystem ||
				!slices.Equal(inside.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(inside.Capabilities.Add) > 0 || inside.Privileged != nil {
				t.Errorf("%s: %s: %v", name, pod, inside)
			}
			if *spec.AutomountServiceAccountToken || *spec.EnableServiceLinks ||
				spec.HostNetwork || spec.HostPID || len(spec.Containers) != 1 {
				t.Errorf("%s: %s reaches the cluster: %v", name, pod, spec)
			}
		}
	}
}

func TestImageIsWhatWasSaid(t *testing.T) {
	images := map[string]string{least: "registry.example.org/idp:v1.2.3", everything: "registry.example.org/idp@" + digest}
	for values, want := range images {
		c := chart(t, values)
		for name, spec := range c.pods() {
			if got := spec.Containers[0].Image; got != want {
				t.Errorf("%s runs %s, want %s", name, got, want)
			}
		}
	}
}

// docs/operating.md, Sizing: 100 MiB and 40 MiB for each hash worker, and half as much again.
func TestMemoryFollowsTheCores(t *testing.T) {
	for cores, mebibytes := range map[int]int64{1: 210, 2: 270, 4: 390, 16: 1110} {
		c := chart(t, least+fmt.Sprintf("cores: %d\n", cores))
		limits := c.deployment.Spec.Template.Spec.Containers[0].Resources.Limits
		if got := limits.Memory().Value() >> 20; got != mebibytes || limits.Cpu().Value() != int64(cores) {
			t.Errorf("%d cores: %d MiB and %s cores, want %d", cores, got, limits.Cpu(), mebibytes)
		}
		if env := environment(c.deployment.Spec.Template.Spec); env["IDP_HASH__WORKERS"] != fmt.Sprint(cores) {
			t.Errorf("%d cores: %s passwords at once", cores, env["IDP_HASH__WORKERS"])
		}
	}
	own := chart(t, least+"resources: {requests: {memory: 1Gi}}\n").deployment.Spec.Template.Spec.Containers[0].Resources
	if own.Requests.Memory().Value() != 1<<30 || len(own.Limits) != 0 {
		t.Errorf("own resources are %v", own)
	}
}

// environment are the variables of a pod's container that stand there with their values, as Kubernetes gives them.
func environment(spec corev1.PodSpec) map[string]string {
	all := map[string]string{}
	for _, e := range spec.Containers[0].Env {
		all[e.Name] = strings.ReplaceAll(e.Value, "$$(", "$(")
	}
	return all
}

// A setting is a variable that the program reads, whatever helm makes of numbers, and Kubernetes of $(NAME).
func TestSettingsAreVariables(t *testing.T) {
	env := chart(t, everything).deployment.Spec.Template.Spec.Containers[0].Env
	for name, want := range map[string]string{
		"IDP_ARRIVALS__AT_ONCE": "1000000", "IDP_TRUSTED_PROXIES": "10.42.0.0/16,192.0.2.7", "IDP_SHUTDOWN_GRACE": "40s",
		"IDP_SMS__FIRST__BODY": `{"to": "{to}", "text": "$$(HOME) {text}"}`, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
	} {
		if !slices.Contains(env, corev1.EnvVar{Name: name, Value: want}) {
			t.Errorf("%s is not %s in %v", name, want, env)
		}
	}
}

// secretVariable finds variables of which the value is a secret, or the name of a file with one.
var secretVariable = regexp.MustCompile(`DATABASE|MASTER_KEYS|PASSWORD_|PASSWORD$|TOKEN|SECRET`)

// What is secret is a file, from a Secret that is there already, which the program's group may read and nobody else.
func TestSecretsAreFiles(t *testing.T) {
	for name, values := range both {
		c := chart(t, values)
		for pod, spec := range c.pods() {
			files := secretFiles(t, spec)
			for variable, value := range environment(spec) {
				secret := secretVariable.MatchString(variable)
				if secret != strings.HasPrefix(value, "/run/secrets/idp/") ||
					secret && (!strings.HasSuffix(variable, "_FILE") || !files[value]) {
					t.Errorf("%s: %s: %s is %s; files are %v", name, pod, variable, value, files)
				}
			}
		}
	}
}

// secretFiles are the paths of secrets in a pod.
func secretFiles(t *testing.T, spec corev1.PodSpec) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	for _, m := range spec.Containers[0].VolumeMounts {
		i := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if i < 0 {
			t.Fatalf("%s is mounted and nowhere", m.Name)
		}
		if !m.ReadOnly {
			t.Errorf("%s may be written", m.MountPath)
		}
		v := spec.Volumes[i]
		switch {
		case v.Projected != nil:
			if mode := *v.Projected.DefaultMode; mode != 0o440 {
				t.Errorf("%s has mode %04o", m.MountPath, mode)
			}
			for _, source := range v.Projected.Sources {
				if source.Secret != nil {
					for _, item := range source.Secret.Items {
						files[m.MountPath+"/"+item.Path] = true
					}
				}
			}
		case v.Secret != nil && *v.Secret.DefaultMode != 0o440:
			t.Errorf("%s has mode %04o", m.MountPath, *v.Secret.DefaultMode)
		}
	}
	return files
}
