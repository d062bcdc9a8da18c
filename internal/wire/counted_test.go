package wire

import (
	"testing"

	"github.com/minddistrict/idp/audit"
)

func TestSignInsAndSetUpsOfEvents(t *testing.T) {
	for _, row := range []struct {
		kind                  audit.Kind
		reason                string
		method, outcome, made string
	}{
		{audit.SessionStarted, "password totp", "password totp", "success", ""},
		{audit.SessionStarted, "federated", "federated", "success", ""},
		{audit.SessionRaised, "totp", "", "", ""},
		{audit.PasswordRefused, "wrong", "password", "wrong", ""},
		{audit.PasswordRefused, "too many", "password", "too_many", ""},
		{audit.PasswordRefused, "not active", "password", "refused", ""},
		{audit.PasswordRefused, "closed", "password", "refused", ""},
		{audit.SecondFactorRefused, "wrong", "second_factor", "wrong", ""},
		{audit.SecondFactorRefused, "too many", "second_factor", "too_many", ""},
		{audit.SecondFactorRefused, "recovery wrong", "recovery", "wrong", ""},
		{audit.SecondFactorRefused, "recovery too many", "recovery", "too_many", ""},
		{audit.PINRefused, "wrong", "pin", "wrong", ""},
		{audit.FederatedRefused, "unreachable", "federated", "unreachable", ""},
		{audit.FederatedRefused, "no_account", "federated", "refused", ""},
		{audit.CredentialAdded, "sms", "", "", "sms"},
		{audit.PasswordSet, "welcome", "", "", "password"},
		{audit.PINSet, "", "", "", "pin"},
		{audit.DeviceAdded, "qr password totp", "", "", "app"},
		{audit.CredentialRetired, "sms", "", "", ""},
	} {
		e := &audit.Event{Kind: row.kind, Reason: row.reason}
		if method, outcome := signIn(e); method != row.method || outcome != row.outcome {
			t.Errorf("%s %q: %q %q, want %q %q", row.kind, row.reason, method, outcome, row.method, row.outcome)
		}
		if made := setUp(e); made != row.made {
			t.Errorf("%s %q: set up %q, want %q", row.kind, row.reason, made, row.made)
		}
	}
}
