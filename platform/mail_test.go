package platform

import (
	"errors"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

func TestSenderIsOneAddress(t *testing.T) {
	for from, ok := range map[string]bool{
		"": true, "login@example.org": true, "login@localhost": true,
		"Login <login@example.org>": false, "<login@example.org>": false, "login": false, "a@example.org,b@example.org": false,
		" login@example.org": false, "login@example.org\r\nBcc: b@example.org": false,
	} {
		p := small()
		p.Mail.From = from
		err := p.Validate()
		if (err == nil) != ok || err != nil && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "mail.from")) {
			t.Errorf("%q: %v", from, err)
		}
	}
}
