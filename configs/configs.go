// Package configs owns the configuration of a node: one struct, its defaults, and what is allowed in it.
//
// A value comes from the default, then the file, then the environment (load.go). A key nobody knows is refused, with
// its line; a value that cannot work is refused with key, place and what is allowed. What belongs to an organisation
// (platforms, parties, policy) is not here: it is in the database, put there by `idp apply`. example.yaml describes
// every key; a test compares it with the struct.
//
// A party is a relying party (OAuth client).
package configs

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
)

// Config is everything that `idp serve` is told.
type Config struct {
	Listen         string        `yaml:"listen"`          // host:port that people and parties reach
	OperatorListen string        `yaml:"operator_listen"` // host:port of /metrics, /healthz and /readyz
	TLS            TLS           `yaml:"tls"`
	TrustedProxies []string      `yaml:"trusted_proxies"`  // networks whose X-Forwarded-For and -Proto are believed
	Database       secret.Text   `yaml:"database"`         // sqlite:PATH or postgres://…; may hold a password
	MasterKeys     []secret.Text `yaml:"master_keys"`      // 32 bytes each; the first seals, all open
	MasterKeysFile string        `yaml:"master_keys_file"` // where Load took MasterKeys from, if not from the list itself
	SMTP           SMTP          `yaml:"smtp"`
	SMS            SMS           `yaml:"sms"`
	Outbound       Outbound      `yaml:"outbound"`
	Passwords      Passwords     `yaml:"passwords"`
	Hash           Hash          `yaml:"hash"`
	Arrivals       Arrivals      `yaml:"arrivals"`
	Log            Log           `yaml:"log"`
	ShutdownGrace  time.Duration `yaml:"shutdown_grace"` // requests that run may take this long at a stop

	origins map[string]origin // by key
}

// TLS names the certificate. Both empty: plain HTTP, behind a proxy or on loopback.
type TLS struct {
	CertFile string `yaml:"cert_file"` // PEM, the chain after the certificate
	KeyFile  string `yaml:"key_file"`  // PEM
}

// Passwords is what new passwords are held against, beside the rule of their platform.
type Passwords struct {
	Filter string `yaml:"filter"` // file of `idp passwords build-filter`; empty: only our own short list
}

// Hash bounds the work of checking passwords: 19 MiB and about 30 ms of one core each.
type Hash struct {
	Workers int `yaml:"workers"` // at once; 0 in the file: one per core
	Queue   int `yaml:"queue"`   // waiting; further ones are answered 503
}

// Arrivals bound the logins that one source (IPv4 address, IPv6 /64) begins, by the node that they are begun at.
type Arrivals struct {
	AtOnce    int `yaml:"at_once"`
	PerSecond int `yaml:"per_second"` // from then on
}

// Log is how a node logs to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // json or text
}

// defaults are what a node has that is told nothing. Where guessing would be unsafe (database, master keys, TLS) there
// is no default: Validate asks for it.
func defaults() *Config {
	return &Config{
		Listen:         ":8443",
		OperatorListen: "127.0.0.1:9090",
		SMTP:           SMTP{TLS: "starttls"},
		Hash:           Hash{Queue: 64},
		Arrivals:       Arrivals{AtOnce: 600, PerSecond: 10}, // 2,000 people of one hospital within five minutes, and more
		Log:            Log{Level: "info", Format: "json"},
		ShutdownGrace:  20 * time.Second,
		origins:        map[string]origin{},
	}
}

// Proxies are the trusted networks. A single address is a network of one.
func (c *Config) Proxies() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range c.TrustedProxies {
		if network, err := parseNetwork(text); err == nil { // others: refused by Validate
			networks = append(networks, network)
		}
	}
	return networks
}

func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		return address.Prefix(address.BitLen())
	}
	return netip.ParsePrefix(text)
}

// resolve fills what depends on the machine or on other keys: keys from their file, workers from the cores.
func (c *Config) resolve() error {
	c.SMTP.resolve()
	if c.Hash.Workers == 0 {
		c.Hash.Workers = runtime.GOMAXPROCS(0) // follows the CPU limit of a container (Go 1.25)
	}
	if c.MasterKeysFile == "" {
		return nil
	}
	if len(c.MasterKeys) > 0 {
		return c.refuse("master_keys", "this or master_keys_file, not both")
	}
	var err error
	if c.MasterKeys, err = readMasters(c.MasterKeysFile); err != nil {
		c.origins["master_keys"] = origin{broken: true}
		return c.misread("master_keys_file", err)
	}
	c.origins["master_keys"] = origin{place: c.MasterKeysFile}
	return nil
}

// readMasters reads one master key per line; empty lines and lines that start with # do not count.
func readMasters(path string) ([]secret.Text, error) {
	text, err := secret.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var masters []secret.Text
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			masters = append(masters, secret.Text(line))
		}
	}
	return masters, nil
}

// Validate returns every setting that cannot work, each with its key, its place and what is allowed.
func (c *Config) Validate() error {
	return errors.Join(append(c.checkListeners(), c.validateRest())...)
}

// validateRest is Validate without how the server is reached.
func (c *Config) validateRest() error {
	return errors.Join(slices.Concat(c.checkSecrets(), c.checkSMTP(), c.checkSMS(), c.checkLimits())...)
}

func (c *Config) checkListeners() (wrong []error) {
	host, port, err := splitAddress(c.Listen)
	if err != nil {
		wrong = append(wrong, c.refuse("listen", "%q: %v", c.Listen, err))
	}
	if _, operatorPort, err := splitAddress(c.OperatorListen); err != nil {
		wrong = append(wrong, c.refuse("operator_listen", "%q: %v", c.OperatorListen, err))
	} else if operatorPort == port && port != "0" {
		wrong = append(wrong, c.refuse("operator_listen", "%q: another port than listen, because it is not for everybody", c.OperatorListen))
	}
	switch {
	case c.TLS.CertFile != "" && c.TLS.KeyFile == "":
		wrong = append(wrong, c.refuse("tls.key_file", "missing beside tls.cert_file"))
	case c.TLS.CertFile == "" && c.TLS.KeyFile != "":
		wrong = append(wrong, c.refuse("tls.cert_file", "missing beside tls.key_file"))
	case c.TLS.CertFile == "" && len(c.TrustedProxies) == 0 && !platform.Loopback(host):
		wrong = append(wrong, c.refuse("tls", "missing: cert_file and key_file; plain HTTP only with trusted_proxies, or with listen on loopback such as 127.0.0.1:8080 instead of %q", c.Listen))
	}
	for _, text := range c.TrustedProxies {
		if network, err := parseNetwork(text); err != nil {
			wrong = append(wrong, c.refuse("trusted_proxies", "%q: networks such as 10.0.0.0/24, or single addresses", text))
		} else if network.Bits() == 0 {
			wrong = append(wrong, c.refuse("trusted_proxies", "%q: everybody would be believed; the networks of your proxies, such as 10.0.0.0/24", text))
		}
	}
	return wrong
}

func (c *Config) checkSecrets() (wrong []error) {
	if !knownDatabase(c.Database.Reveal()) {
		wrong = append(wrong, c.refuse("database", "sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME, here, in IDP_DATABASE or in the file of IDP_DATABASE_FILE"))
	}
	if len(c.MasterKeys) == 0 {
		return append(wrong, c.refuse("master_keys", "missing: 32 random bytes, as openssl rand -base64 32 prints them, here, in master_keys_file or in the file of IDP_MASTER_KEYS_FILE"))
	}
	masters := make([][]byte, len(c.MasterKeys))
	for i, text := range c.MasterKeys {
		var err error
		if masters[i], err = keys.ParseMaster(text.Reveal()); err != nil {
			return append(wrong, c.Mistake("master_keys", fmt.Errorf("key %d: %w", i+1, err)))
		}
	}
	if _, err := keys.NewSealer(masters...); err != nil {
		wrong = append(wrong, c.Mistake("master_keys", err))
	}
	return wrong
}

func (c *Config) checkLimits() (wrong []error) {
	if c.Hash.Workers < 1 || c.Hash.Workers > maxWorkers {
		wrong = append(wrong, c.refuse("hash.workers", "%d: 1 to %d, or 0 for one per core", c.Hash.Workers, maxWorkers))
	}
	if c.Hash.Queue < 0 || c.Hash.Queue > maxQueue {
		wrong = append(wrong, c.refuse("hash.queue", "%d: 0 to %d", c.Hash.Queue, maxQueue))
	}
	if c.Arrivals.AtOnce < 1 || c.Arrivals.AtOnce > maxAtOnce {
		wrong = append(wrong, c.refuse("arrivals.at_once", "%d: 1 to %d", c.Arrivals.AtOnce, maxAtOnce))
	}
	if c.Arrivals.PerSecond < 1 || c.Arrivals.PerSecond > maxPerSecond {
		wrong = append(wrong, c.refuse("arrivals.per_second", "%d: 1 to %d", c.Arrivals.PerSecond, maxPerSecond))
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		wrong = append(wrong, c.refuse("log.level", "%q: debug, info, warn or error", c.Log.Level))
	}
	if c.Log.Format != "json" && c.Log.Format != "text" {
		wrong = append(wrong, c.refuse("log.format", "%q: json or text", c.Log.Format))
	}
	if c.ShutdownGrace < minGrace || c.ShutdownGrace > maxGrace {
		wrong = append(wrong, c.refuse("shutdown_grace", "%q: %s to %s", c.ShutdownGrace, minGrace, maxGrace))
	}
	return wrong
}

const (
	maxWorkers = 256   // 19 MiB each: about 5 GB
	maxQueue   = 10000 // about 300 s of one core: nobody waits longer
	maxAtOnce  = 1_000_000
	// maxPerSecond is more than a node does: it bounds nothing.
	maxPerSecond = 10_000
	minGrace     = time.Second
	maxGrace     = 5 * time.Minute
)

// Print writes the configuration as it counts, in YAML, with secrets as [hidden].
func (c *Config) Print(w io.Writer) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return fmt.Errorf("printing configuration: %w", err)
	}
	return e.Close()
}

// splitAddress reads host:port. The host may be empty: every address of the machine.
func splitAddress(s string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.ContainsAny(host, "/ ") {
		return "", "", errors.New("host:port or :port, such as :8443 or 127.0.0.1:8080")
	}
	return host, port, nil
}

func knownDatabase(dsn string) bool {
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return path != ""
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" { // libpq knows both
		return false
	}
	return u.Host != "" || u.Query().Has("host") // a socket's folder is a parameter
}
