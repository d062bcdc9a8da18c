package oidc_test

import (
	"crypto/rsa"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/upstream/oidc"
)

const (
	theirIssuer = "https://login.lindehof.test"
	twoFactor   = "urn:minddistrict:acr:2fa"
)

// theirHouse is one of ours that is an organisation's.
var theirHouse = idptest.Demo{
	Name: "lindehof", Issuer: theirIssuer,
	Policy: "second_factor: { client: {demand: off}, staff: {demand: optional} }, code_methods: [totp]",
	Parties: []string{
		`client_id: secret, backchannel_logout_uri: "https://login.linde.test/out", ` + toTheirBack,
		"client_id: post, auth: post, id_token_alg: PS256, " + toTheirBack,
		`client_id: key, auth: private_key_jwt, jwks_uri: "https://login.linde.test/keys", id_token_alg: EdDSA, ` + toTheirBack,
	},
	Accounts: []string{
		"email: anna@lindehof.test, totp_secret: " + idptest.TOTPSecret,
		"email: bram@lindehof.test, name: { given: Bram, family: Bakker }",
	},
}

// theirs is a house of ours as the upstream, and what comes back from it.
type theirs struct {
	*idptest.Server
	*oidc.Upstream
	t    *testing.T
	who  string // signs in there
	c    *federation.Connection
	back *http.Request // the last authorization response
	out  *http.Request // the last logout token
}

func newTheirs(t *testing.T, client string, auth federation.OIDCAuth) *theirs {
	th := &theirs{t: t, who: "bram@lindehof.test", Server: idptest.NewServer(t, idptest.SQLite(t))}
	th.Declare(theirHouse)
	th.Upstream = oidc.New(oidc.Options{
		Client: th.Client(), Open: th.Sealer.Open, Now: th.Clock.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	th.c = &federation.Connection{
		Platform: "linde", ID: "lindehof", Kind: federation.OIDC, Key: federation.KeyRule{By: federation.BySubject},
		OIDC: federation.OIDCSettings{Issuer: theirIssuer, ClientID: client, Auth: auth},
		Contract: federation.Contract{Counts: true, Rows: []federation.ContractRow{
			{Claim: federation.ByACR, Value: twoFactor, ACR: authn.TwoFactor, AMR: []string{"otp"}},
		}},
	}
	if auth == federation.PrivateKeyJWT {
		keyed(t, th.c, signs, next)
	} else {
		th.c.Secret = th.Sealer.Seal([]byte(idptest.PartySecret), th.c.Binding("secret"))
	}
	th.Site("login.linde.test", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/back":
			th.back = r
		case "/out":
			_ = r.ParseForm() // Ended looks at it
			th.out = r
		case "/keys":
			text, err := th.JWKS(th.c)
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(text)
		}
	}))
	return th
}

const (
	theirBack   = "https://login.linde.test/back"
	toTheirBack = `redirect_uris: ["` + theirBack + `"]`
)

func (th *theirs) request(fresh, two bool) federation.UpstreamRequest {
	t := federation.NewUpstreamRequest(th.Sealer.MAC, th.c.Platform, th.c.ID, secret.ID(), fresh, false, th.Clock.Now())
	t.TwoFactors, t.LoginHint, t.Locale = two, th.who, "en"
	return t
}

// leave sends a browser away. It is back, or at a page.
func (th *theirs) leave(b *idptest.Browser, request federation.UpstreamRequest) {
	th.t.Helper()
	th.back = nil
	a, err := th.SignInRedirect(th.t.Context(), th.c, request, theirBack)
	if err != nil {
		th.t.Fatal(err)
	}
	if a.Form == nil {
		b.MustOpen(th.t, a.URL)
	}
}

func (th *theirs) password(b *idptest.Browser) {
	th.t.Helper()
	if b.Value("email") == "" && b.Fill("Email address", th.who) != nil {
		th.t.Fatalf("no field for the address:\n%s", idptest.Visible(b.Doc))
	}
	b.MustFill(th.t, "Password", idptest.Password)
	b.MustPress(th.t, "Log in")
}

// signsIn sends a new browser there, in which somebody gives the password.
func (th *theirs) signsIn() (*idptest.Browser, federation.UpstreamRequest) {
	th.t.Helper()
	b, request := idptest.NewBrowser(th.Server, "en"), th.request(false, false)
	th.leave(b, request)
	th.password(b)
	return b, request
}

func (th *theirs) code(b *idptest.Browser) {
	th.t.Helper()
	b.MustFill(th.t, "Code", idptest.Code(th.t, idptest.TOTPSecret, th.Clock.Now()))
	b.MustPress(th.t, "Continue")
}

// answered is what the upstream says of who came back.
func (th *theirs) answered(request federation.UpstreamRequest) federation.Answer {
	th.t.Helper()
	if th.back == nil {
		th.t.Fatal("the browser is not back")
	}
	a, err := th.Answer(th.t.Context(), th.c, request, theirBack, th.back)
	if err != nil {
		th.t.Fatal(err)
	}
	return a
}

func amr(a federation.Answer) (all []string) {
	list, _ := a.Claims["amr"].([]any)
	for _, v := range list {
		s, _ := v.(string)
		all = append(all, s)
	}
	return all
}

// One of our own houses is an upstream like any other, however we prove ourselves there.
func TestOurOwnHouseAsTheUpstream(t *testing.T) {
	for client, auth := range map[string]federation.OIDCAuth{
		"secret": federation.SecretBasic, "post": federation.SecretPost, "key": federation.PrivateKeyJWT,
	} {
		for _, form := range []bool{false, true} {
			t.Run(client, func(t *testing.T) {
				th := newTheirs(t, client, auth)
				th.c.OIDC.FormPost = form
				b, request := th.signsIn()
				if form {
					b.MustPress(t, "Continue to lindehof")
				}
				if th.back == nil || form != (th.back.Method == http.MethodPost) {
					t.Fatalf("at %s: %+v", b.URL, th.back)
				}
				a := th.answered(request)
				if a.Issuer != theirIssuer || a.Subject == "" || a.Session == "" || !a.AuthTime.Equal(th.Clock.Now()) ||
					request.Stale(a) {
					t.Errorf("%+v", a)
				}
				for name, want := range map[string]any{
					"email": "bram@lindehof.test", "email_verified": true, "given_name": "Bram", "family_name": "Bakker",
				} {
					if a.Claims[name] != want {
						t.Errorf("%s: %v, want %v", name, a.Claims[name], want)
					}
				}
				if !slices.Equal(amr(a), []string{"pwd"}) {
					t.Errorf("amr %v", a.Claims["amr"])
				}
				if kinds, _ := th.c.Contract.Level(a, th.Clock.Now()); kinds != authn.Knows {
					t.Errorf("counts for %v", kinds)
				}
				// The code works once, and of another request never.
				_, err := th.Answer(t.Context(), th.c, request, theirBack, th.back)
				refused(t, err, federation.Replayed, "invalid_grant")
				if form {
					return
				}
				other := th.request(false, false)
				th.leave(b, other)
				_, err = th.Answer(t.Context(), th.c, request, theirBack, th.back)
				refused(t, err, federation.Unsolicited)
				q := th.back.URL.Query()
				q.Set("state", request.State)
				r := httptest.NewRequest(http.MethodGet, theirBack+"?"+q.Encode(), nil)
				_, err = th.Answer(t.Context(), th.c, request, theirBack, r) // the proof key is another
				refused(t, err, federation.Replayed, "invalid_grant")
			})
		}
	}
}

// Whoever is signed in there is asked again where that is wanted, and for two factors where the contract counts them.
func TestFreshAndTwoFactorsAreAsked(t *testing.T) {
	th := newTheirs(t, "secret", federation.SecretBasic)
	b, first := th.signsIn()
	began := th.answered(first)
	th.Clock.Later(20 * time.Minute)

	known := th.request(false, false)
	th.leave(b, known) // no page: it still knows the person
	if a := th.answered(known); !a.AuthTime.Equal(began.AuthTime) || known.Stale(a) {
		t.Errorf("signed in at %s, first at %s", a.AuthTime, began.AuthTime)
	}
	fresh := th.request(true, false)
	th.leave(b, fresh)
	if th.back != nil {
		t.Fatal("nothing was asked")
	}
	b.MustFill(t, "Password", idptest.Password)
	b.MustPress(t, "Continue")
	if a := th.answered(fresh); fresh.Stale(a) || !a.AuthTime.Equal(th.Clock.Now()) {
		t.Errorf("signed in at %s, it is %s", a.AuthTime, th.Clock.Now())
	}
	// An upstream that ignores what was asked is found out.
	th.Clock.Later(20 * time.Minute)
	stale := th.request(false, false)
	th.leave(b, stale)
	stale.Fresh = true
	if a := th.answered(stale); !stale.Stale(a) {
		t.Error("old is fresh")
	}
	th.who = "anna@lindehof.test"
	b = idptest.NewBrowser(th.Server, "en")
	two := th.request(false, true)
	th.leave(b, two)
	th.password(b)
	th.code(b)
	a := th.answered(two)
	if a.Claims["acr"] != twoFactor || !slices.Contains(amr(a), "otp") {
		t.Errorf("acr %v, amr %v", a.Claims["acr"], a.Claims["amr"])
	}
	if kinds, amr := th.c.Contract.Level(a, th.Clock.Now()); kinds != authn.Knows|authn.Has || !slices.Equal(amr,
		[]string{"otp"}) {
		t.Errorf("counts for %v, %v", kinds, amr)
	}
}

// What goes wrong there has a reason here.
func TestWhatOurOwnHouseRefuses(t *testing.T) {
	th := newTheirs(t, "secret", federation.SecretBasic)
	_, request := th.signsIn()
	right := th.c.Secret
	th.c.Secret = th.Sealer.Seal([]byte("another"), th.c.Binding("secret"))
	_, err := th.Answer(t.Context(), th.c, request, theirBack, th.back)
	refused(t, err, federation.Misconfigured, "invalid_client")
	th.c.Secret = right
	_, err = th.Answer(t.Context(), th.c, request, theirBack+"2", th.back)
	refused(t, err, federation.Replayed, "invalid_grant")
	// Its answers say who it is: one without that is another's.
	q := th.back.URL.Query()
	q.Del("iss")
	_, err = th.Answer(t.Context(), th.c, request, theirBack, httptest.NewRequest(http.MethodGet, theirBack+"?"+q.Encode(),
		nil))
	refused(t, err, federation.BadAudience, "iss")
	th.c.OIDC.Issuer += "/"
	_, err = th.SignInRedirect(t.Context(), th.c, request, theirBack)
	refused(t, err, federation.Misconfigured, "issuer")
	silent := url.Values{"error": {"login_required"}, "state": {request.State}, "iss": {theirIssuer}}
	th.c.OIDC.Issuer = theirIssuer
	r := httptest.NewRequest(http.MethodGet, theirBack+"?"+silent.Encode(), nil)
	_, err = th.Answer(t.Context(), th.c, request, theirBack, r)
	refused(t, err, federation.Interaction, "login_required")
}

// When the session there ends, it tells us, and a key that is new is taken over before it signs.
func TestOurOwnHouseTellsOfLogouts(t *testing.T) {
	th := newTheirs(t, "secret", federation.SecretBasic)
	b, request := th.signsIn()
	a := th.answered(request)
	b.MustOpen(t, theirIssuer+"/logout?client_id=secret")
	b.MustPress(t, "Yes, log out")
	if err := th.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if th.out == nil {
		t.Fatalf("nothing was told, at %s:\n%s", b.URL, idptest.Visible(b.Doc))
	}
	ended, err := th.Ended(t.Context(), th.c, th.out)
	if err != nil {
		t.Fatal(err)
	}
	if ended.Subject != a.Subject || !slices.Equal(ended.Sessions, []string{a.Session}) || ended.ID == "" ||
		ended.Until.Before(th.Clock.Now()) {
		t.Errorf("%+v, want session %s of %s", ended, a.Session, a.Subject)
	}
	if strings.Contains(th.out.URL.String(), "logout_token") {
		t.Error("the token is in the address")
	}
	th.c.OIDC.ClientID = "post" // it is for one party
	_, err = th.Ended(t.Context(), th.c, th.out)
	refused(t, err, federation.BadAudience, "aud")
}

// A connection's next key is known there before it signs.
func TestKeysAreChangedWithoutAGap(t *testing.T) {
	th := newTheirs(t, "key", federation.PrivateKeyJWT)
	b, request := th.signsIn()
	th.answered(request)
	for _, keys := range [][]func() *rsa.PrivateKey{{next, signs}, {next}} {
		keyed(t, th.c, keys...)
		request := th.request(false, false)
		th.leave(b, request)
		th.answered(request)
	}
	keyed(t, th.c, own) // one that was never published
	th.Site("login.linde.test", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { th.back = r }))
	request = th.request(false, false)
	th.leave(b, request)
	_, err := th.Answer(t.Context(), th.c, request, theirBack, th.back)
	refused(t, err, federation.Misconfigured, "invalid_client")
}
