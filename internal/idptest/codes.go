package idptest

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/minddistrict/idp/test/browser"
	"golang.org/x/net/html"
)

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
		value += "}"
		switch options["asked-of"] {
		case "staff":
			policy = append(policy, "second_factor: {client: {demand: optional}, staff: "+value+"}")
		case "client":
			policy = append(policy, "second_factor: {client: "+value+", staff: {demand: optional}}")
		default:
			policy = append(policy, "second_factor: "+both(value))
		}
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

// nobox wants no box with this label, wherever else on the page the words are.
func (s *script) nobox(key string) error {
	if _, err := s.boxOf(key); err == nil {
		return fmt.Errorf("there is one")
	}
	return nil
}

// ticked reports whether a box is.
func (s *script) ticked(key string) error {
	n, err := s.boxOf(key)
	if err == nil && !browser.HasAttr(n, "checked") {
		err = fmt.Errorf("not ticked")
	}
	return err
}

// boxOf finds a box by its label, in which placeholders stand for anything.
func (s *script) boxOf(key string) (*html.Node, error) {
	label := regexp.MustCompile("^" + s.pattern(key) + "$")
	for n := range s.b.Doc.Descendants() {
		if n.Data != "label" || !label.MatchString(browser.Text(n)) {
			continue
		}
		for f := range s.b.Doc.Descendants() {
			if browser.Attr(f, "id") == browser.Attr(n, "for") && (browser.Attr(f, "type") == "checkbox" || browser.Attr(f, "type") == "radio") {
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
