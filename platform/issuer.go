package platform

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// Issuer identifies a platform in the protocol (OpenID Connect Core 1.0 section 2): scheme, host and an optional
// path. It is canonical, so that comparing strings compares issuers, and it is never derived from a request.
type Issuer string

// ParseIssuer accepts only the canonical form: https (or http on a loopback host, for development), a lower-case
// host, no default port, no trailing slash, no query or fragment, no escapes or dot segments in the path.
func ParseIssuer(s string) (Issuer, error) {
	refuse := func(why string) (Issuer, error) {
		return "", fmt.Errorf("%w: issuer %q: %s", fault.Invalid, s, why)
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return refuse("scheme, host and an optional path, such as https://login.example.org")
	case u.User != nil || strings.ContainsAny(s, "?#%\\"):
		return refuse("no user, query, fragment, backslash or escape")
	case !strings.HasPrefix(s, u.Scheme+"://"):
		return refuse("the scheme in lower case")
	case !hostPattern.MatchString(u.Hostname()) && !literalIPv6(u.Hostname()):
		return refuse("the host in lower-case ASCII, as DNS knows it")
	case u.Port() != "" && !canonicalPort(u.Port()):
		return refuse("a port from 1 to 65535")
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80", strings.HasSuffix(u.Host, ":"):
		return refuse("without the default port")
	case strings.HasSuffix(u.Path, "/"):
		return refuse("without a slash at the end")
	case u.Path != "" && (path.Clean(u.Path) != u.Path || !pathPattern.MatchString(u.Path)):
		return refuse("a plain path without dots, doubled slashes or special characters")
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		// Browsers keep __Host- cookies on plain http only for these hosts.
		return refuse("https; plain http works on localhost only")
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("https")
	}
	return Issuer(s), nil
}

// Loopback reports whether a host name always means this machine (RFC 6761 section 6.3).
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

var (
	hostPattern = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`) // RFC 1123 section 2.1
	pathPattern = regexp.MustCompile(`^(?:/[A-Za-z0-9._~-]+)+$`)                                                // unreserved characters, RFC 3986 section 2.3
)

// literalIPv6 reports whether a host is an IPv6 address in the one spelling of RFC 5952.
func literalIPv6(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6() && ip.Zone() == "" && ip.String() == host
}

func canonicalPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == port
}

// Host returns the host with its port, if any.
func (i Issuer) Host() string { host, _ := i.split(); return host }

// Path returns the path without a slash at the end: "" or "/p/linde".
func (i Issuer) Path() string { _, path := i.split(); return path }

// split relies on the canonical form, in which nothing has to be decoded: every request needs the parts.
func (i Issuer) split() (host, path string) {
	_, rest, _ := strings.Cut(string(i), "://")
	if at := strings.IndexByte(rest, '/'); at >= 0 {
		return rest[:at], rest[at:]
	}
	return rest, ""
}

// Origin returns scheme, host and port: what a browser sends in an Origin header.
func (i Issuer) Origin() string { return strings.TrimSuffix(string(i), i.Path()) }

// Secure reports whether the issuer is served over TLS.
func (i Issuer) Secure() bool { return strings.HasPrefix(string(i), "https:") }

// Directory finds the platform of a request. It is built once from all platforms and never changes.
type Directory struct{ byHost map[string][]*Platform }

// NewDirectory indexes platforms by host, the longest path first.
func NewDirectory(platforms []*Platform) *Directory {
	d := &Directory{byHost: map[string][]*Platform{}}
	for _, p := range platforms {
		d.byHost[p.Issuer.Host()] = append(d.byHost[p.Issuer.Host()], p)
	}
	for _, list := range d.byHost {
		slices.SortFunc(list, func(a, b *Platform) int { return len(b.Issuer.Path()) - len(a.Issuer.Path()) })
	}
	return d
}

// Find returns the platform whose issuer has this host and the longest path prefix of path, or nil.
// A default port in host is ignored, because some clients send it.
func (d *Directory) Find(host, path string) *Platform {
	for _, p := range d.on(host) {
		prefix := p.Issuer.Path()
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return p
		}
	}
	return nil
}

// Only returns the platform of a host that has just one; nil when it has none or several.
func (d *Directory) Only(host string) *Platform {
	if list := d.on(host); len(list) == 1 {
		return list[0]
	}
	return nil
}

func (d *Directory) on(host string) []*Platform {
	host = strings.ToLower(host)
	if list := d.byHost[host]; list != nil {
		return list
	}
	return d.byHost[strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")]
}
