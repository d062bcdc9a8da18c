package platform

import (
	"errors"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

func TestParseIssuer(t *testing.T) {
	for _, s := range []string{
		"https://login.example.org", "https://login.example.org:8443", "https://example.org/p/linde", "https://xn--bcher-kva.example",
		"https://192.0.2.1", "https://[2001:db8::1]:8443", "http://localhost:8080", "http://localhost:8080/p/wilg", "http://wilg.localhost:8080",
		"http://127.0.0.1:8080", "http://[::1]:8080", "https://example.org/a-b_c~d.e",
	} {
		i, err := ParseIssuer(s)
		if err != nil || string(i) != s {
			t.Errorf("%s: got %q, %v", s, i, err)
			continue
		}
		if i.Origin()+i.Path() != s {
			t.Errorf("%s: origin %q and path %q do not make it", s, i.Origin(), i.Path())
		}
	}
	for name, s := range map[string]string{
		"empty":                    "",
		"no scheme":                "login.example.org",
		"no host":                  "https://",
		"no host but a path":       "https:///p/linde",
		"opaque":                   "https:login.example.org",
		"another scheme":           "ftp://login.example.org",
		"script":                   "javascript://login.example.org/%0aalert(1)",
		"plain http elsewhere":     "http://login.example.org",
		"http and a twin":          "http://localhost.example.org",
		"http, loopback in a name": "http://127.0.0.1.example.org",
		"capitals in the host":     "https://Login.example.org",
		"capitals in the scheme":   "HTTPS://login.example.org",
		"umlaut in the host":       "https://bücher.example",
		"default port":             "https://login.example.org:443",
		"default port of http":     "http://localhost:80",
		"empty port":               "https://login.example.org:",
		"port that is no number":   "https://login.example.org:x",
		"port out of range":        "https://login.example.org:99999",
		"user":                     "https://admin@login.example.org",
		"user and password":        "https://a:b@login.example.org",
		"host hidden in a user":    "https://login.example.org@evil.example",
		"slash at the end":         "https://login.example.org/",
		"slash after a path":       "https://login.example.org/p/linde/",
		"query":                    "https://login.example.org?x=1",
		"empty query":              "https://login.example.org?",
		"fragment":                 "https://login.example.org#x",
		"empty fragment":           "https://login.example.org#",
		"dots":                     "https://login.example.org/p/../linde",
		"dot":                      "https://login.example.org/./linde",
		"doubled slash":            "https://login.example.org//linde",
		"escape":                   "https://login.example.org/%6cinde",
		"escaped slash":            "https://login.example.org/p%2flinde",
		"backslash":                `https://login.example.org\p`,
		"semicolon":                "https://login.example.org/p;x",
		"blank":                    "https://login.example.org/p linde",
		"blank before":             " https://login.example.org",
		"line feed":                "https://login.example.org/p\nlinde",
		"line feed at the end":     "https://login.example.org\n",
		"null":                     "https://login.example.org/\x00",
		"umlaut in the path":       "https://login.example.org/bücher",
		"quote in the path":        `https://login.example.org/"x`,
		"angle in the path":        "https://login.example.org/<x>",
		"comma in the host":        "https://login.example.org,evil.example",
		"host that starts dotted":  "https://.example.org",
		"dot at the end":           "https://login.example.org.",
		"two dots":                 "https://login..example.org",
		"zone":                     "https://[fe80::1%25eth0]",
		"asterisk":                 "https://*.example.org",
		"underscore quote":         "https://login'.example.org",
	} {
		if i, err := ParseIssuer(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %q: got %q, %v, want fault.Invalid", name, s, i, err)
		}
	}
}

func FuzzParseIssuer(f *testing.F) {
	for _, s := range []string{"https://login.example.org/p/linde", "http://localhost:8080", "https://a@b", "https://[::1]:1/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := ParseIssuer(s)
		if err != nil {
			return
		}
		if string(i) != s || i.Host() == "" || i.Origin()+i.Path() != s {
			t.Errorf("%q: host %q, origin %q, path %q", s, i.Host(), i.Origin(), i.Path())
		}
		p := &Platform{Issuer: i}
		if got := NewDirectory([]*Platform{p}).Find(i.Host(), i.Path()); got != p {
			t.Errorf("%q is not found under its own address", s)
		}
	})
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "wilg.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"": false, "localhost.example": false, "notlocalhost": false, "10.0.0.1": false, "0.0.0.0": false, "::": false, "example.org": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
}

func TestDirectoryFindsTheLongestPath(t *testing.T) {
	root := &Platform{ID: "root", Issuer: "https://login.example.org"}
	linde := &Platform{ID: "linde", Issuer: "https://login.example.org/p/linde"}
	north := &Platform{ID: "north", Issuer: "https://login.example.org/p/linde/noord"}
	own := &Platform{ID: "own", Issuer: "https://wilg.example.net/p/wilg"}
	dev := &Platform{ID: "dev", Issuer: "http://localhost:8080"}
	d := NewDirectory([]*Platform{linde, own, root, north, dev})
	for _, c := range []struct {
		host, path string
		want       *Platform
	}{
		{"login.example.org", "", root},
		{"login.example.org", "/", root},
		{"login.example.org", "/authorize", root},
		{"login.example.org", "/p/linde", linde},
		{"login.example.org", "/p/linde/", linde},
		{"login.example.org", "/p/linde/authorize", linde},
		{"login.example.org", "/p/linden/authorize", root}, // a prefix ends at a slash
		{"login.example.org", "/p/Linde/authorize", root},
		{"login.example.org", "/p/linde/noord/authorize", north},
		{"login.example.org", "/p/linde/noordoost", linde},
		{"LOGIN.Example.org", "/p/linde", linde},
		{"login.example.org:443", "/p/linde", linde},
		{"login.example.org:8443", "/p/linde", nil},
		{"wilg.example.net", "/p/wilg/keys", own},
		{"wilg.example.net", "/", nil},
		{"wilg.example.net", "/p/linde", nil}, // another host's path
		{"localhost:8080", "/authorize", dev},
		{"localhost", "/authorize", nil},
		{"evil.example", "/p/linde", nil},
		{"", "/", nil},
	} {
		if got := d.Find(c.host, c.path); got != c.want {
			t.Errorf("%s%s: got %v, want %v", c.host, c.path, got, c.want)
		}
	}
	for host, want := range map[string]*Platform{
		"login.example.org": nil, "wilg.example.net": own, "Wilg.example.net:443": own, "localhost:8080": dev, "evil.example": nil, "": nil,
	} {
		if got := d.Only(host); got != want {
			t.Errorf("only platform of %q: got %v, want %v", host, got, want)
		}
	}
	if got := NewDirectory(nil).Find("login.example.org", "/"); got != nil {
		t.Errorf("an empty directory: got %v", got)
	}
}
