package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// token is a token as a page shows it.
type token struct {
	ID     string // of its heading on the page
	Name   string
	Kind   string // what it is, in words
	Header string // JSON; empty: nothing can be read from it
	Claims string // JSON
	Raw    string
}

// read decodes a JWT without verifying it: what the page shows was verified when it came, or is not ours to verify.
func read(id, name, raw string) token {
	t := token{ID: id, Name: name, Raw: raw}
	parts := strings.Split(raw, ".")
	var header, claims []byte
	if len(parts) == 3 {
		header, _ = base64.RawURLEncoding.DecodeString(parts[0]) // what is no JSON is opaque
		claims, _ = base64.RawURLEncoding.DecodeString(parts[1])
	}
	if !json.Valid(header) || !json.Valid(claims) {
		t.Kind = fmt.Sprintf("Opaque: %d characters that mean something to the provider only.", len(raw))
		return t
	}
	t.Kind, t.Header, t.Claims = "A signed JWT: header and claims can be read by whoever holds it.", indent(header),
		indent(claims)
	return t
}

// Short is enough of a token to tell it from another.
func (t token) Short() string {
	if len(t.Raw) <= 24 {
		return t.Raw
	}
	return t.Raw[:24] + "…"
}

func indent(raw []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return string(raw)
	}
	return out.String()
}

// line is a claim with what it means.
type line struct{ Claim, Value, Meaning string }

// claims are those of an ID token that say how somebody signed in.
type claims struct {
	Subject  string   `json:"sub"`
	AMR      []string `json:"amr"`
	ACR      string   `json:"acr"`
	AuthTime int64    `json:"auth_time"` // Unix seconds
	Expiry   int64    `json:"exp"`       // Unix seconds
}

// methods are values of amr in words (RFC 8176 section 2).
var methods = map[string]string{
	"pwd": "a password", "otp": "a one-time code of an app, or a recovery code", "sms": "a code by text message",
	"mfa": "more than one kind of proof", "pin": "the PIN of a phone", "swk": "the key of that phone",
}

// strengths are values of acr in words.
var strengths = map[string]string{
	"urn:minddistrict:acr:1fa": "One kind of proof.",
	"urn:minddistrict:acr:2fa": "Two kinds of proof. A remembered browser does not count as one.",
}

// lines say what the claims of an ID token mean, and until when the tokens work.
func lines(raw string, t *oauth2.Token, p Platform, now time.Time) []line {
	var c claims
	if parts := strings.Split(raw, "."); len(parts) == 3 {
		body, _ := base64.RawURLEncoding.DecodeString(parts[1]) // it was verified when it came
		_ = json.Unmarshal(body, &c)                            // as above
	}
	return c.lines(p, now, t.Expiry)
}

// lines say what the claims mean. expiry is that of the access token; zero: nobody said.
func (c claims) lines(p Platform, now, expiry time.Time) []line {
	var how []string
	for _, m := range c.AMR {
		if words := methods[m]; words != "" {
			how = append(how, words)
		}
	}
	subject := "Who it is, for as long as the account exists. Never an e-mail address."
	if p.Others {
		subject = "Who it is, for this party only: another party gets another value, so they cannot compare notes."
	}
	all := []line{
		{"sub", c.Subject, subject},
		{"amr", strings.Join(c.AMR, " "), "What was shown: " + strings.Join(how, "; ") + "."},
		{"acr", c.ACR, strengths[c.ACR]},
		{"auth_time", clockTime(c.AuthTime), "When something was shown last, " + ago(now, c.AuthTime) +
			". A refresh does not change it."},
		{"exp", clockTime(c.Expiry), "Until when the ID token may be believed as news, " + ago(now, c.Expiry) + "."},
	}
	if !expiry.IsZero() {
		all = append(all, line{"expires_in", clockTime(expiry.Unix()), "Until when the access token opens something, " +
			ago(now, expiry.Unix()) + "."})
	}
	return all
}

// clockTime is a time as a developer compares it: UTC, as logs have it.
func clockTime(unix int64) string { return time.Unix(unix, 0).UTC().Format("15:04:05 UTC") }

// ago is how far a time is away, in words.
func ago(now time.Time, unix int64) string {
	d := now.Sub(time.Unix(unix, 0)).Round(time.Second)
	switch {
	case d.Abs() < 5*time.Second:
		return "just now"
	case d < 0:
		return "in " + span(-d)
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	unit, n := "second", int(d/time.Second)
	switch {
	case d >= 2*time.Hour:
		unit, n = "hour", int(d/time.Hour)
	case d >= 2*time.Minute:
		unit, n = "minute", int(d/time.Minute)
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
