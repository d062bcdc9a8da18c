package op

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// Guards that another one stands in front of today: no request from outside reports whether they are there.

// RFC 8725 sections 3.8, 3.11: the signature of our own key is not enough.
func TestOwnSignatureDoesNotMakeEveryToken(t *testing.T) {
	s := fuzzServer(t)
	access := accessToken{Issuer: fuzzPlatform.Issuer, Subject: "anna", Party: "web", Expiry: fuzzNow.Add(time.Minute).Unix()}
	foreignHint, foreignAccess := fuzzHint, access
	foreignHint.Issuer, foreignAccess.Issuer = "https://id.test/p/wilg", "https://id.test/p/wilg"
	for says, row := range map[string]struct {
		typ          string
		claims       any
		hint, access bool
	}{
		"an ID token":                          {"JWT", fuzzHint, true, false},
		"an access token":                      {"at+jwt", access, false, true},
		"an ID token by type, not by content":  {"JWT", access, false, false},
		"an access token with a hint's claims": {"at+jwt", fuzzHint, false, false},
		"a logout token":                       {"logout+jwt", fuzzHint, false, false},
		"an ID token of another issuer":        {"JWT", foreignHint, false, false},
		"an access token of another issuer":    {"at+jwt", foreignAccess, false, false},
	} {
		token := fuzzToken(t, s, row.typ, row.claims)
		if _, err := s.readHint(fuzzPlatform, token); err == nil != row.hint || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s as id_token_hint: %v", says, err)
		}
		if _, err := s.openAccess(fuzzPlatform, token); err == nil != row.access || err != nil && !errors.Is(err, fault.NotFound) {
			t.Errorf("%s as access token: %v", says, err)
		}
	}
}

// CVE-2026-34986: how much is parsed is decided before anything is.
func TestLongTokensAreNotRead(t *testing.T) {
	s := fuzzServer(t)
	hint := func(length int) string {
		claims := fuzzHint
		claims.Subject = strings.Repeat("a", length)
		return fuzzToken(t, s, "JWT", claims)
	}
	longest, longer := hint(5900), hint(6100)
	if len(longest) > longestToken || len(longer) <= longestToken {
		t.Fatalf("tokens of %d and %d bytes on either side of %d", len(longest), len(longer), longestToken)
	}
	if _, err := s.readHint(fuzzPlatform, longest); err != nil {
		t.Errorf("a hint of %d bytes: %v", len(longest), err)
	}
	if _, err := s.readHint(fuzzPlatform, longer); !errors.Is(err, fault.Invalid) {
		t.Errorf("a hint of %d bytes, rightly signed: %v", len(longer), err)
	}
	object := func(length int) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"response_mode":"form_post","x":"`+strings.Repeat("x", length)+`"}`)) + "."
	}
	if got := modeInside(object(5900)); got != "form_post" {
		t.Errorf("a request object within bounds asks for %q", got)
	}
	if got := modeInside(object(6200)); got != "" {
		t.Errorf("a request object beyond them is read: %q", got)
	}
}

// strayGrant is a store that knows one grant, by whatever identifier.
type strayGrant struct {
	GrantStore
	of grant.PartyID
}

func (g strayGrant) Grant(context.Context, platform.ID, grant.ID, time.Time) (*grant.Grant, *account.Account, error) {
	return &grant.Grant{ID: "g", Platform: "linde", Party: g.of}, &account.Account{ID: "anna"}, nil
}

func (g strayGrant) LiveGrant(ctx context.Context, p platform.ID, id grant.ID, now time.Time) (*grant.Grant, error) {
	found, _, err := g.Grant(ctx, p, id, now)
	return found, err
}

func TestAccessTokenCountsForTheGrantOfItsParty(t *testing.T) {
	s := fuzzServer(t)
	token, err := sealHandle(s.Secrets.Handles[0], "linde", handle{Grant: "g", Party: "web", Ends: fuzzNow.Add(time.Minute)}, newNonce())
	if err != nil {
		t.Fatal(err)
	}
	for of, want := range map[grant.PartyID]error{"web": nil, "lax": fault.NotFound} {
		s.Grants = strayGrant{of: of}
		if _, err := s.liveAccess(t.Context(), fuzzPlatform, token); !errors.Is(err, want) {
			t.Errorf("a token of web with a grant of %s: %v", of, err)
		}
	}
}

// RFC 7662 section 2.1: whoever asks about a token proves to be somebody.
func TestPublicPartyHearsNothingOfItsOwnToken(t *testing.T) {
	s := fuzzServer(t)
	s.Grants = strayGrant{of: "app"}
	token, err := sealHandle(s.Secrets.Handles[0], "linde", handle{Grant: "g", Party: "app", Ends: fuzzNow.Add(time.Minute), Scopes: []string{"openid"}}, newNonce())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.introspect(t.Context(), &call{
		platform: fuzzPlatform, party: &grant.Party{ID: "app", Auth: grant.AuthNone}, form: url.Values{"token": {token}}, now: fuzzNow,
	})
	if err == nil || answer != nil || codeOf(err) != "invalid_client" {
		t.Errorf("a public party is told %+v, %v, %q", answer, err, codeOf(err))
	}
}
