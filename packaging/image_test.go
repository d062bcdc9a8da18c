package packaging_test

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/keys"
)

// These tests read the files that operators deploy with and do what they say, where no container engine and no booted
// systemd is at hand: they build with the Dockerfile's command, and start what is in the image or the archive, as the
// user that is named there, with the settings of compose.yaml or of the unit, in a folder that holds nothing else.

// image is what a Dockerfile says about the image.
type image struct {
	build                   string // shell command
	user                    string // uid:gid
	entrypoint, cmd, health []string
}

func readImage(t *testing.T) image {
	t.Helper()
	text := read(t, "../Dockerfile")
	one := func(pattern string) string {
		t.Helper()
		found := regexp.MustCompile(`(?m)^`+pattern+`$`).FindAllStringSubmatch(text, -1)
		if len(found) != 1 {
			t.Fatalf("Dockerfile: %d lines like %s", len(found), pattern)
		}
		return found[0][1]
	}
	words := func(list string) (all []string) {
		t.Helper()
		if err := json.Unmarshal([]byte(list), &all); err != nil {
			t.Fatalf("Dockerfile: %s: %v (there is no shell in the image)", list, err)
		}
		return all
	}
	if stages := regexp.MustCompile(`(?m)^FROM (.*)$`).FindAllStringSubmatch(text, -1); len(stages) != 2 || stages[1][1] != "scratch" {
		t.Errorf("Dockerfile: stages %v, want one that builds and scratch", stages)
	}
	return image{
		build: one(`RUN (CGO_ENABLED=0 go build .*)`), user: one(`USER (.*)`),
		entrypoint: words(one(`ENTRYPOINT (.*)`)), cmd: words(one(`CMD (.*)`)), health: words(one(`HEALTHCHECK .* CMD (.*)`)),
	}
}

// compose is what we use of https://github.com/compose-spec/compose-spec/blob/main/spec.md.
type compose struct {
	Name     string
	Services map[string]service
	Networks map[string]any
	Volumes  map[string]any
	Secrets  map[string]struct{ File string }
}

type service struct {
	NetworkMode string `yaml:"network_mode"`
	Image       string
	Build       any
	Command     []string
	Environment map[string]string
	Secrets     []string
	Ports       []string
	Networks    []string
	Volumes     []string
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	SecurityOpt []string          `yaml:"security_opt"`
	Healthcheck map[string]any    `yaml:"healthcheck"`
	DependsOn   map[string]depend `yaml:"depends_on"`
	StopGrace   string            `yaml:"stop_grace_period"`
	Restart     string
}

type depend struct{ Condition string }

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	d := yaml.NewDecoder(strings.NewReader(read(t, "../compose.yaml")))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatalf("compose.yaml: %v", err)
	}
	return c
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestComposeFileIsCoherent(t *testing.T) {
	c := readCompose(t)
	for name, s := range c.Services {
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File == "" {
				t.Errorf("%s: no secret %s", name, secret)
			}
		}
		for _, network := range s.Networks {
			if _, ok := c.Networks[network]; !ok {
				t.Errorf("%s: no network %s", name, network)
			}
		}
		for variable, value := range s.Environment {
			if path, ok := strings.CutPrefix(value, "/run/secrets/"); ok && (!strings.HasSuffix(variable, "_FILE") || !slices.Contains(s.Secrets, path)) {
				t.Errorf("%s: %s=%s is not mounted", name, variable, value)
			}
			if regexp.MustCompile(`(?i)password|key|secret`).MatchString(variable) && !strings.HasSuffix(variable, "_FILE") {
				t.Errorf("%s: %s: a secret in the file", name, variable)
			}
		}
		if of, ok := strings.CutPrefix(s.NetworkMode, "service:"); ok && (len(s.Networks)+len(s.Ports) > 0 || s.DependsOn[of].Condition == "") {
			t.Errorf("%s shares the network of %s: it has no networks and ports of its own, and starts after it", name, of)
		}
		for other, d := range s.DependsOn {
			if _, ok := c.Services[other]; !ok || d.Condition == "" {
				t.Errorf("%s depends on %s (%s)", name, other, d.Condition)
			}
		}
	}
	for _, name := range []string{"migrate", "idp"} {
		s := c.Services[name]
		if !s.ReadOnly || fmt.Sprint(s.CapDrop) != "[ALL]" || fmt.Sprint(s.SecurityOpt) != "[no-new-privileges:true]" || len(s.Volumes) != 0 {
			t.Errorf("%s is not confined: %+v", name, s)
		}
	}
	server, im := c.Services["idp"], readImage(t)
	if server.DependsOn["migrate"].Condition != "service_completed_successfully" {
		t.Errorf("servers start before the schema is there: %+v", server.DependsOn)
	}
	if got, want := fmt.Sprint(server.Healthcheck["test"]), fmt.Sprint(append([]string{"CMD"}, im.health...)); got != want {
		t.Errorf("health check %s, the image's is %s", got, want)
	}
	if !slices.Equal(server.Command, im.cmd) {
		t.Errorf("command %s, the image's is %s", server.Command, im.cmd)
	}
	for _, port := range server.Ports {
		if !strings.HasPrefix(port, "127.0.0.1:") {
			t.Errorf("port %s is open to everybody, without TLS", port)
		}
	}
	if ignored := read(t, "../.gitignore") + read(t, "../.dockerignore"); strings.Count(ignored, "secrets") != 2 {
		t.Error("secrets may get into the repository or the image: .gitignore, .dockerignore")
	}
}

// Everything that the program is compiled from must reach the builder.
func TestDockerignoreLeavesTheSources(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{with .Module}}{{if .Main}}{{$.Dir}}{{range $.GoFiles}} {{.}}{{end}}{{range $.EmbedFiles}} {{.}}{{end}}{{end}}{{end}}{{end}}`, "../cmd/idp").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		for _, name := range fields[min(1, len(fields)):] {
			path, err := filepath.Rel(root, filepath.Join(fields[0], name))
			if err != nil {
				t.Fatal(err)
			}
			for pattern := range strings.Lines(read(t, "../.dockerignore")) {
				if strings.HasPrefix(path, strings.TrimSpace(pattern)+"/") {
					t.Errorf("%s is left out by %s", path, pattern)
				}
			}
		}
	}
}

const platforms = `platforms:
  - name: linde
    issuer: https://linde.example.org
    organisation: GGZ De Linde
    home_url: https://linde.example.net
`

func TestImageServesWithTheSettingsOfCompose(t *testing.T) {
	im, c := readImage(t), readCompose(t)
	uid, err := strconv.ParseUint(strings.Split(im.user, ":")[0], 10, 32)
	if err != nil || uid == 0 {
		t.Fatalf("USER %s: %v", im.user, err)
	}
	j := newJail(t, uint32(uid))
	build := exec.Command("sh", "-c", strings.Replace(im.build, "-o /idp", "-o "+filepath.Join(j.root, "idp"), 1))
	build.Dir, build.Env = "..", append(os.Environ(), "VERSION=v9.8.7")
	j.run(build)
	static(t, filepath.Join(j.root, "idp"))

	j.put("/run/secrets/database", idptest.EmptyPostgres(t)+"\n", 0o400)
	j.put("/run/secrets/master-keys", keys.NewMaster()+"\n", 0o400)
	port, operator := freePort(t), freePort(t)
	env := map[string]string{}
	for name, value := range c.Services["idp"].Environment {
		env[name] = value
		if c.Services["migrate"].Environment[name] != value {
			t.Errorf("migrate has %s=%s", name, c.Services["migrate"].Environment[name])
		}
	}
	// Of the settings, three are the network's, which is another one here.
	env["IDP_LISTEN"], env["IDP_OPERATOR_LISTEN"], env["IDP_TRUSTED_PROXIES"] = ":"+port, ":"+operator, "127.0.0.1,::1"
	idp := func(args ...string) *exec.Cmd {
		return j.command("/", env, append(slices.Clone(im.entrypoint), args...)...)
	}

	if out := j.run(idp("--version")); !strings.Contains(out, "v9.8.7") {
		t.Errorf("--version: %s", out)
	}
	j.run(idp(c.Services["migrate"].Command...))
	apply := idp("apply", "-")
	apply.Stdin = strings.NewReader(platforms)
	j.run(apply)
	before := j.files()

	health := func() error { return j.command("/", env, im.health...).Run() }
	if err := health(); err == nil {
		t.Error("healthy before it runs")
	}
	server := idp(c.Services["idp"].Command...)
	j.start(server)
	j.soon("healthy", func() bool { return health() == nil })
	for proto, want := range map[string]int{"https": http.StatusOK, "": http.StatusBadRequest} {
		if status, body := discovery(t, port, proto); status != want {
			t.Errorf("X-Forwarded-Proto %q: %d, want %d: %s", proto, status, want, body)
		}
	}
	j.stop(server)
	if err := health(); err == nil {
		t.Error("healthy after it stopped")
	}
	if after := j.files(); !slices.Equal(after, before) {
		t.Errorf("it wrote something: %v, before %v", after, before)
	}
}

// static fails the test when a program needs a library or a loader.
func static(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // read only
	libraries, err := f.ImportedLibraries()
	loader := slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
	if err != nil || len(libraries) > 0 || loader {
		t.Errorf("not static: %v, loader %t, %v", libraries, loader, err)
	}
}

func discovery(t *testing.T, port, proto string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "linde.example.org"
	if proto != "" {
		r.Header.Set("X-Forwarded-Proto", proto)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// The script makes what compose.yaml mounts, and never replaces it.
func TestSecretsAreMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	first, err := exec.Command("sh", "secrets.sh", dir).CombinedOutput()
	if os.Geteuid() == 0 && err != nil {
		t.Fatalf("%v\n%s", err, first)
	} // only root may give files to the users of containers; what is made is the same
	text := map[string]string{}
	for name, s := range readCompose(t).Secrets {
		path := filepath.Join(dir, filepath.Base(s.File))
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o400 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		text[name] = read(t, path)
	}
	if _, err := keys.ParseMaster(strings.TrimSpace(text["master-keys"])); err != nil {
		t.Errorf("master key: %v", err)
	}
	if password := strings.TrimSpace(text["postgres-password"]); len(password) != 48 || !strings.Contains(text["database"], ":"+password+"@postgres/idp") {
		t.Errorf("database %q with password of %d characters", text["database"], len(password))
	}
	if again, err := exec.Command("sh", "secrets.sh", dir).CombinedOutput(); err == nil || !strings.Contains(string(again), "nothing was changed") {
		t.Errorf("a second time: %v %s", err, again)
	}
}
