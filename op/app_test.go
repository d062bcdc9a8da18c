package op_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
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

// appHouse is a house with a mobile app that is told all that is told of a sign-in, and whose tokens web may introspect.
var appHouse = strings.NewReplacer("    accounts:\n", `      - { client_id: app, type: native, mobile_app: true, scopes: [openid, profile], audience: [web], amr_details: true, redirect_uris: ["https://app.linde.test/callback"] }
    accounts:
`, "GGZ De Linde", "GGZ Linde").Replace(house)

// desk is a house with a mobile app and a browser in which anna is signed in.
type desk struct {
	caller
	anna    *account.Account
	session authn.Session
}

func newDesk(c caller, file string) *desk {
	c.Helper()
	c.Apply(file)
	d := &desk{caller: c}
	c.Clock.Later(time.Second) // the account is not of the moment of its sign-in
	c.signIn(issuer)
	var err error
	if d.anna, err = c.DB.AccountByEmail(c.Context(), "linde", "anna@example.org"); err != nil {
		c.Fatal(err)
	}
	all, err := c.DB.Sessions(c.Context(), "linde", d.anna.ID, c.Now())
	if err != nil || len(all) != 1 {
		c.Fatalf("%d sessions: %v", len(all), err)
	}
	d.session = all[0]
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
		d := newDesk(newCaller(t), strings.Replace(appHouse, "audience: [web]", "audience: [web], access_token: "+kind, 1))
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
		s := idptest.NewServer(t, held)
		h := newHandset(newDesk(caller{t, s}, appHouse))
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
