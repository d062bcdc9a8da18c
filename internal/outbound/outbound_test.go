package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestOnlyPublicAddressesAreCalled(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "::ffff:93.184.216.34": true,
		"127.0.0.1": false, "127.8.9.1": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "::": false, "0.1.2.3": false,
		"10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "::ffff:10.0.0.1": false, "fd00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, // addresses of cloud metadata
		"100.64.0.1": false, "100.127.255.254": false, "192.0.0.8": false, "198.19.0.1": false, "224.0.0.1": false, "ff02::1": false,
		"240.0.0.1": false, "255.255.255.255": false, "64:ff9b::a00:1": false, "2002:a00:1::1": false, "2001:0:a00:1::1": false, "::10.0.0.1": false, "fec0::1": false,
		"64:ff9b:1::1": false, "100::1": false, "5f00::1": false, "3fff::1": false, "4000::1": false, "a000::1": false,
		"172.15.255.255": true, "172.32.0.1": true, "100.128.0.1": true, "11.0.0.1": true,
	} {
		if got := Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: public %t, want %t", address, got, want)
		}
	}
}

func TestTheGuardLooksAtWhatIsDialled(t *testing.T) {
	asked := 0
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
	}))
	defer site.Close()
	named := strings.Replace(site.URL, "127.0.0.1", "localhost", 1) // a name that leads to us
	for _, address := range []string{site.URL, named} {
		res, err := NewClient(nil).Get(address)
		if err == nil {
			_ = res.Body.Close()
		}
		if !errors.Is(err, errPrivate) || asked != 0 {
			t.Fatalf("%s: %v, asked %d times", address, err, asked)
		}
	}
	for _, allow := range []string{"127.0.0.0/8", "127.0.0.1/32"} {
		res, err := NewClient([]netip.Prefix{netip.MustParsePrefix(allow)}).Get(site.URL + "/away")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusSeeOther {
			t.Errorf("a redirect was followed: %d", res.StatusCode)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	res, err := NewClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32"), netip.MustParsePrefix("10.0.0.0/8")}).Get(site.URL)
	if err == nil {
		_ = res.Body.Close()
		t.Error("another exception let it through")
	}
}

// The environment of a server may name a proxy for other programs.
func TestNoProxyIsUsed(t *testing.T) {
	if NewClient(nil).Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy resolves names where the guard does not look")
	}
}
