package conformance

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"
)

// bcp195 are the cipher suites of TLS 1.2 that FAPI 2.0 Security Profile section 5.2.2 leaves: RFC 9325 section 4.2,
// and, as the official suite has it, those that the registry of IANA recommends besides.
var bcp195 = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// checkTLS asks an endpoint for what it must not offer: TLS before 1.2, weaker ciphers, 1.2 to whom 1.3 would do.
func (r *run) checkTLS(endpoint string) error {
	if r.TLS == nil {
		return nil
	}
	u, err := url.Parse(text(r.meta, endpoint))
	if err != nil {
		return fmt.Errorf("%s: %w", endpoint, err)
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Host, "443")
	}
	var others []uint16
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS12) && !slices.Contains(bcp195, suite.ID) {
			others = append(others, suite.ID)
		}
	}
	for _, offer := range []struct {
		says     string
		min, max uint16
		ciphers  []uint16
		wanted   uint16 // version; 0: refused
	}{
		{"TLS 1.0 and 1.1", tls.VersionTLS10, tls.VersionTLS11, nil, 0},
		{"TLS 1.2 with other ciphers", tls.VersionTLS12, tls.VersionTLS12, others, 0},
		{"TLS 1.2", tls.VersionTLS12, tls.VersionTLS12, bcp195, tls.VersionTLS12},
		{"TLS 1.2 and 1.3", tls.VersionTLS12, tls.VersionTLS13, nil, tls.VersionTLS13},
	} {
		c := r.TLS.Clone()
		c.ServerName, c.MinVersion, c.MaxVersion, c.CipherSuites = u.Hostname(), offer.min, offer.max, offer.ciphers
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", address, c)
		var got uint16
		if err == nil {
			got = conn.ConnectionState().Version
			_ = conn.Close() // nothing was sent
		}
		if got != offer.wanted {
			want := tls.VersionName(offer.wanted)
			r.fail("%s: %s: got %s, wanted %s (%v)", endpoint, offer.says, tls.VersionName(got), want, err)
		}
	}
	return nil
}
