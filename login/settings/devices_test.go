package settings

import "testing"

// What is not kept of an address is an x; what is no network is not shown.
func TestNetworkIsShownShortened(t *testing.T) {
	for kept, want := range map[string]string{
		"192.0.2.0/24": "192.0.2.x", "2001:db8::/32": "2001:db8:x", "2001:db9::/32": "2001:db9:x",
		"": "", "192.0.2.77": "", "<b>": "",
	} {
		if got := shown(kept); got != want {
			t.Errorf("%s: %q, want %q", kept, got, want)
		}
	}
}
