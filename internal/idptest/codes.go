package idptest

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/net/html"
)

// TOTPSecret is what the authenticator app of every account of a script has, until it is set up on a page.
const TOTPSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// enrolled are the lines that an account with two-step authentication is declared with.
func enrolled(options map[string]string) string {
	way := ""
	if _, app := options["totp"]; app {
		way = "totp_secret: " + TOTPSecret
	}
	if number := strings.TrimSpace(options["sms"]); number != "" { // fields took its plus for a blank
		way = "phone_for_codes: \"+" + strings.TrimPrefix(number, "+") + "\""
	}
	if way == "" {
		return ""
	}
	return "\n        " + way + "\n        recovery_codes: [" + strings.Join(Recoveries, ", ") + "]"
}

// codePolicy is what a platform's options say about two-step authentication.
func codePolicy(options map[string]string) (policy []string) {
	both := func(value string) string { return "{client: " + value + ", staff: " + value + "}" }
	if demand := options["second-factor"]; demand != "" {
		value := "{demand: " + demand
		if from := options["from"]; from != "" {
			value += ", from: " + from
		}
		if every := options["offer"]; every != "" {
			value += ", offer_every: " + every
		}
		policy = append(policy, "second_factor: "+both(value+"}"))
	}
	if life := options["remember"]; life != "" {
		policy = append(policy, "remember: "+both("{fixed: "+life+"}"))
	}
	if choices := options["choices"]; choices != "" {
		policy = append(policy, "remember: "+both("{choices: ["+strings.ReplaceAll(choices, " ", ", ")+"]}"))
	}
	if methods := options["methods"]; methods != "" {
		policy = append(policy, "code_methods: ["+strings.ReplaceAll(methods, " ", ", ")+"]")
	}
	if least := options["minimum"]; least != "" {
		policy = append(policy, "minimum_acr: "+strconv.Quote(least))
	}
	return policy
}

var appCode = regexp.MustCompile(`^totp([+-]\d+)?(s)?$`)

// appCode is what the person's app shows: totp, of so many steps later or earlier (totp-1), or on a phone whose clock
// is off by so many seconds (totp+25s).
func (s *script) appCode(value string) (string, error) {
	m := appCode.FindStringSubmatch(value)
	if m == nil {
		return "", fmt.Errorf("not a code: %s", value)
	}
	for n := range s.b.Doc.Descendants() {
		if attr(n, "id") == "key" { // the page of the set-up shows it
			s.secret = strings.Join(strings.Fields(text(n)), "")
		}
	}
	off, _ := strconv.Atoi(m[1]) // digits, or nothing
	unit := 30 * time.Second
	if m[2] != "" {
		unit = time.Second
	}
	return totp.GenerateCode(s.secret, s.server.Clock.Now().Add(time.Duration(off)*unit))
}

// tick ticks a box or chooses one of several.
func (s *script) tick(key string) error { return s.box(key, true) }

func (s *script) untick(key string) error { return s.box(key, false) }

func (s *script) box(key string, on bool) error {
	n, err := s.boxOf(key)
	if err == nil {
		s.b.Tick(n, on)
	}
	return err
}

// ticked tells whether a box is.
func (s *script) ticked(key string) error {
	n, err := s.boxOf(key)
	if err == nil && !hasAttr(n, "checked") {
		err = fmt.Errorf("not ticked")
	}
	return err
}

// boxOf finds a box by its label, in which placeholders stand for anything.
func (s *script) boxOf(key string) (*html.Node, error) {
	label := regexp.MustCompile("^" + s.pattern(key) + "$")
	for n := range s.b.Doc.Descendants() {
		if n.Data != "label" || !label.MatchString(text(n)) {
			continue
		}
		for f := range s.b.Doc.Descendants() {
			if attr(f, "id") == attr(n, "for") && (attr(f, "type") == "checkbox" || attr(f, "type") == "radio") {
				return f, nil
			}
		}
	}
	return nil, fmt.Errorf("no box with the label %s on %s:\n%s", label, s.b.URL, Visible(s.b.Doc))
}

// copyTo gives another browser the cookies that this one has now, as somebody who copies them does.
func (s *script) copyTo(name string) error {
	thief := NewBrowser(s.server, s.lang)
	for _, p := range s.parties {
		at, err := url.Parse(p.Issuer)
		if err != nil {
			return err
		}
		copied := s.b.Jar.Cookies(at)
		for _, c := range copied {
			c.Path, c.Secure = "/", true
		}
		thief.Jar.SetCookies(at, copied)
	}
	s.browsers[name] = thief
	return nil
}
