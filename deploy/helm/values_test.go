package helm

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

// Each row is the least with one thing more, missing or wrong, and a word of what the schema says about it.
func TestWrongValuesAreRefused(t *testing.T) {
	without := func(part string) string { return strings.Replace(least, part, "", 1) }
	for name, row := range map[string]struct{ values, says string }{
		"nothing":                         {"", "repository"},
		"no repository":                   {without("repository: registry.example.org/idp, "), "/image/repository"},
		"neither tag nor digest":          {without(", tag: v1.2.3"), "/image"},
		"a digest in the repository":      {strings.Replace(least, "org/idp", "org/idp@"+digest, 1), "/image/repository"},
		"half a digest":                   {strings.Replace(least, "tag: v1.2.3", "digest: 'sha256:9f86'", 1), "/image/digest"},
		"no database":                     {without("database: {name: idp-database}, "), "/secrets/database/name"},
		"no master keys":                  {without(", masterKeys: {name: idp-master-keys}"), "/secrets/masterKeys/name"},
		"the database itself":             {strings.Replace(least, "{name: idp-database}", "{name: 'postgres://idp:x@db/idp'}", 1), "/secrets/database/name"},
		"a secret as a value":             {strings.Replace(least, "{name: idp-database}", "{name: a, value: b}", 1), "'value' not allowed"},
		"plain HTTP for everybody":        {without("trusted_proxies: [10.42.0.0/16]"), "anyOf"},
		"everybody is a proxy":            {strings.Replace(least, "10.42.0.0/16", "0.0.0.0/0", 1), "/settings/trusted_proxies/0"},
		"a proxy by name":                 {strings.Replace(least, "10.42.0.0/16", "proxy", 1), "/settings/trusted_proxies/0"},
		"one node":                        {least + "replicas: 1\n", "/replicas"},
		"a number in words":               {least + "replicas: two\n", "/replicas"},
		"no cores":                        {least + "cores: 0\n", "/cores"},
		"a grace beyond the program's":    {least + "shutdownGraceSeconds: 301\n", "/shutdownGraceSeconds"},
		"a key that nobody knows":         {least + "replicaCount: 3\n", "'replicaCount' not allowed"},
		"a setting that nobody knows":     {withSetting("log: {colour: red}"), "'colour' not allowed"},
		"a password among the settings":   {withSetting("smtp: {password: x}"), "'password' not allowed"},
		"master keys among the settings":  {withSetting("master_keys: [x]"), "'master_keys' not allowed"},
		"the chart's own settings":        {withSetting("listen: ':1'"), "'listen' not allowed"},
		"a setting out of bounds":         {withSetting("hash: {queue: 10001}"), "/settings/hash/queue"},
		"our variables past the settings": {least + "env: {IDP_MASTER_KEYS: x}\n", "IDP_MASTER_KEYS"},
		"a token in a variable":           {least + "env: {OTEL_EXPORTER_OTLP_HEADERS: x}\n", "HEADERS"},
		"apply without a file":            {least + "apply: {enabled: true}\n", "/apply/configMapName"},
		"an Ingress for nobody":           {least + "ingress: {enabled: true}\n", "/ingress/hosts"},
		"an Ingress whose addresses nobody knows": {
			without("trusted_proxies: [10.42.0.0/16]") + "tls: {secretName: tls}\ningress: {enabled: true, hosts: [a.example.org]}\n", "trusted_proxies",
		},
		"a service that Kubernetes has not":  {least + "service: {type: ExternalName}\n", "/service/type"},
		"an address of a host":               {least + "ingress: {enabled: true, hosts: ['https://a.example.org']}\n", "/ingress/hosts/0"},
		"spread in a way that there is none": {least + "topologySpread: {whenUnsatisfiable: Never}\n", "/topologySpread/whenUnsatisfiable"},
	} {
		if _, err := render(row.values); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: got %v\nwant %q", name, err, row.says)
		}
	}
	if _, err := render(least); err != nil {
		t.Errorf("the least is refused: %v", err)
	}
	if _, err := render(strings.Replace(least, "trusted_proxies: [10.42.0.0/16]", "", 1) + "tls: {secretName: tls}\n"); err != nil {
		t.Errorf("TLS of the nodes' own is refused: %v", err)
	}
}

func withSetting(text string) string {
	return strings.Replace(least, "settings: {", "settings: {"+text+", ", 1)
}

// chartsOwn are keys of the configuration that are no settings of the chart: it sets them, or they are secret.
var chartsOwn = []string{
	"listen", "operator_listen", "shutdown_grace", "hash.workers", "tls.cert_file", "tls.key_file",
	"database", "master_keys", "master_keys_file", "smtp.password",
	"sms.first.token", "sms.first.report_secret", "sms.second.token", "sms.second.report_secret",
}

// The schema has each key of example.yaml, which has each that the program knows, and no other.
func TestSettingsAreTheProgramsOwn(t *testing.T) {
	text, err := os.ReadFile("../../configs/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var example map[string]any
	if err := yaml.Unmarshal(text, &example); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile("idp/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct{ Settings map[string]any }
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	got := append(keysOfSchema("", schema.Properties.Settings), chartsOwn...)
	want := keysOf("", example)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the chart  %v\nthe program %v", got, want)
	}
	var all struct{ Settings map[string]any }
	if err := yaml.Unmarshal([]byte(everything), &all); err != nil {
		t.Fatal(err)
	}
	tried := append(keysOf("", all.Settings), chartsOwn...)
	for _, key := range want {
		if !slices.Contains(tried, key) && key != "sms.first.account" && key != "sms.first.user" && !strings.HasPrefix(key, "sms.second.") {
			t.Errorf("everything does not say %s", key)
		}
	}
}

func keysOf(prefix string, values map[string]any) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if section, ok := values[name].(map[string]any); ok {
			all = append(all, keysOf(prefix+name+".", section)...)
		} else {
			all = append(all, prefix+name)
		}
	}
	return all
}

func keysOfSchema(prefix string, section map[string]any) (all []string) {
	properties, _ := section["properties"].(map[string]any)
	for name, value := range properties {
		if below := value.(map[string]any); below["properties"] != nil {
			all = append(all, keysOfSchema(prefix+name+".", below)...)
		} else {
			all = append(all, prefix+name)
		}
	}
	return all
}

// The values that README.md of the chart and docs/operating.md show are taken, with a digest of the reader's own, and name
// what docs/operating.md has made before.
func TestDocumentsShowValuesThatAreTaken(t *testing.T) {
	for path, before := range map[string]string{"idp/README.md": "```yaml\n", "../../docs/operating.md": "with these `values.yaml`:\n\n```yaml\n"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		made, block, _ := strings.Cut(string(text), before)
		block, _, _ = strings.Cut(block, "```")
		c := chart(t, strings.Replace(block, "sha256:…", digest, 1))
		if got := c.deployment.Spec.Template.Spec.Containers[0].Image; got != "registry.example.org/idp@"+digest {
			t.Errorf("%s: it runs %s", path, got)
		}
		if path == "idp/README.md" {
			continue
		}
		for _, name := range []string{
			"secret generic idp-database --from-file=database\n", "secret generic idp-master-keys --from-file=master-keys\n",
			"configmap idp-platforms --from-file=platforms.yaml ", "secret generic idp-platform-secrets ",
			"helm upgrade login deploy/helm/idp ", "kubectl rollout status deployment/" + c.deployment.Name + "\n",
		} {
			if !strings.Contains(made, name) {
				t.Errorf("%s does not say %q", path, name)
			}
		}
		for _, volume := range c.jobs["login-idp-apply"].Spec.Template.Spec.Volumes {
			for _, source := range volume.Projected.Sources {
				if source.Secret != nil && !strings.Contains(made, "secret generic "+source.Secret.Name+" ") {
					t.Errorf("%s makes no Secret %s", path, source.Secret.Name)
				}
			}
		}
	}
}

// docs/operating.md turns the job that migrates into one that runs `idp restored`, by the sed of this machine.
func TestRestoredRunsInTheMigrationsPlace(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile(`sed '([^']*)' \| kubectl create -f -`).FindSubmatch(text)
	if script == nil {
		t.Fatal("docs/operating.md has no sed")
	}
	files, err := render(least)
	if err != nil {
		t.Fatal(err)
	}
	sed := exec.Command("sed", string(script[1]))
	sed.Stdin = strings.NewReader(files["idp/templates/migrate.yaml"])
	out, err := sed.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := rendered{jobs: map[string]*batchv1.Job{}}
	got.take(t, "the changed job", out)
	job := got.jobs["login-idp-restored"]
	if job == nil || !slices.Equal(job.Spec.Template.Spec.Containers[0].Args, []string{"restored"}) {
		t.Errorf("it is\n%s", out)
	}
}
