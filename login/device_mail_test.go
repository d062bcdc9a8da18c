package login_test

import (
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/outbox"
)

// signedInOnDevice queues the mail that tells anna of a device.
func (m *mailbox) signedInOnDevice() {
	m.t.Helper()
	a := idptest.Account(m.t, m.DB, "anna@example.org")
	d := outbox.Draft{
		Kind: outbox.AppDevice, Platform: "linde", Account: a.ID, Locale: "en", Now: m.Clock.Now(),
		Contents: outbox.Contents{To: a.Email.Address},
	}
	m.must(m.DB.SaveChange(m.t.Context(), authn.Queue(d, nil, m.Sealer.Seal), m.Clock.Now()))
	m.keep(outbox.AppDevice)
}

// Whoever gets a mail of a device that is not theirs blocks the account, by that of the older of two devices as well.
func TestDeviceMailBlocksTheAccount(t *testing.T) {
	t.Parallel()
	m := &mailbox{idptest.NewServer(t, idptest.SQLite(t)), t, map[outbox.Kind]string{}}
	m.Declare(withAnna(""))
	m.signedInOnDevice()
	older := m.links[outbox.AppDevice]
	m.signedInOnDevice()
	if m.links[outbox.AppDevice] == older {
		t.Fatal("the same link twice")
	}
	m.links[outbox.AppDevice] = older
	m.press(outbox.AppDevice, "freeze.submit")
	a := idptest.Account(t, m.DB, "anna@example.org")
	if a.State != account.Deactivated {
		t.Errorf("the account is %s", a.State)
	}
}
