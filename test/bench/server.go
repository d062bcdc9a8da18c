package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
)

// server is a process of ours that is measured, or could be started again.
type server struct {
	*provider
	cpus string
	line []string
	env  []string
	cmd  *exec.Cmd
	left time.Duration // from the start to the first 200 on discovery
}

// start starts the process and waits until it answers.
func (s *server) start(ctx context.Context) error {
	line := append([]string{"taskset", "-c", s.cpus}, s.line...)
	s.cmd = exec.CommandContext(ctx, line[0], line[1:]...)
	s.cmd.Env, s.cmd.Cancel = s.env, func() error { return s.cmd.Process.Signal(os.Interrupt) }
	began := now()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.PID = s.cmd.Process.Pid // taskset becomes the server
	for now().Sub(began) < 20*time.Second {
		if s.discover() == nil {
			s.left = now().Sub(began)
			return nil
		}
		time.Sleep(500 * time.Microsecond)
	}
	return errors.Join(fmt.Errorf("%s does not answer; started as: %s %s", s.Name, strings.Join(s.env, " "), strings.Join(line, " ")), s.stop())
}

// stop ends the process.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(os.Interrupt) // gone already: Wait tells how
	if err := s.cmd.Wait(); err != nil && s.cmd.ProcessState.ExitCode() > 0 {
		return fmt.Errorf("stopping %s: %w", s.Name, err)
	}
	return nil
}

const (
	partySecret = "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM" // a sample; the servers live for one run on loopback
	password    = "zeven paarse regenjassen drogen!"
	peopleCount = 32

	personScopes = "openid profile email"
	redirectURI  = "https://127.0.0.1:9/cb" // nobody goes there; FAPI 2.0 wants https
)

// build compiles the program of a checkout.
func build(ctx context.Context, checkout, binary string, flags ...string) error {
	c := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", binary}, flags...), "./cmd/idp")...)
	c.Dir = checkout
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building idp of %s: %w: %s", checkout, err, out)
	}
	return nil
}

// newIDP prepares our server on a database: migrated, with parties and accounts, not yet started.
func newIDP(ctx context.Context, binary, dir, name, cpus, dsn string, database int) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	operator, err := freePort()
	if err != nil {
		return nil, err
	}
	issuer := "http://127.0.0.1:" + port
	masters := filepath.Join(dir, name+".master-keys")
	if err := os.WriteFile(masters, []byte(keys.NewMaster()+"\n"), 0o600); err != nil {
		return nil, err
	}
	s := &server{
		provider: newProvider(name, issuer),
		cpus:     cpus, line: []string{binary, "serve"},
		env: []string{"IDP_DATABASE=" + dsn, "IDP_MASTER_KEYS_FILE=" + masters, "IDP_LISTEN=127.0.0.1:" + port, "IDP_OPERATOR_LISTEN=127.0.0.1:" + operator,
			"IDP_ARRIVALS__AT_ONCE=1000000", "IDP_ARRIVALS__PER_SECOND=10000", // the load comes from one source
		},
	}
	s.Database = database
	if err := s.run(ctx, "migrate"); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, name+".yaml")
	if err := s.apply(ctx, file, setUp(issuer)); err != nil {
		return nil, err
	}
	with, text, err := withKeys()
	if err != nil {
		return nil, err
	}
	if err := s.apply(ctx, file, text); err != nil {
		return s, fmt.Errorf("%w: %w", errNoKeys, err)
	}
	maps.Copy(s.Parties, with)
	return s, nil
}

// errNoKeys is that our server does not take parties with keys, as those from before they were built: all else of it can be
// measured.
var errNoKeys = errors.New("parties with keys are not taken")

func (s *server) apply(ctx context.Context, file, text string) error {
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	return s.run(ctx, "apply", file)
}

// run runs a command of the program to its end.
func (s *server) run(ctx context.Context, args ...string) error {
	c := exec.CommandContext(ctx, s.line[0], args...)
	c.Env = s.env
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("idp %s: %w: %s", args[0], err, out)
	}
	return nil
}

// withKeys makes the parties that have keys, and the file for `idp apply` that registers them beside those of setUp.
func withKeys() (map[string]party, string, error) {
	signs, err := newSigner()
	if err != nil {
		return nil, "", err
	}
	proves, err := newSigner()
	if err != nil {
		return nil, "", err
	}
	const code = "redirect_uris: [" + redirectURI + "], grant_types: [authorization_code, refresh_token], id_token_alg: ES256"
	jwks := `auth: private_key_jwt, jwks: {"keys":[` + signs.jwk + `]}`
	text := `platforms:
  - name: bench
    parties:
      - { client_id: key, ` + jwks + `, ` + code + `, rotate_refresh_tokens: true }
      - { client_id: dpop, secret: ` + partySecret + `, ` + code + `, rotate_refresh_tokens: true, dpop_bound_access_tokens: true }
      - { client_id: fapi, ` + jwks + `, ` + code + `, profile: fapi2 }
`
	return map[string]party{
		roleKey:  {ID: "key", Scopes: personScopes, signs: signs},
		roleDPoP: {ID: "dpop", Scopes: personScopes, Secret: partySecret, proves: proves},
		roleFAPI: {ID: "fapi", Scopes: personScopes, signs: signs, proves: proves, pushes: true, keeps: true},
	}, text, nil
}

// newProvider describes our server with the parties of setUp.
func newProvider(name, issuer string) *provider {
	return &provider{
		Name: name, Issuer: issuer, Redirect: redirectURI,
		Parties: map[string]party{
			roleCode:          {ID: "code", Secret: partySecret, Scopes: personScopes},
			roleCodeRSA:       {ID: "code-rs256", Secret: partySecret, Scopes: personScopes},
			roleMachineJWT:    {ID: "machine-jwt", Secret: partySecret, Scopes: "api"},
			roleMachineRSA:    {ID: "machine-rs256", Secret: partySecret, Scopes: "api"},
			roleMachineOpaque: {ID: "machine-opaque", Secret: partySecret, Scopes: "api"},
		},
		Login: loginForm{"email", "password", "person{n}@example.org", password, peopleCount},
	}
}

// setUp is the file for `idp apply`.
func setUp(issuer string) string {
	const code = "redirect_uris: [" + redirectURI + "], grant_types: [authorization_code, refresh_token], rotate_refresh_tokens: true"
	const machine = "type: service, grant_types: [client_credentials], scopes: [api]"
	text := `platforms:
  - name: bench
    issuer: ` + issuer + `
    organisation: Bench
    home_url: ` + issuer + `
    parties:
      - { client_id: code, secret: ` + partySecret + `, ` + code + `, id_token_alg: ES256 }
      - { client_id: code-rs256, secret: ` + partySecret + `, ` + code + `, id_token_alg: RS256 }
      - { client_id: machine-jwt, secret: ` + partySecret + `, ` + machine + `, id_token_alg: ES256, access_token: jwt }
      - { client_id: machine-rs256, secret: ` + partySecret + `, ` + machine + `, id_token_alg: RS256, access_token: jwt }
      - { client_id: machine-opaque, secret: ` + partySecret + `, ` + machine + `, id_token_alg: ES256 }
    accounts:
`
	for n := range peopleCount {
		text += fmt.Sprintf("      - { email: person%d@example.org, name: { given: Anna, family: Bakker }, password: %q }\n", n+1, password)
	}
	return text
}

// newCeiling prepares the ceiling, which is this program.
func newCeiling(cpus string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{
		provider: &provider{Name: ceiling, Issuer: "http://127.0.0.1:" + port, Parties: map[string]party{}},
		cpus:     cpus, line: []string{self, "hello", "-listen", "127.0.0.1:" + port},
	}
	for role, alg := range map[string]string{roleMachineJWT: "ES256", roleMachineRSA: "RS256", roleMachineOpaque: opaque} {
		s.Parties[role] = party{ID: alg, Secret: secret.Token(), Scopes: "api"}
	}
	s.env = []string{"HELLO_SECRET=" + s.Parties[roleMachineJWT].Secret}
	for role, p := range s.Parties {
		p.Secret = s.Parties[roleMachineJWT].Secret
		s.Parties[role] = p
	}
	return s, nil
}
