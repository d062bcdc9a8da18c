package op_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

// withApp is a mobile app that is told all that is told of a sign-in, and whose tokens web may introspect. The platform
// has the name that docs/app.md prints.
const withApp = `platforms: [ { name: linde, organisation: GGZ Linde, parties: [ { client_id: app, type: native, mobile_app: true,
	scopes: [openid, profile], audience: [web], amr_details: true, redirect_uris: ["https://app.linde.test/callback"] } ] } ]`

// desk is a house with a mobile app and a browser in which anna is signed in.
type desk struct {
	caller
	anna    *account.Account
	session authn.Session
}

func newDesk(c caller) *desk {
	c.Helper()
	c.Apply(withApp)
	d := &desk{caller: c}
	c.Clock.Later(time.Second) // the account is not of the moment of its sign-in
	c.signIn(issuer)
	var err error
	if d.anna, err = c.DB.AccountByEmail(c.Context(), "linde", "anna@example.org"); err != nil {
		c.Fatal(err)
	}
	all, err := c.DB.Sessions(c.Context(), "linde", d.anna.ID, c.Now())
	if err != nil || len(all) == 0 {
		c.Fatalf("%d sessions: %v", len(all), err)
	}
	d.session = slices.MaxFunc(all, func(a, b authn.Session) int { return a.StartedAt.Compare(b.StartedAt) })
	return d
}

// code shows a QR code as the settings do, and is what it says.
func (d *desk) code() (reference string) {
	d.Helper()
	h, reference := grant.NewHandoff(&d.session, d.session.Proofs, "", d.Now())
	h.Reference = d.Sealer.Seal([]byte(reference), h.ReferenceBinding())
	m := grant.Make{Handoff: h, Hash: secret.Hash(reference), Follows: authn.Change{Platform: "linde"}}
	if err := d.DB.MakeHandoff(d.Context(), m, d.Now()); err != nil {
		d.Fatal(err)
	}
	return reference
}

// types gives the number that a phone shows, or another, as the settings do.
func (d *desk) types(id string, number int) {
	d.Helper()
	of := grant.HandoffID(id)
	_, _, err := d.DB.ConfirmHandoff(d.Context(), grant.Confirming{
		Platform: "linde", ID: of, Account: d.anna.ID, Session: d.session.ID, Now: d.Now(),
		Right: func(sealed []byte) (bool, error) {
			is, err := d.Sealer.Open(sealed, of.NumberBinding())
			return string(is) == strconv.Itoa(number), err
		},
		Events: func(bool, grant.HandoffEnd) []audit.Event { return nil },
	})
	if err != nil {
		d.Fatal(err)
	}
}

// handset is a phone that sends what it is told to, and keeps what it got.
type handset struct {
	*desk
	key      prover
	nonce    string
	pinKey   []byte
	handoff  string
	number   int
	setup    string
	previous string // identifier of the proof of the newest request
}

// reply is an answer, whole.
type reply struct {
	status int
	header http.Header
	body   string
}

func (a reply) members(t testing.TB) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%q: %v", a.body, err)
	}
	return m
}

func (a reply) text(t testing.TB, name string) string {
	t.Helper()
	text, _ := a.members(t)[name].(string)
	return text
}

func newHandset(d *desk) *handset {
	return &handset{desk: d, key: newProver(d.caller), pinKey: secret.Bytes(grant.PINKeySize)}
}

// sends makes one request, whose form may need its proof.
func (h *handset) sends(method, path, token string, form func(jti, nonce string) url.Values) reply {
	h.Helper()
	h.previous = secret.ID()
	header := map[string]string{"DPoP": h.key.spoiled(func(claims map[string]any) {
		claims["jti"] = h.previous
		if h.nonce != "" {
			claims["nonce"] = h.nonce
		}
	}).proof(method, issuer+path, token)}
	if token != "" {
		header["Authorization"] = "DPoP " + token
	}
	res := h.send(method, issuer+path, form(h.previous, h.nonce).Encode(), header)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, strings.TrimSpace(string(body))}
}

// asks is sends, after a nonce was asked for.
func (h *handset) asks(method, path, token string, form func(jti, nonce string) url.Values) reply {
	h.Helper()
	a := h.sends(method, path, token, form)
	h.nonce = a.header.Get("DPoP-Nonce")
	if !strings.Contains(a.body+strings.Join(a.header.Values("WWW-Authenticate"), " "), "use_dpop_nonce") {
		return a
	}
	return h.sends(method, path, token, form)
}

func fixed(v url.Values) func(string, string) url.Values {
	return func(string, string) url.Values { return v }
}

func (h *handset) claims(reference string) reply {
	h.Helper()
	a := h.asks(http.MethodPost, "/app/handoff", "", fixed(url.Values{
		"client_id": {"app"}, "reference": {reference}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
		"device_name": {"Telefoon van Anna"},
	}))
	if a.status == http.StatusOK {
		m := a.members(h)
		number, _ := m["match_number"].(float64)
		h.handoff, h.number = a.text(h, "handoff_id"), int(number)
	}
	return a
}

func (h *handset) polls(more ...string) reply {
	h.Helper()
	form := url.Values{"grant_type": {grant.HandoffGrant}, "client_id": {"app"}, "handoff_id": {h.handoff}, "code_verifier": {verifier}}
	if len(more) > 0 {
		form.Set(more[0], more[1])
	}
	a := h.asks(http.MethodPost, "/token", "", fixed(form))
	if a.status == http.StatusOK {
		h.setup = a.text(h, "access_token")
	}
	return a
}

func (h *handset) chooses(key []byte) reply {
	h.Helper()
	return h.asks(http.MethodPut, "/app/pin", h.setup, fixed(url.Values{"pin_key": {base64.RawURLEncoding.EncodeToString(key)}}))
}

func (h *handset) enters(pinKey []byte) reply {
	h.Helper()
	return h.asks(http.MethodPost, "/token", "", func(jti, nonce string) url.Values {
		proof := grant.PINProof(pinKey, jti, nonce)
		return url.Values{"grant_type": {grant.PINGrant}, "client_id": {"app"}, "pin_proof": {base64.RawURLEncoding.EncodeToString(proof)}}
	})
}

// signsIn goes the whole way from a QR code to the PIN, with which it signs in.
func (h *handset) signsIn() reply {
	h.Helper()
	h.claims(h.code())
	h.types(h.handoff, h.number)
	h.Clock.Later(grant.PollEvery)
	h.polls()
	if a := h.chooses(h.pinKey); a.status != http.StatusNoContent {
		h.Fatalf("choosing a PIN: %d %s", a.status, a.body)
	}
	return h.enters(h.pinKey)
}

// The grant of a phone that came by a QR code keeps what was shown in the browser that let it in, and the event says it.
// Nobody else is told: neither an ID token, userinfo, an access token nor introspection.
func TestProofsOfAQRCodeAreKeptAndToldToNobody(t *testing.T) {
	for _, kind := range []string{"opaque", "jwt"} {
		d := newDesk(newCaller(t))
		d.declare("client_id: app, access_token: " + kind)
		h := newHandset(d)
		d.session.Proofs = append(d.session.Proofs, authn.Proof{
			Method: "totp", Use: account.Second, Kinds: authn.Has, AMR: []string{"otp"}, At: d.Now(), Journey: secret.ID(), Issuer: "https://upstream.test",
		})
		made := d.Now().Unix()
		d.Clock.Later(time.Minute)
		got := h.signsIn()
		id, _ := grant.IDOf(got.text(t, "refresh_token"))
		g, _, err := d.DB.Grant(t.Context(), "linde", id, d.Now())
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Proofs) != 1 || g.Proofs[0].Method != authn.PIN || g.Proofs[0].Device == nil {
			t.Fatalf("proofs of the grant: %+v", g.Proofs)
		}
		kept := g.Proofs[0].Device.Proofs
		if len(kept) != 2 {
			t.Fatalf("kept: %+v", kept)
		}
		for i, want := range d.session.Proofs {
			if want.Source = "qr"; kept[i].Method != want.Method || kept[i].Journey != want.Journey || kept[i].Source != "qr" || !kept[i].At.Equal(want.At) {
				t.Errorf("kept %+v, want %+v", kept[i], want)
			}
		}
		all, err := d.DB.EventsOf(t.Context(), "linde", d.anna.ID, 100)
		i := slices.IndexFunc(all, func(e audit.Event) bool { return e.Kind == audit.DeviceAdded })
		if err != nil || i < 0 || all[i].Reason != "qr password totp" {
			t.Errorf("event %+v, %v", all, err)
		}

		access := got.text(t, "access_token")
		info := h.asks(http.MethodGet, "/userinfo", access, fixed(nil))
		seen := h.send(http.MethodPost, issuer+"/introspect", "token="+access, basicOf("web", secretText))
		introspected, err := io.ReadAll(seen.Body)
		if err != nil || info.status != http.StatusOK || !strings.Contains(string(introspected), `"active":true`) {
			t.Fatalf("userinfo %d, introspected %s, %v", info.status, introspected, err)
		}
		told := map[string]string{"answer": got.body, "userinfo": info.body, "introspection": string(introspected)}
		for what, token := range map[string]string{"ID token": got.text(t, "id_token"), "access token": access} {
			if parts := strings.Split(token, "."); len(parts) == 3 {
				payload, err := base64.RawURLEncoding.DecodeString(parts[1])
				if err != nil {
					t.Fatal(err)
				}
				told[what] = string(payload)
			}
		}
		if len(told) != map[string]int{"opaque": 4, "jwt": 5}[kind] || !strings.Contains(told["ID token"], `"way":"qr"`) {
			t.Errorf("%s: %v", kind, told)
		}
		for what, text := range told {
			for _, secret := range []string{`"password"`, `"totp"`, `"otp"`, `"pwd"`, "upstream", "proofs", "journey", kept[1].Journey, strconv.FormatInt(made, 10)} {
				if strings.Contains(text, secret) {
					t.Errorf("%s, %s: %q is told: %s", kind, what, secret, text)
				}
			}
		}
	}
}

// A PIN says the level that its device has when it is taken: where somebody signs in on the device in the middle of it, it is
// not taken, and the app sends it again.
func TestPINOfADeviceThatIsRenewedMeanwhile(t *testing.T) {
	for _, at := range []string{"SET tries = tries + 1", "BEGIN"} { // when it is counted; when it is accepted
		var renew func()
		db, held := idptest.SQLiteHeld(t, func(text string) {
			if do := renew; do != nil && strings.Contains(text, at) {
				renew = nil
				do()
			}
		})
		h := newHandset(newDesk(callerOn(t, held)))
		if got := h.signsIn(); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		renew = func() {
			_, err := db.SQL().ExecContext(t.Context(), "UPDATE app_devices SET level = $1, setup_hash = $2", string(authn.TwoFactor), secret.Bytes(32))
			if err != nil {
				t.Error(err)
			}
		}
		if got := h.enters(h.pinKey); got.status != http.StatusBadRequest || got.text(t, "error") != "slow_down" {
			t.Errorf("%s: %d %s", at, got.status, got.body)
		}
		if renew != nil {
			t.Fatalf("%s: not seen", at)
		}
		h.Clock.Later(grant.ComparingLife)
		got := h.enters(h.pinKey)
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(got.text(t, "id_token")+"..", ".")[1])
		if err != nil || !strings.Contains(string(payload), string(authn.TwoFactor)) {
			t.Errorf("%s: %d %s, %s", at, got.status, got.body, payload)
		}
	}
}

// printed is what docs/app.md prints as an answer: a status, headers and a body, in which … stands for any text.
type printed struct {
	status int
	header map[string]string
	body   string
}

// pageAnswer is the answer that docs/app.md prints to a request, such as "POST /token", that has a text in it.
func pageAnswer(t testing.TB, request, has string) printed {
	t.Helper()
	text, err := os.ReadFile("../docs/app.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```http\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		asked, answer, ok := strings.Cut(block[1], "\n\nHTTP/1.1 ")
		if !ok || !strings.HasPrefix(asked, request+" HTTP/1.1\n") || !strings.Contains(asked, has) {
			continue
		}
		head, body, _ := strings.Cut(answer, "\n\n")
		lines := strings.Split(strings.TrimSpace(head), "\n")
		p := printed{header: map[string]string{}, body: strings.TrimSpace(body)}
		if p.status, err = strconv.Atoi(lines[0][:3]); err != nil {
			t.Fatal(err)
		}
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ": ")
			p.header[name] = value
		}
		return p
	}
	t.Fatalf("docs/app.md prints no answer to %s with %q", request, has)
	return printed{}
}

// matches reports whether a text is the printed one.
func matches(text, printed string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(printed), "…", `[^"\s]+`) + "$").MatchString(text)
}

// wants compares an answer with what the page prints; the number of a phone is another one each time.
func (h *handset) wants(what string, got reply, want printed) {
	h.Helper()
	want.body = strings.ReplaceAll(want.body, `"match_number":42`, `"match_number":`+strconv.Itoa(h.number))
	if got.status != want.status || !matches(got.body, want.body) {
		h.Errorf("%s: %d %s\nwant %d %s", what, got.status, got.body, want.status, want.body)
	}
	for name, value := range want.header {
		if !matches(got.header.Get(name), value) {
			h.Errorf("%s: %s %q, want %s", what, name, got.header.Get(name), value)
		}
	}
	h.headed(what, got)
}

// headed wants what every answer to a request with a proof has.
func (h *handset) headed(what string, got reply) {
	h.Helper()
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("DPoP-Nonce") == "" || len(got.header.Values("DPoP-Nonce")) != 1 {
		h.Errorf("%s: headers %v", what, got.header)
	}
	if got.status == http.StatusNoContent && got.header.Get("Content-Type") != "" {
		h.Errorf("%s: nothing has the type %s", what, got.header.Get("Content-Type"))
	}
}

// said compares an error with what it says beside its description.
func (h *handset) said(what string, got reply, status int, body string) {
	h.Helper()
	m := got.members(h)
	if text, _ := m["error_description"].(string); text == "" {
		h.Errorf("%s: no description: %s", what, got.body)
	}
	delete(m, "error_description")
	rest, err := json.Marshal(m)
	if err != nil || got.status != status || string(rest) != body || got.header.Get("Content-Type") != "application/json" {
		h.Errorf("%s: %d %s, %v\nwant %d %s", what, got.status, got.body, got.header, status, body)
	}
	h.headed(what, got)
}

// An app is written after docs/app.md: what it prints as the answer of an endpoint is what the endpoint answers, byte for
// byte but for what is random.
func TestAnswersOfTheAppAreThoseOfItsPage(t *testing.T) {
	c := newCaller(t)
	d := newDesk(c)
	h := newHandset(d)
	form := fixed(url.Values{"client_id": {"app"}})

	got := h.sends(http.MethodPost, "/app/handoff", "", form)
	h.said("a claim without a nonce", got, http.StatusBadRequest, `{"error":"use_dpop_nonce"}`)
	got = h.sends(http.MethodPost, "/token", "", fixed(url.Values{"client_id": {"app"}, "grant_type": {grant.PINGrant}}))
	h.said("a PIN without a nonce", got, http.StatusBadRequest, `{"error":"use_dpop_nonce"}`)
	got = h.sends(http.MethodPut, "/app/pin", "idpst_x", fixed(url.Values{"pin_key": {"x"}}))
	h.said("choosing without a nonce", got, http.StatusUnauthorized, `{"error":"use_dpop_nonce"}`)
	if all := got.header.Values("WWW-Authenticate"); !slices.ContainsFunc(all, func(v string) bool {
		return strings.HasPrefix(v, "DPoP ") && strings.Contains(v, `error="use_dpop_nonce"`)
	}) {
		t.Errorf("challenges %q", all)
	}

	reference := d.code()
	h.wants("the claim", h.claims(reference), pageAnswer(t, "POST /app/handoff", "reference="))
	h.said("a second claim", h.claims(reference), http.StatusBadRequest, `{"error":"invalid_grant"}`)
	h.said("a poll that comes too early", pollTwice(h), http.StatusBadRequest, `{"error":"slow_down"}`)
	h.Clock.Later(10 * time.Second)
	pending := pageAnswer(t, "POST /token", "grant-type%3Ahandoff")
	h.said("a poll", h.polls(), pending.status, pending.body)
	d.types(h.handoff, h.number)
	h.Clock.Later(10 * time.Second)
	h.wants("the answer", h.polls(), pageAnswer(t, "POST /token", "grant_type=authorization_code"))
	h.said("a poll after the answer", h.polls(), http.StatusBadRequest, `{"error":"invalid_grant"}`)
	h.said("a PIN that was not chosen", h.enters(h.pinKey), http.StatusBadRequest,
		`{"acr_values":"urn:minddistrict:acr:1fa","error":"interaction_required"}`)

	chosen := pageAnswer(t, "PUT /app/pin", "pin_key=")
	h.wants("choosing", h.chooses(h.pinKey), chosen)
	h.wants("choosing the same again", h.chooses(h.pinKey), chosen)
	h.said("choosing another", h.chooses(secret.Bytes(grant.PINKeySize)), http.StatusUnauthorized, `{"error":"invalid_token"}`)
	entered := pageAnswer(t, "POST /token", "grant-type%3Apin")
	h.wants("the PIN", h.enters(h.pinKey), entered)
	wrong := secret.Bytes(grant.PINKeySize)
	for left := grant.MaxTries - 1; left > 0; left-- {
		h.said("a wrong PIN", h.enters(wrong), http.StatusBadRequest, `{"error":"invalid_grant","tries_left":`+strconv.Itoa(left)+`}`)
	}
	entered.body = strings.ReplaceAll(entered.body, `"wrong_before":0`, `"wrong_before":4`)
	h.wants("the PIN after wrong ones", h.enters(h.pinKey), entered)
	for range grant.MaxTries - 1 {
		h.enters(wrong)
	}
	h.said("the last wrong PIN", h.enters(wrong), http.StatusBadRequest, `{"device_removed":true,"error":"invalid_grant","tries_left":0}`)
	h.said("a PIN without a device", h.enters(h.pinKey), http.StatusBadRequest, `{"device_removed":true,"error":"invalid_grant"}`)

	for name, row := range map[string]struct {
		happens func()
		want    string
		more    []string
	}{
		"stopped on the phone":    {func() {}, "access_denied", []string{"stop", "true"}},
		"over":                    {func() { h.Clock.Later(grant.ClaimLife) }, "expired_token", nil},
		"two wrong numbers":       {func() { d.types(h.handoff, 0); d.types(h.handoff, 0) }, "access_denied", nil},
		"a newer code on the web": {func() { d.code() }, "invalid_grant", nil},
	} {
		if claimed := h.claims(d.code()); claimed.status != http.StatusOK {
			t.Fatalf("%s: %s", name, claimed.body)
		}
		h.Clock.Later(grant.PollEvery)
		row.happens()
		h.said(name, h.polls(row.more...), http.StatusBadRequest, `{"error":"`+row.want+`"}`)
	}
}

// pollTwice is the answer to the second of two polls in a moment.
func pollTwice(h *handset) reply {
	h.Helper()
	h.Clock.Later(grant.PollEvery)
	h.polls()
	return h.polls()
}
