package op_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/idptest/doors"
	"github.com/minddistrict/idp/login"
)

// vouched is a way of signing in of which an organisation says what the test wants it to say.
type vouched struct {
	login.Step
	says *func(now time.Time) authn.Proof
}

func (s vouched) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	out, err := s.Step.Submit(ctx, v)
	if out.Proof != nil {
		p := (*s.says)(v.Now)
		out.Proof = &p
	}
	return out, err
}

// upstream is a house where an organisation's answers sign Anna in.
type upstream struct {
	caller
	connection federation.Connection
	says       func(now time.Time) authn.Proof
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	db := idptest.SQLite(t)
	u := &upstream{connection: federation.Connection{ID: "lindehof", Kind: federation.OIDC, Key: federation.KeyRule{By: federation.BySubject}}}
	factors := doors.Factors(db)[:1]
	factors[0].Prove = vouched{factors[0].Prove, &u.says}
	u.caller = caller{t, idptest.NewServer(t, db, factors...)}
	u.Declare(linde, wilg)
	u.Declare(idptest.Demo{Policy: "login_form: false"})
	return u
}

// answers makes the next sign-in one that the connection judged.
func (u *upstream) answers(contract federation.Contract, claims map[string]any, ago *time.Duration) {
	u.Helper()
	u.connection.Contract = contract
	u.says = func(now time.Time) authn.Proof {
		a := federation.Answer{Issuer: "https://sso.lindehof.test", Subject: "anna.b", Claims: claims}
		if ago != nil {
			a.AuthTime = now.Add(-*ago)
		}
		id, err := u.connection.Evaluate(a, now)
		if err != nil {
			u.Fatal(err)
		}
		return id.Proof
	}
}

// signsIn signs Anna in, in a browser of her own.
func (u *upstream) signsIn(change func(url.Values)) *idptest.Browser {
	u.Helper()
	v := u.visitor()
	for _, err := range []error{v.Open(issuer + authorizeQuery("web", change)), v.Fill("Email address", "anna@example.org"), v.Press("Knock")} {
		if err != nil {
			u.Fatal(err)
		}
	}
	return v.Browser
}

func since(d time.Duration) *time.Duration { return &d }

// TestTokensNeverSayMoreOfAnUpstreamThanItsContract holds the table of docs/oidc.md: what is said there times what was
// agreed.
func TestTokensNeverSayMoreOfAnUpstreamThanItsContract(t *testing.T) {
	agreed := federation.Contract{Counts: true, Rows: []federation.ContractRow{
		{Claim: federation.ByAMR, Value: "mfa", ACR: authn.TwoFactor, AMR: []string{"otp"}}, {Claim: federation.ByAMR, Value: "pwd", ACR: authn.OneFactor, AMR: []string{"pwd"}},
		{Claim: federation.ByACR, Value: "loa2", ACR: authn.TwoFactor}, {Claim: federation.ByACR, Value: "loa1", ACR: authn.OneFactor},
	}}
	not, young := agreed, agreed
	not.Counts, young.MaxAge = false, time.Hour
	u := newUpstream(t)
	amrs := map[string]any{
		"absent": nil, "a text": "mfa", "a list": []any{"pwd", "mfa"}, "unknown": []any{"fpt"}, "mixed case": []any{"MFA", "Pwd"},
		"one text with both": []any{"pwd mfa"}, "not only texts": []any{"mfa", 1},
	}
	acrs := map[string]any{"absent": nil, "known": "loa2", "unknown": "loa3", "weaker": "loa1", "mixed case": "LoA2", "a list": []any{"loa2"}}
	contracts := map[string]federation.Contract{"counts": agreed, "does not count": not, "counts for an hour": young, "nothing agreed": {Counts: true}}
	rows := 0
	for says, contract := range contracts {
		for amr, amrValue := range amrs {
			for acr, acrValue := range acrs {
				for _, ago := range []time.Duration{10 * time.Minute, 2 * time.Hour} {
					rows++
					claims := map[string]any{}
					if amrValue != nil {
						claims["amr"] = amrValue
					}
					if acrValue != nil {
						claims["acr"] = acrValue
					}
					u.answers(contract, claims, &ago)
					got := u.tokenOf(u.signsIn(nil))
					// Written from the document: exactly the agreed spelling, in the type of the claim, where it counts.
					wantACR, wantAMR := oneFactor, ""
					two := amr == "a list" || acr == "known"
					switch {
					case says == "nothing agreed":
					case two && (says == "counts" || says == "counts for an hour" && ago < time.Hour):
						wantACR, wantAMR = twoFactor, "mfa"
						if amr == "a list" {
							wantAMR = "mfa otp"
						}
					}
					if amr == "a list" && says != "nothing agreed" {
						wantAMR = strings.TrimSpace(wantAMR + " pwd")
					}
					if at := fmt.Sprintf("%s, amr %s, acr %s, %s ago", says, amr, acr, ago); got["acr"] != wantACR || sorted(got["amr"]) != wantAMR {
						t.Errorf("%s: acr %v amr %q, want %s %q", at, got["acr"], sorted(got["amr"]), wantACR, wantAMR)
					}
					if at, _ := got["auth_time"].(float64); time.Unix(int64(at), 0).Compare(u.Clock.Now().Add(-ago).Truncate(time.Second)) != 0 {
						t.Fatalf("auth_time %v, want %s ago", got["auth_time"], ago)
					}
				}
			}
		}
	}
	if rows != 4*7*6*2 {
		t.Errorf("%d rows", rows)
	}
}

// Two factors that count for an hour are one afterwards, in the tokens of the same session; what was answered before, a
// refresh says as it was.
func TestTwoFactorsThereEndInASession(t *testing.T) {
	u := newUpstream(t)
	u.answers(federation.Contract{Counts: true, MaxAge: time.Hour, Rows: []federation.ContractRow{
		{Claim: federation.ByAMR, Value: "mfa", ACR: authn.TwoFactor, AMR: []string{"otp"}}, {Claim: federation.ByAMR, Value: "pwd", ACR: authn.OneFactor, AMR: []string{"pwd"}},
	}}, map[string]any{"amr": []any{"pwd", "mfa"}}, since(10*time.Minute))
	b := u.signsIn(nil)
	silent := func(more ...string) url.Values {
		b.MustOpen(t, issuer+authorizeQuery("web", hinting(append([]string{"prompt", "none"}, more...))))
		return b.URL.Query()
	}
	says := func(got map[string]any) string { return fmt.Sprint(got["acr"], " ", sorted(got["amr"])) }
	first := u.token(codeForm(u.code(b, "web", asking("openid offline_access", `{}`))), "web")
	_, id := claimsOf(t, first.ID)
	if got := says(id); got != twoFactor+" mfa otp pwd" {
		t.Errorf("at first: %s", got)
	}
	u.Clock.Later(50 * time.Minute)
	if got := says(u.tokenOf(b)); got != twoFactor+" mfa otp pwd" {
		t.Errorf("to the hour: %s", got)
	}
	u.Clock.Later(time.Second)
	if got := says(u.tokenOf(b)); got != oneFactor+" pwd" {
		t.Errorf("after the hour: %s", got)
	}
	if got := silent("acr_values", twoFactor); got.Get("error") == "" {
		t.Errorf("two factors asked after the hour: %v", got)
	}
	_, id = claimsOf(t, u.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}}, "web").ID)
	if got := says(id); got != twoFactor+" mfa otp pwd" {
		t.Errorf("of the sign-in before, refreshed: %s", got)
	}
}

// tokenOf is what the ID token says of who is signed in in a browser, with the details.
func (u *upstream) tokenOf(b *idptest.Browser) map[string]any {
	u.Helper()
	got := u.token(codeForm(u.code(b, "web", asking("openid", `{"id_token":{"amr_details":null}}`))), "web")
	_, id := claimsOf(u.TB.(*testing.T), got.ID)
	return id
}

func sorted(claim any) string {
	var all []string
	list, _ := claim.([]any)
	for _, v := range list {
		all = append(all, fmt.Sprint(v))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// OpenID Connect Core 1.0 section 2: auth_time is the time of the authentication, not one that stands for none.
func TestNoTimeIsSaidWhereAnUpstreamSaidNone(t *testing.T) {
	u := newUpstream(t)
	u.answers(federation.Contract{}, map[string]any{}, nil)
	b := u.signsIn(nil)
	claims := `{"id_token":{"amr_details":null,"auth_time":{"essential":true}},"userinfo":{"auth_time":null,"amr_details":null,"acr":null}}`
	got := u.token(codeForm(u.code(b, "web", asking("openid offline_access", claims))), "web")
	again := u.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, "web")
	_, id := claimsOf(t, got.ID)
	_, refreshed := claimsOf(t, again.ID)
	_, info := u.userinfo(got.Access)
	for says, all := range map[string]map[string]any{
		"ID token": id, "refreshed": refreshed, "userinfo": info, "introspection": u.introspect("web", got.Access), "of the refresh token": u.introspect("web", again.Refresh),
	} {
		if _, there := all["auth_time"]; there || len(all) < 3 {
			t.Errorf("%s: %v", says, all)
		}
		for _, none := range []string{"-62135596", "-6.2135596", "0001-01-01"} { // the zero time, in the forms of JSON and fmt
			if text := fmt.Sprint(all); strings.Contains(text, none) {
				t.Errorf("%s: %s", says, text)
			}
		}
	}
	want := map[string]any{"method": "federated", "source": "https://sso.lindehof.test", "way": "lindehof"}
	if details, _ := id["amr_details"].([]any); len(details) != 1 || fmt.Sprint(details[0]) != fmt.Sprint(want) {
		t.Errorf("amr_details %v, want %v", id["amr_details"], want)
	}
	// Where a time is wanted such a sign-in is none, however old one may be.
	for _, age := range []string{"0", "1", "3600", "3155760000", "99999999999"} {
		b.MustOpen(t, issuer+authorizeQuery("web", func(q url.Values) { q.Set("max_age", age); q.Set("prompt", "none") }))
		if got := b.URL.Query(); got.Get("error") != "login_required" {
			t.Errorf("max_age=%s: %v", age, got)
		}
		b := u.signsIn(func(q url.Values) { q.Set("max_age", age) })
		if code := b.URL.Query().Get("code"); code != "" {
			t.Errorf("max_age=%s: a new sign-in without a time is answered", age)
		}
	}
	u.answers(federation.Contract{}, map[string]any{}, since(time.Minute))
	if code := u.signsIn(func(q url.Values) { q.Set("max_age", "3600") }).URL.Query().Get("code"); code == "" {
		t.Error("a sign-in with a time is not answered")
	}
}

// A session of a sign-in elsewhere answers without a page as any other does: while it is fresh enough, and until it
// idles.
func TestASessionOfAnUpstreamAnswersSilently(t *testing.T) {
	u := newUpstream(t)
	u.answers(federation.Contract{Counts: true, Rows: []federation.ContractRow{{Claim: federation.ByACR, Value: "loa2", ACR: authn.TwoFactor}}},
		map[string]any{"acr": "loa2"}, since(10*time.Minute))
	b := u.signsIn(nil)
	silent := func(more ...string) url.Values {
		b.MustOpen(t, issuer+authorizeQuery("web", hinting(append([]string{"prompt", "none"}, more...))))
		return b.URL.Query()
	}
	for says, row := range map[string]struct {
		more []string
		want string // an error; empty: a code
	}{
		"nothing asked":            {nil, ""},
		"two factors":              {[]string{"acr_values", twoFactor}, ""},
		"at an organisation":       {[]string{"idp_hint", "lindehof"}, ""},
		"at another":               {[]string{"acr_values", "idp:elders"}, ""},
		"as old as it is":          {[]string{"max_age", "660"}, ""},
		"younger":                  {[]string{"max_age", "300"}, "login_required"},
		"two factors, and younger": {[]string{"max_age", "300", "acr_values", twoFactor}, "login_required"},
	} {
		if got := silent(row.more...); got.Get("error") != row.want || row.want == "" && got.Get("code") == "" {
			t.Errorf("%s: %v", says, got)
		}
	}
	u.Clock.Later(61 * time.Minute)
	if got := silent(); got.Get("error") != "login_required" {
		t.Errorf("after the idle hour: %v", got)
	}
}

// Koppeltaal's authorisation service asks just this of a domain's provider: no PKCE, no nonce, a
// parameter that nobody knows, the secret in the body, and the person's identifier from the ID token.
func TestKoppeltaalsRequest(t *testing.T) {
	u := newUpstream(t)
	u.Declare(idptest.Demo{Parties: []string{
		"client_id: koppeltaal, auth: post, pkce: optional, " +
			"id_token_claims: [email, preferred_username], grant_types: [authorization_code]",
	}})
	u.answers(federation.Contract{}, map[string]any{}, since(0))
	v := visitor{u.signsIn(nil), t}
	u.connect(federation.Connection{ID: "lindehof"})
	ask := issuer + "/authorize?" + url.Values{
		"client_id": {"koppeltaal"}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"}, "state": {"kt"}, "login": {"true"}, "idp_hint": {"lindehof"},
	}.Encode()
	if got := u.asked(u.get(ask)).Ask.IDPHint; got != "lindehof" {
		t.Errorf("asked is %q", got)
	}
	q := v.open(ask)
	got := u.token(url.Values{
		"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {redirect}, "client_id": {"koppeltaal"}, "client_secret": {secretText},
	}, "")
	if got.Error != "" || q.Get("state") != "kt" {
		t.Fatalf("%+v, at %s", got, v.URL)
	}
	_, id := claimsOf(t, got.ID)
	if _, nonce := id["nonce"]; nonce || id["email"] != "anna@example.org" || id["aud"] != "koppeltaal" {
		t.Errorf("ID token %v", id)
	}
	// prompt, which it forwards, counts; a party that is not exempted may not leave PKCE out.
	v.MustOpen(t, ask+"&prompt=none")
	if v.URL.Query().Get("code") == "" {
		t.Errorf("prompt=none: %s", v.URL)
	}
	v.MustOpen(t, strings.Replace(ask, "client_id=koppeltaal", "client_id=post", 1))
	if v.URL.Query().Get("error") != "invalid_request" {
		t.Errorf("another party without PKCE: %s", v.URL)
	}
}
