package totp

import (
	"html/template"
	"net/url"
	"strings"
)

// keyURI is what a QR code says to an app, in the format that Google Authenticator began and all others read. Hash,
// digits and period are left out: they are what apps assume, and a shorter text makes a coarser code that scans better.
// A colon divides the parts of the label, so names have none.
func keyURI(name, email, secret string) template.URL {
	name = strings.ReplaceAll(name, ":", " ")
	u := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + name + ":" + email, RawPath: "/" + url.PathEscape(name) + ":" + url.PathEscape(email),
		RawQuery: "secret=" + secret + "&issuer=" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20"), // some apps show the +
	}
	return template.URL(u.String()) // every part of it is escaped above
}
