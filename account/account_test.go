package account

import (
	"slices"
	"testing"
	"time"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func credential(id, method string, use Use, confirmed, retired bool) Credential {
	c := Credential{ID: CredentialID(id), Account: "anna", Method: method, Use: use, AddedAt: day}
	if confirmed {
		c.ConfirmedAt = day
	}
	if retired {
		c.RetiredAt = day
	}
	return c
}

func TestCredentialIsTheNewestUsableOne(t *testing.T) {
	a := Account{Credentials: []Credential{
		credential("1", "password", Primary, true, false),
		credential("2", "password", Primary, true, false),
		credential("3", "password", Primary, true, true),
		credential("4", "password", Primary, false, false),
		credential("5", "totp", Second, false, false),
	}}
	if c, ok := a.Credential("password"); !ok || c.ID != "2" {
		t.Errorf("got %+v, %v, want the second", c, ok)
	}
	for _, method := range []string{"totp", "sms", ""} {
		if c, ok := a.Credential(method); ok || c.ID != "" {
			t.Errorf("%q: got %+v", method, c)
		}
	}
}

func TestSecondMethods(t *testing.T) {
	for name, c := range map[string]struct {
		credentials []Credential
		want        []string
	}{
		"none":     {nil, nil},
		"password": {[]Credential{credential("1", "password", Primary, true, false)}, nil},
		"recovery codes stand in, they do not enrol": {[]Credential{credential("1", "recovery", Recovery, true, false)}, nil},
		"being set up": {[]Credential{credential("1", "totp", Second, false, false)}, nil},
		"retired":      {[]Credential{credential("1", "totp", Second, true, true)}, nil},
		"two apps and a phone": {[]Credential{
			credential("1", "totp", Second, true, false), credential("2", "sms", Second, true, false), credential("3", "totp", Second, true, false),
		}, []string{"sms", "totp"}},
	} {
		a := Account{Credentials: c.credentials}
		if got := a.SecondMethods(); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestBindingNamesTheRow(t *testing.T) {
	c := credential("7", "totp", Second, true, false)
	if got := c.Binding(); got != "credential/anna/totp/7" {
		t.Errorf("got %q", got)
	}
}

func TestName(t *testing.T) {
	for want, p := range map[string]Profile{
		"":                  {},
		"Anna":              {GivenName: "Anna"},
		"Anna Bakker":       {GivenName: "Anna", FamilyName: "Bakker"},
		"Bram van der Meer": {GivenName: "Bram", MiddleName: "van der", FamilyName: "Meer"},
	} {
		if got := p.Name(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
