package configs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
)

// master is a master key that a leak would show.
const master = "bWFzdGVyLWtleS10aGF0LW5vYm9keS1tYXktc2VlISE"

// small is the least a node has to be told.
const small = "listen: 127.0.0.1:8080\ndatabase: sqlite:idp.db\nmaster_keys: [" + master + "]\n"

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, environ ...string) *Config {
	t.Helper()
	c, err := Load(write(t, "idp.yaml", text, 0o600), environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExampleHasEveryKeyAndItsDefault(t *testing.T) {
	data, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load("example.yaml", []string{"IDP_MASTER_KEYS_FILE=" + write(t, "master-keys", master, 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	noDefault := []string{"tls.cert_file", "tls.key_file", "database", "master_keys", "master_keys_file", "smtp.host", "smtp.user", "smtp.password", "smtp.from", "sms.first.kind", "sms.first.url", "sms.first.token", "sms.first.sender", "passwords.filter"}
	usual, err := parse(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.settings() {
		if c.origins[s.key].place == "" {
			t.Errorf("example.yaml has no %s", s.key)
		}
		want, _ := find(usual.settings(), s.key)
		same := reflect.DeepEqual(s.target.Interface(), want.target.Interface()) || s.target.Kind() == reflect.Slice && s.target.Len() == 0
		if !same && !slices.Contains(noDefault, s.key) {
			t.Errorf("example.yaml: %s is %v, the default is %v", s.key, s.target, want.target)
		}
	}
	before := ""
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(before, "#") {
			t.Errorf("example.yaml line %d: no sentence above %s", i+1, line)
		}
		before = line
	}
}

func TestDevIsValidWithDatabaseAndMasterKey(t *testing.T) {
	c, err := Dev()
	if err != nil {
		t.Fatal(err)
	}
	c.Database, c.MasterKeys = "sqlite:var/idp.sqlite", []secret.Text{secret.Text(keys.NewMaster())}
	if err := c.Validate(); err != nil || c.Hash.Workers < 1 {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestMissingKeysAreSafe(t *testing.T) {
	c := load(t, small)
	if c.OperatorListen != "127.0.0.1:9090" || c.Hash.Queue != 64 || c.Hash.Workers < 1 || c.ShutdownGrace != 20*time.Second || len(c.TrustedProxies) != 0 || c.Log.Format != "json" {
		t.Errorf("got %+v", c)
	}
	for name, text := range map[string]string{
		"nothing":            "",
		"only a comment":     "# nothing\n",
		"sections left open": "tls:\nsmtp:\npasswords:\nhash:\nlog:\n",
	} {
		_, err := Load(write(t, "idp.yaml", text, 0o600), nil)
		for _, want := range []string{"tls: invalid: missing", "database: invalid: sqlite:PATH", "master_keys: invalid: missing"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
	}
	if _, err := Load("", []string{"IDP_LISTEN=127.0.0.1:0", "IDP_DATABASE=sqlite:idp.db", "IDP_MASTER_KEYS=" + master}); err != nil {
		t.Errorf("without a file: %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: got %v", err)
	}
}

func TestMistakesNameKeyAndLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{small + "lissten: :1", `idp.yaml line 4: lissten: invalid: unknown; the file has listen, operator_listen, tls,`},
		{small + "hash:\n  worker: 3", `idp.yaml line 5: hash.worker: invalid: unknown; hash has workers, queue`},
		{small + "listen: :2", `idp.yaml line 4: listen: invalid: there already on line 1`},
		{small + "hash: 3", `idp.yaml line 4: hash: invalid: keys with values`},
		{"- listen", `idp.yaml line 1: the file: invalid: keys with values`},
		{small + "---\nlisten: :1", `idp.yaml: invalid: more than one document`},
		{small + "log: {", `idp.yaml: invalid: yaml: line 4`},
		{small + "hash: {workers: many}", `idp.yaml line 4: hash.workers: invalid: "many": a whole number`},
		{small + "hash: {workers: -1}", `idp.yaml line 4: hash.workers: invalid: -1: 1 to 256, or 0 for one per core`},
		{small + "arrivals: { at_once: 0 }", `idp.yaml line 4: arrivals.at_once: invalid: 0: 1 to 1000000`},
		{small + "arrivals: { per_second: 10001 }", `idp.yaml line 4: arrivals.per_second: invalid: 10001: 1 to 10000`},
		{small + "hash:\n\n  queue: 99999", `idp.yaml line 6: hash.queue: invalid: 99999: 0 to 10000`},
		{small + "log: {level: loud}", `idp.yaml line 4: log.level: invalid: "loud": debug, info, warn or error`},
		{small + "log: [info]", `idp.yaml line 4: log: invalid: keys with values`},
		{small + "log: {level: [info]}", `idp.yaml line 4: log.level: invalid: a text`},
		{small + "log: {format: xml}", `idp.yaml line 4: log.format: invalid: "xml": json or text`},
		{small + "shutdown_grace: 20", `idp.yaml line 4: shutdown_grace: invalid: "20": a number with its unit, such as 20s, 30m or 12h`},
		{small + "shutdown_grace: 1h", `idp.yaml line 4: shutdown_grace: invalid: "1h0m0s": 1s to 5m0s`},
		{small + "trusted_proxies: 10.0.0.0/8", `idp.yaml line 4: trusted_proxies: invalid: "10.0.0.0/8": a list`},
		{small + "trusted_proxies: [proxy.example.org]", `idp.yaml line 4: trusted_proxies: invalid: "proxy.example.org": networks such as 10.0.0.0/24, or single addresses`},
		{small + "trusted_proxies: [10.0.0.0/33]", `idp.yaml line 4: trusted_proxies: invalid: "10.0.0.0/33": networks`},
		{small + "trusted_proxies: [\"::/0\"]", `idp.yaml line 4: trusted_proxies: invalid: "::/0": everybody would be believed`},
		{small + "operator_listen: localhost", `idp.yaml line 4: operator_listen: invalid: "localhost": host:port`},
		{small + "operator_listen: :8080", `idp.yaml line 4: operator_listen: invalid: ":8080": another port than listen`},
		{small + "operator_listen: :90900", `idp.yaml line 4: operator_listen: invalid: ":90900": host:port`},
		{small + "tls: {cert_file: a.pem}", `tls.key_file: invalid: missing beside tls.cert_file`},
		{small + "tls: {key_file: a.pem}", `tls.cert_file: invalid: missing beside tls.key_file`},
		{small + "smtp: {from: login@example.org}", `smtp.host: invalid: missing beside the other keys of smtp`},
		{small + "smtp: {host: \"smtp.example.org:25\", from: login@example.org}", `idp.yaml line 4: smtp.host: invalid: "smtp.example.org:25": the name`},
		{small + "smtp: {host: smtp.example.org}", `smtp.from: invalid: "": an address without a name`},
		{small + "smtp: {host: smtp.example.org, from: Login <login@example.org>}", `smtp.from: invalid: "Login <login@example.org>": an address without`},
		{small + "smtp: {host: smtp.example.org, from: login@example.org, port: 65536}", `smtp.port: invalid: 65536: 1 to 65535`},
		{small + "smtp: {host: smtp.example.org, from: login@example.org, tls: tls}", `smtp.tls: invalid: "tls": starttls, implicit or none`},
		{small + "smtp: {host: smtp.example.org, from: login@example.org, tls: none}", `smtp.tls: invalid: "none": only with a mail server on loopback`},
		{small + "smtp: {host: localhost, from: login@example.org, tls: none, user: idp, password: hunter2}", `smtp.user: invalid: not with tls none`},
		{small + "smtp: {host: smtp.example.org, from: login@example.org, password: hunter2}", `smtp.password: invalid: user and password go together`},
		{small + "master_keys_file: /x", `idp.yaml line 3: master_keys: invalid: this or master_keys_file, not both`},
		{strings.Replace(small, "127.0.0.1", "", 1), `tls: invalid: missing: cert_file and key_file; plain HTTP only with trusted_proxies`},
		{strings.Replace(small, "127.0.0.1", "login.example.org", 1), `instead of "login.example.org:8080"`},
		{strings.Replace(small, "sqlite:idp.db", "mysql://root:hunter2@db/idp", 1), `idp.yaml line 2: database: invalid: sqlite:PATH or postgres://`},
		{strings.Replace(small, "["+master+"]", master, 1), `idp.yaml line 3: master_keys: invalid: a list`},
		{strings.Replace(small, master, master+", "+master[1:], 1), `idp.yaml line 3: master_keys: key 2: invalid: master key of 42 characters`},
		{strings.Replace(small, master, master+", "+master, 1), `idp.yaml line 3: master_keys: invalid: master key 2 is there twice`},
	} {
		_, err := Load(write(t, "idp.yaml", c.text, 0o600), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s", c.text, err, c.want)
		} else if !errors.Is(err, fault.Invalid) {
			t.Errorf("%v is not fault.Invalid", err)
		} else if strings.Contains(err.Error(), master[1:20]) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is shown: %v", err)
		}
	}
	_, err := Load(write(t, "idp.yaml", small+"log: {format: xml}\nshutdown_grace: 1h", 0o600), nil)
	if err == nil || !strings.Contains(err.Error(), "log.format") || !strings.Contains(err.Error(), "shutdown_grace") {
		t.Errorf("two mistakes: got %v, want both", err)
	}
}

func TestMailServer(t *testing.T) {
	for text, want := range map[string]SMTP{
		"":                                     {TLS: "starttls", Port: 587},
		"host: smtp.example.org":               {Host: "smtp.example.org", TLS: "starttls", Port: 587, From: "login@example.org"},
		"host: a.example.org, tls: implicit":   {Host: "a.example.org", TLS: "implicit", Port: 465, From: "login@example.org"},
		"host: 127.0.0.1, tls: none, port: 25": {Host: "127.0.0.1", TLS: "none", Port: 25, From: "login@example.org"},
	} {
		if text != "" {
			text = "smtp: {" + text + ", from: login@example.org}"
		}
		if got := load(t, small+text).SMTP; got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	c := load(t, small+"smtp: {host: smtp.example.org, from: login@example.org, user: idp}",
		"IDP_SMTP__PASSWORD_FILE="+write(t, "password", "hunter2\n", 0o600))
	if got := c.SMTP.Password.Reveal(); got != "hunter2" {
		t.Errorf("password %q", got)
	}
}

func TestPlainHTTPBehindProxies(t *testing.T) {
	c := load(t, strings.Replace(small, "127.0.0.1", "", 1)+"trusted_proxies: [10.0.0.0/24, 2001:db8::/64, 192.0.2.7]")
	if got, want := fmt.Sprint(c.Proxies()), "[10.0.0.0/24 2001:db8::/64 192.0.2.7/32]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	c := load(t, small+"hash: {workers: 3, queue: 5}",
		"IDP_LISTEN=localhost:1", "IDP_LISTEN=localhost:8081", "IDP_HASH__WORKERS=7", "IDP_LOG__LEVEL=debug", "IDP_SHUTDOWN_GRACE=3s",
		"IDP_TRUSTED_PROXIES=10.0.0.0/24, 10.1.0.0/24", "HOME=/root", "IDPX=1",
		"IDP_SERVICE_HOST=10.0.0.1", "IDP_PORT=tcp://10.0.0.1:8443", "IDP_PORT_8443_TCP_ADDR=10.0.0.1", "IDP_WEB_SERVICE_PORT_HTTPS=8443")
	if c.Listen != "localhost:8081" || c.Hash.Workers != 7 || c.Hash.Queue != 5 || c.Log.Level != "debug" || c.ShutdownGrace != 3*time.Second || len(c.TrustedProxies) != 2 {
		t.Errorf("got %+v", c)
	}
	c = load(t, small, "IDP_SMTP__PORT=2525", "IDP_SMTP_PORT=tcp://10.0.0.1:25") // ours, and one of a service idp-smtp
	if c.SMTP.Port != 2525 {
		t.Errorf("smtp.port is %d, want 2525", c.SMTP.Port)
	}
	c = load(t, small+"trusted_proxies: [10.0.0.0/24]", "IDP_TRUSTED_PROXIES=")
	if len(c.TrustedProxies) != 0 {
		t.Errorf("an empty variable empties the list: got %v", c.TrustedProxies)
	}
	for entry, want := range map[string]string{
		"IDP_HASH_WORKERS=3":     "IDP_HASH_WORKERS: invalid: no key of that name",
		"IDP_TRUSTED_PROXYS=x":   "IDP_TRUSTED_PROXYS: invalid: no key of that name",
		"IDP_LISTEN_FILE=/x":     "IDP_LISTEN_FILE: invalid: no key of that name",
		"IDP_HASH__WORKERS=many": `IDP_HASH__WORKERS: hash.workers: invalid: "many": a whole number`,
		"IDP_HASH__QUEUE=-1":     "IDP_HASH__QUEUE: hash.queue: invalid: -1: 0 to 10000",
		"IDP_DATABASE=hunter2":   "IDP_DATABASE: database: invalid: sqlite:PATH",
		"IDP_MASTER_KEYS=kort":   "IDP_MASTER_KEYS: master_keys: key 1: invalid: master key of 4 characters",
	} {
		_, err := Load(write(t, "idp.yaml", small, 0o600), []string{entry})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s", entry, err, want)
		}
	}
}

// PostgreSQL's own programs, managed databases and operators of Kubernetes write either scheme, and several hosts.
func TestAddressOfPostgreSQL(t *testing.T) {
	for dsn, want := range map[string]bool{
		"postgres://idp:secret@db/idp": true, "postgresql://idp:secret@db/idp": true, "postgres://idp:secret@pg1:5432,pg2:5433/idp": true,
		"postgresql:///idp?host=/run/postgresql": true, "postgresql:///idp": false, "postgresqls://idp@db/idp": false,
	} {
		_, err := Load(write(t, "idp.yaml", small, 0o600), []string{"IDP_DATABASE=" + dsn})
		if got := err == nil; got != want {
			t.Errorf("%s is taken: %t, %v", dsn, got, err)
		}
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	dsn := write(t, "dsn", "postgres://idp:hunter2@db/idp\n", 0o640)
	c := load(t, small, "IDP_DATABASE_FILE="+dsn)
	if got := c.Database.Reveal(); got != "postgres://idp:hunter2@db/idp" {
		t.Errorf("got %q", got)
	}
	other := keys.NewMaster()
	file := write(t, "master-keys", "# newest first\n"+other+"\n\n  "+master+"  \n", 0o640)
	c = load(t, small, "IDP_MASTER_KEYS_FILE="+file)
	if len(c.MasterKeys) != 2 || c.MasterKeys[0].Reveal() != other || c.MasterKeys[1].Reveal() != master {
		t.Errorf("the file replaces the list: got %d keys", len(c.MasterKeys))
	}
	c = load(t, strings.Replace(small, "master_keys: ["+master+"]", "master_keys_file: /nowhere", 1), "IDP_MASTER_KEYS="+other+","+master)
	if len(c.MasterKeys) != 2 || c.MasterKeys[0].Reveal() != other {
		t.Errorf("the list replaces the file: got %d keys", len(c.MasterKeys))
	}
	for name, environ := range map[string][]string{
		"not both":              {"IDP_DATABASE=sqlite:x", "IDP_DATABASE_FILE=" + dsn},
		"no such file":          {"IDP_DATABASE_FILE=/nowhere"},
		"master_keys_file, not": {"IDP_MASTER_KEYS=" + master, "IDP_MASTER_KEYS_FILE=" + file},
		"dsn-of-all may be used by everybody (mode 0604): chmod 0600": {"IDP_DATABASE_FILE=" + write(t, "dsn-of-all", "sqlite:x", 0o604)},
	} {
		if _, err := Load(write(t, "idp.yaml", small, 0o600), environ); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestMasterFileOfEverybodyIsRefused(t *testing.T) {
	for mode, want := range map[os.FileMode]string{
		0o644: "may be used by everybody (mode 0644): chmod 0600",
		0o602: "may be used by everybody (mode 0602): chmod 0600",
		0o640: "", 0o600: "", 0o400: "",
	} {
		_, err := Load(write(t, "idp.yaml", small, 0o600), []string{"IDP_MASTER_KEYS_FILE=" + write(t, "master-keys", master, mode)})
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%04o: got %v, want %q", mode, err, want)
		}
	}
	for name, text := range map[string]string{"master_keys: invalid: missing": "# none\n", "key 2: invalid": master + "\nkort\n"} {
		_, err := Load(write(t, "idp.yaml", small, 0o600), []string{"IDP_MASTER_KEYS_FILE=" + write(t, "master-keys", text, 0o600)})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestPrintHidesSecrets(t *testing.T) {
	c := load(t, strings.Replace(small, "sqlite:idp.db", "postgres://idp:hunter2@db/idp", 1)+"trusted_proxies: [10.0.0.0/24]")
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	shown := out.String() + fmt.Sprintf("%v %+v %#v %v", *c, *c, *c, c)
	for _, hidden := range []string{"hunter2", master} {
		if strings.Contains(shown, hidden) {
			t.Errorf("%s is shown in %s", hidden, shown)
		}
	}
	for _, want := range []string{"database: '[hidden]'", "- '[hidden]'", "shutdown_grace: 20s", "- 10.0.0.0/24", "level: info", "queue: 64"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	var again map[string]any
	if err := yaml.Unmarshal(out.Bytes(), &again); err != nil || len(again) != 15 {
		t.Errorf("got %d keys, %v", len(again), err)
	}
}
