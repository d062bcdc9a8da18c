package totp

import (
	"context"
	"encoding/base32"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// TestCodesOfRFC6238: six digits are the last six of eight, because both are the same number in a smaller modulus.
func TestCodesOfRFC6238(t *testing.T) {
	vectors, err := os.ReadFile("testdata/rfc6238.txt")
	if err != nil {
		t.Fatal(err)
	}
	secret := base32.StdEncoding.EncodeToString([]byte("12345678901234567890"))
	seen := 0
	for line := range strings.Lines(string(vectors)) {
		var seconds int64
		var code string
		if _, err := fmt.Sscan(line, &seconds, &code); err != nil {
			continue // a comment
		}
		seen++
		step, ok, err := match(secret, code[2:], 0, time.Unix(seconds, 0))
		if err != nil || !ok || step != seconds/30 {
			t.Errorf("%s at %d: step %d, %t, %v", code, seconds, step, ok, err)
		}
		for _, off := range []int64{-60, 60} {
			if step, ok, _ := match(secret, code[2:], 0, time.Unix(seconds+off, 0)); ok && seconds+off > 0 {
				t.Errorf("%s at %d%+d: accepted for step %d", code, seconds, off, step)
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d vectors", seen)
	}
}

func TestStepsAroundNowCountAndOnlyAfterTheLastUsedOne(t *testing.T) {
	secret := base32.StdEncoding.EncodeToString([]byte("12345678901234567890"))
	now := time.Unix(1111111111, 0) // of step 37037037, the vector before it is of the step before
	for _, row := range []struct {
		code  string
		after int64
		want  int64 // 0: refused
	}{
		{"050471", 0, 37037037},
		{"050471", 37037036, 37037037},
		{"050471", 37037037, 0}, // used
		{"050471", 37037038, 0}, // a later one was used
		{"081804", 0, 37037036},
		{"081804", 37037036, 0},
		{"081804", 37037037, 0},
		{"000000", 0, 0},
		{"50471", 0, 0},
		{"", 0, 0},
	} {
		step, ok, err := match(secret, row.code, row.after, now)
		if err != nil || step != row.want || ok != (row.want > 0) {
			t.Errorf("%q after %d: step %d, %t, %v, want %d", row.code, row.after, step, ok, err, row.want)
		}
	}
	if _, _, err := match("not base32!", "050471", 0, now); err == nil {
		t.Error("no error for a broken secret")
	}
}

// TestNamesCannotChangeWhatTheAppIsTold: a platform's name and an address are text in the label, whatever they contain.
func TestNamesCannotChangeWhatTheAppIsTold(t *testing.T) {
	const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	for _, row := range []struct{ name, email, issuer, account string }{
		{"Minddistrict", "anna@example.org", "Minddistrict", "anna@example.org"},
		{"Huis & Haard", "anna+idp@example.org", "Huis & Haard", "anna+idp@example.org"},
		{"Evil?secret=AAAA&issuer=Bank", "a@b.nl", "Evil?secret=AAAA&issuer=Bank", "a@b.nl"},
		{"A/B#C%2F", "anna&secret=AAAA@example.org", "A/B#C%2F", "anna&secret=AAAA@example.org"},
		{"Bank:mallory", "anna@example.org", "Bank mallory", "anna@example.org"},
		{"Zörg 100%", "zoë@voorbeeld.nl", "Zörg 100%", "zoë@voorbeeld.nl"},
	} {
		uri := keyURI(row.name, row.email, secret)
		key, err := otp.NewKeyFromURL(string(uri)) // as an app reads it
		if err != nil {
			t.Fatal(err)
		}
		if key.Type() != "totp" || key.Secret() != secret || key.Issuer() != row.issuer || key.AccountName() != row.account {
			t.Errorf("%s: %s %s %q %q", uri, key.Type(), key.Secret(), key.Issuer(), key.AccountName())
		}
		u, err := url.Parse(string(uri))
		if err != nil || len(u.Query()) != 2 || u.Fragment != "" || strings.ContainsAny(string(uri), " \"'<>") {
			t.Errorf("%s: %v, %v", uri, u.Query(), err)
		}
	}
}

// counter counts nothing against any limit.
type counter struct{}

func (counter) Count(_ context.Context, _ platform.ID, limits []authn.Limit, _ time.Time) ([]authn.Counted, error) {
	return make([]authn.Counted, len(limits)), nil
}

func (counter) SaveChange(context.Context, authn.Change, time.Time) error { return nil }

// TestDriftIsLoggedWithoutAName: an operator sees that a clock is off, and not whose.
func TestDriftIsLoggedWithoutAName(t *testing.T) {
	sealer, err := keys.NewSealer([]byte("a master key of 32 bytes for tests"[:32]))
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	s := codeStep{Options{Sealer: sealer, Budget: login.Budget{Store: counter{}, Sealer: sealer}, Log: slog.New(slog.NewTextHandler(&log, nil))}}
	c := account.Credential{ID: "the-credential", Account: "the-account", Method: Method, Use: account.Second, ConfirmedAt: time.Unix(1, 0)}
	c.Sealed = sealer.Seal([]byte(base32.StdEncoding.EncodeToString([]byte("12345678901234567890"))), c.Binding())
	for _, row := range []struct {
		at   int64
		want string
	}{{1111111111, ""}, {1111111111 + 30, "steps=-1 platform=linde"}, {1111111111 - 30, "steps=1 platform=linde"}} {
		log.Reset()
		a := &account.Account{ID: "the-account", Platform: "linde", Credentials: []account.Credential{c}}
		a.Email.Address = "anna@example.org"
		out, err := s.Submit(t.Context(), &login.Visit{
			Platform: &platform.Platform{ID: "linde"}, Journey: &authn.Journey{ID: "j"},
			Facts: authn.Facts{Account: a}, Form: url.Values{"code": {"050 471"}}, Now: time.Unix(row.at, 0),
		})
		if err != nil || out.Proof == nil || out.Change.Put[0].Counter != 37037037 {
			t.Fatalf("%d: %+v, %v", row.at, out, err)
		}
		if got := log.String(); !strings.Contains(got, row.want) || row.want == "" && got != "" || strings.Contains(got, "the-") || strings.Contains(got, "anna") || strings.Contains(got, "050") {
			t.Errorf("%d: %q, want %q", row.at, got, row.want)
		}
	}
}
