package configs

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// SMS is who delivers text messages: the first gateway, and the second one when the first is away. Without a first one
// none is sent: messages wait until they expire.
type SMS struct {
	First  Gateway `yaml:"first"`
	Second Gateway `yaml:"second"`
}

// Gateway is an account at a gateway.
type Gateway struct {
	Kind          string      `yaml:"kind"`    // cm, spryng, twilio or webhook; empty: there is none
	URL           string      `yaml:"url"`     // empty: the documented one
	Account       string      `yaml:"account"` // of Twilio
	User          string      `yaml:"user"`    // of Twilio: the API key
	Token         secret.Text `yaml:"token"`
	Sender        string      `yaml:"sender"`
	Format        string      `yaml:"format"` // of a webhook: form, json or query
	Body          string      `yaml:"body"`   // of a webhook: with placeholders
	Authorization string      `yaml:"authorization"`
	ReportSecret  secret.Text `yaml:"report_secret"` // empty: no reports
}

// Outbound is where we may call others.
type Outbound struct {
	Allow []string `yaml:"allow"` // networks that are not public and may be called all the same
}

// Networks are those of Outbound.Allow.
func (o Outbound) Networks() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range o.Allow {
		if network, err := parseNetwork(text); err == nil { // others: refused by Validate
			networks = append(networks, network.Masked())
		}
	}
	return networks
}

// longestSender is in characters, of one with letters (3GPP TS 23.040 section 9.1.2.5).
const longestSender = 11

// leastReportSecret is in characters: whoever knows the address can tell us that a message was not delivered.
const leastReportSecret = 32

var (
	senderPattern = regexp.MustCompile(`^(?:[A-Za-z0-9 ]{1,11}|\+?[0-9]{3,15}|MG[0-9a-f]{32})$`) // the last one is a messaging service of Twilio
	secretPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)                                       // part of an address
)

func (c *Config) checkSMS() (wrong []error) {
	for _, text := range c.Outbound.Allow {
		if network, err := parseNetwork(text); err != nil || network.Bits() == 0 {
			wrong = append(wrong, c.refuse("outbound.allow", "%q: networks such as 10.0.0.0/24, or single addresses", text))
		}
	}
	if c.SMS.First.Kind == "" && c.SMS.Second.Kind != "" {
		wrong = append(wrong, c.refuse("sms.first.kind", "missing beside sms.second"))
	}
	return slices.Concat(wrong, c.checkGateway("sms.first.", c.SMS.First), c.checkGateway("sms.second.", c.SMS.Second))
}

func (c *Config) checkGateway(section string, g Gateway) (wrong []error) {
	refuse := func(key, format string, args ...any) { wrong = append(wrong, c.refuse(section+key, format, args...)) }
	if g.Kind == "" {
		if g != (Gateway{}) {
			refuse("kind", "missing beside the other keys of %s", strings.TrimSuffix(section, "."))
		}
		return wrong
	}
	hook := g.Kind == "webhook"
	if !hook && !slices.Contains([]string{"cm", "spryng", "twilio"}, g.Kind) {
		refuse("kind", "%q: cm, spryng, twilio or webhook", g.Kind)
		return wrong
	}
	if g.URL != "" || hook {
		if err := c.checkAddress(g.URL); err != nil {
			refuse("url", "%v", err)
		}
	}
	if g.Token == "" && !hook {
		refuse("token", "missing: what %s gave you to send with", g.Kind)
	}
	if g.Kind == "twilio" && g.Account == "" {
		refuse("account", "missing: the SID of the account, AC and 32 characters")
	}
	service := strings.HasPrefix(g.Sender, "MG") && len(g.Sender) > longestSender
	if !(hook && g.Sender == "") && !senderPattern.MatchString(g.Sender) || service && g.Kind != "twilio" {
		refuse("sender", "%q: at most %d letters and digits, or a number", g.Sender, longestSender)
	}
	if hook != (g.Format != "" || g.Body != "" || g.Authorization != "") || hook && (g.Format == "" || g.Body == "") {
		refuse("format", "format and body go with a webhook, and a webhook with both")
	}
	if s := g.ReportSecret.Reveal(); s != "" && (len(s) < leastReportSecret || !secretPattern.MatchString(s)) {
		refuse("report_secret", "at least %d letters, digits, - and _, as openssl rand -hex 16 prints them", leastReportSecret)
	}
	if g.ReportSecret == "" && strings.Contains(g.Body+g.Authorization, "{report_url}") {
		refuse("report_secret", "missing beside {report_url}, which would be empty: a gateway that is told to report nowhere refuses every message")
	}
	return wrong
}

// checkAddress wants TLS, because codes travel there, unless the gateway is an address of our own that is allowed.
func (c *Config) checkAddress(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("an address such as https://sms.example.org/send, without user and password")
	}
	if u.Scheme == "https" || u.Hostname() == "localhost" {
		return nil
	}
	a, err := netip.ParseAddr(u.Hostname())
	if err == nil && (platform.Loopback(u.Hostname()) || slices.ContainsFunc(c.Outbound.Networks(), func(n netip.Prefix) bool { return n.Contains(a) })) {
		return nil
	}
	return fmt.Errorf("https; plain http only to localhost, or to an address in outbound.allow")
}
