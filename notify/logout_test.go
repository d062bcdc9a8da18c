package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// receiver is where a party is told, over a real connection.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex // guards what follows
	tokens []string
	answer func(http.ResponseWriter, *http.Request) // nil: 200
}

func newReceiver(t *testing.T) *receiver {
	rec := &receiver{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.URL.RawQuery != "at=linde" {
			t.Errorf("%s %s, %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		_ = r.ParseForm()
		rec.mu.Lock()
		rec.tokens = append(rec.tokens, r.PostForm.Get("logout_token"))
		answer := rec.answer
		rec.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(rec.Close)
	return rec
}

// answers changes what comes back from now on.
func (r *receiver) answers(answer func(http.ResponseWriter, *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere?at=linde")
		w.WriteHeader(code)
	}
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.tokens...)
}

// loopback is an operator who allows parties on this machine.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// telling is another house on the same database, whose client is the real one.
func telling(t *testing.T, s *idptest.Server, allow []netip.Prefix) *wire.House {
	t.Helper()
	return s.Another(func(o *wire.Options) { o.Outbound = outbound.NewClient(allow) })
}

// told is a platform with a party that is told at an address.
func told(t *testing.T, s *idptest.Server, party, address, more string) {
	t.Helper()
	s.Apply(fmt.Sprintf(`platforms: [ { name: linde, parties: [ { client_id: %s, secret: %s,
		redirect_uris: ["https://%[1]s.test/cb"], backchannel_logout_uri: "%[3]s"%[4]s } ] } ]`, party, idptest.PartySecret, address, more))
}

// signedIn lets anna have a session with grants of parties. It returns the last of them.
func signedIn(t *testing.T, s *idptest.Server, parties ...string) (session authn.Session, party grant.Party) {
	t.Helper()
	ctx, now := t.Context(), s.Clock.Now()
	a, err := s.DB.AccountByEmail(ctx, "linde", "anna@example.org")
	if err != nil {
		t.Fatal(err)
	}
	proofs := []authn.Proof{{Method: "password", Use: account.Primary, Kinds: authn.Knows, AMR: []string{"pwd"}, At: now}}
	session = authn.NewSession(secret.ID(), a, authn.Browser, proofs, platform.DefaultPolicy(), now)
	start := authn.Change{Start: &authn.SessionStart{Session: session, Cookie: secret.Hash(secret.Token())}}
	if err := s.DB.SaveChange(ctx, start, now); err != nil {
		t.Fatal(err)
	}
	for _, id := range parties {
		party = grant.Party{ID: grant.PartyID(id), Platform: "linde"}
		g, code := grant.New(&grant.AuthRequest{Platform: "linde", Party: party.ID, RedirectURI: "https://rp.test/cb", Scopes: []string{"openid"}}, &session, &party, now)
		if err := s.DB.Answer(ctx, grant.Answered{}, g); err != nil {
			t.Fatal(err)
		}
		_, err := s.DB.Redeem(ctx, grant.Redemption{
			Platform: "linde", Party: party.ID, Grant: g.ID, CodeHash: secret.Hash(code), RedirectURI: "https://rp.test/cb", Now: now,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return session, party
}

// signedOut lets anna have a session with grants of parties, and ends it. It returns the messages, in the parties' order.
func signedOut(t *testing.T, s *idptest.Server, parties ...string) (all []outbox.Message) {
	t.Helper()
	session, _ := signedIn(t, s, parties...)
	now := s.Clock.Now()
	e := audit.Event{
		At: now, Platform: "linde", Kind: audit.SessionEnded, Actor: string(session.Account), Account: session.Account, Session: session.ID, Outcome: audit.Success,
	}
	if err := s.DB.EndSession(t.Context(), "linde", session.ID, e, now); err != nil {
		t.Fatal(err)
	}
	for _, id := range parties {
		all = append(all, ended(t, s, "logout."+session.ID+"."+id))
	}
	return all
}

// webIsTold is a receiver that answers so for the party web, a house that tells it, and the message of a session that
// ended.
func webIsTold(t *testing.T, s *idptest.Server, answer http.HandlerFunc) (*receiver, *wire.House, outbox.Message) {
	t.Helper()
	rec := newReceiver(t)
	rec.answers(answer)
	told(t, s, "web", rec.URL+"/out?at=linde", "")
	return rec, telling(t, s, loopback), signedOut(t, s, "web")[0]
}

// verified checks a logout token as OpenID Connect Back-Channel Logout 1.0 section 2.6 says, with the published keys.
func verified(t *testing.T, s *idptest.Server, token, alg string) (kid string, claims map[string]any) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Get("https://login.linde.test/keys")
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	header := jws.Signatures[0].Protected
	payload, err := jws.Verify(&set)
	if err != nil || header.ExtraHeaders["typ"] != "logout+jwt" {
		t.Fatalf("%v, header %+v", err, header)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return header.KeyID, claims
}

func TestLogoutTokenSaysWhatThePartyKnows(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec := newReceiver(t)
		told(t, s, "plain", rec.URL+"/out?at=linde", "")
		told(t, s, "hidden", rec.URL+"/out?at=linde", ", subject_type: pairwise, id_token_alg: EdDSA")
		house := telling(t, s, loopback)
		messages := signedOut(t, s, "plain", "hidden")
		deliver(t, house)
		for _, m := range messages {
			wantEnd(t, s, m.ID, outbox.Sent, "")
		}
		if len(rec.got()) != 2 {
			t.Fatalf("got %d tokens", len(rec.got()))
		}
		parties, err := s.DB.Parties(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.DB.Platforms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen, ids := map[any]bool{}, map[any]bool{}
		for _, party := range parties {
			for _, token := range rec.got() {
				var audience struct {
					Audience string `json:"aud"`
				}
				raw, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{"RS256", "EdDSA"})
				if err == nil {
					err = json.Unmarshal(raw.UnsafePayloadWithoutVerification(), &audience)
				}
				if err != nil {
					t.Fatal(err)
				}
				if audience.Audience != string(party.ID) {
					continue
				}
				_, claims := verified(t, s, token, party.IDTokenAlg)
				ids[claims["jti"]] = true
				delete(claims, "jti")
				now := float64(s.Clock.Now().Unix())
				want := map[string]any{
					"iss": "https://login.linde.test", "aud": string(party.ID), "iat": now, "exp": now + 120,
					"sub": party.Subject(messages[0].Account, all[0].Salt), "sid": party.Session(messages[0].Session, all[0].Salt),
					"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
				}
				if fmt.Sprint(claims) != fmt.Sprint(want) {
					t.Errorf("%s:\n got %v\nwant %v", party.ID, claims, want)
				}
				seen[claims["sub"]], seen[claims["sid"]] = true, true
			}
		}
		if len(seen) != 4 || len(ids) != 2 {
			t.Errorf("subjects and sessions %v, identifiers %v", seen, ids)
		}
	})
}

func TestPartyThatDoesNotTakeALogoutIsAskedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec := newReceiver(t)
		told(t, s, "web", rec.URL+"/out?at=linde", "")
		house := telling(t, s, loopback)
		for code, reason := range map[int]string{302: "302", 500: "500", 201: "201", 404: "404", 401: "401"} {
			rec.answers(status(code))
			m := signedOut(t, s, "web")[0]
			before := len(rec.got())
			deliver(t, house)
			wantEnd(t, s, m.ID, "", reason)
			if n := len(rec.got()) - before; n != 1 { // a redirect would be a second one
				t.Errorf("%d: asked %d times", code, n)
			}
			rec.answers(status(http.StatusNoContent))
			s.Clock.Later(time.Second)
			deliver(t, house)
			wantEnd(t, s, m.ID, outbox.Sent, "")
		}
	})
}

func TestLogoutIsTriedSevenTimesInSevenHours(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec, house, m := webIsTold(t, s, status(http.StatusServiceUnavailable))
		begun := s.Clock.Now()
		var at []time.Duration
		for _, pause := range []time.Duration{0, time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour, 6 * time.Hour, time.Hour} {
			s.Clock.Later(max(0, pause-time.Millisecond))
			deliver(t, house)
			if n := len(rec.got()); pause > 0 && n != len(at) {
				t.Errorf("tried %d times before %s", n, pause)
			}
			s.Clock.Later(min(pause, time.Millisecond))
			deliver(t, house)
			for range len(rec.got()) - len(at) {
				at = append(at, s.Clock.Now().Sub(begun))
			}
		}
		if got := fmt.Sprint(at); got != "[0s 1s 6s 36s 5m36s 1h5m36s 7h5m36s]" {
			t.Errorf("tried at %s", got)
		}
		wantEnd(t, s, m.ID, outbox.GaveUp, "503")
	})
}

func TestPartyThatRefusesALogoutIsToldOfAndNotAskedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec := newReceiver(t)
		rec.answers(status(http.StatusBadRequest))
		told(t, s, "web", rec.URL+"/out?at=linde", "")
		log := &idptest.LogBook{}
		house := s.Another(func(o *wire.Options) {
			o.Log, o.Outbound = slog.New(slog.NewTextHandler(log, nil)), outbound.NewClient(loopback)
		})
		m := signedOut(t, s, "web")[0]
		s.Clock.Later(time.Second)
		for range 3 {
			deliver(t, house)
			s.Clock.Later(time.Hour)
		}
		wantEnd(t, s, m.ID, outbox.Refused, "400")
		if n := len(rec.got()); n != 1 {
			t.Errorf("asked %d times", n)
		}
		if got := log.String(); !strings.Contains(got, `msg="a party does not know that a session ended" platform=linde party=web outcome=refused reason=400`) {
			t.Errorf("log: %s", got)
		}
		events, err := s.DB.Events(t.Context(), "linde", 1)
		if err != nil || len(events) != 1 {
			t.Fatal(events, err)
		}
		if e := events[0]; e.Kind != audit.MessageSettled || e.Party != "web" || e.Session != m.Session || e.Account != m.Account ||
			e.Outcome != audit.Failure || e.Reason != "url_logout refused" {
			t.Errorf("on record: %+v", e)
		}
	})
}

// The answer is lost: the party hears of it again, by a token of its own.
func TestLogoutWhoseAnswerIsLostIsSentAgain(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec, house, m := webIsTold(t, s, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		})
		deliver(t, house)
		wantEnd(t, s, m.ID, "", "no answer")
		rec.answers(nil)
		s.Clock.Later(10 * time.Second)
		deliver(t, house)
		wantEnd(t, s, m.ID, outbox.Sent, "")
		got := rec.got()
		if len(got) != 2 {
			t.Fatalf("got %d tokens", len(got))
		}
		_, first := verified(t, s, got[0], "RS256")
		_, second := verified(t, s, got[1], "RS256")
		if first["jti"] == second["jti"] || second["iat"] != first["iat"].(float64)+10 || second["exp"] != first["exp"].(float64)+10 {
			t.Errorf("the same token twice: %v, %v", first, second)
		}
	})
}

func TestLogoutIsSignedWithTheKeyOfTheAttempt(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec, house, _ := webIsTold(t, s, status(http.StatusInternalServerError))
		deliver(t, house)
		told(t, s, "web", rec.URL+"/out?at=linde", ", id_token_alg: ES256") // another key, and its algorithm
		if err := house.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Clock.Later(time.Second)
		rec.answers(nil)
		deliver(t, house)
		got := rec.got()
		if len(got) != 2 {
			t.Fatalf("got %d tokens", len(got))
		}
		before, _ := verified(t, s, got[0], "RS256")
		after, _ := verified(t, s, got[1], "ES256")
		if before == after {
			t.Errorf("both signed with %s", before)
		}
	})
}

// A key that somebody else may have is replaced between two attempts: what was signed with it verifies no more, and the
// next attempt is signed with the new one.
func TestLogoutIsSignedAnewWhenItsKeyWasReplaced(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec, house, m := webIsTold(t, s, status(http.StatusInternalServerError))
		deliver(t, house)
		before, _ := verified(t, s, rec.got()[0], "RS256")
		s.Clock.Later(time.Second)
		_, err := s.Tools().Acts().RotateKey(t.Context(), "linde", func(existing []keys.Key, now time.Time) ([]keys.Key, error) {
			return keys.Replace(existing, "linde", "RS256", s.Sealer, now)
		})
		if err == nil {
			err = errors.Join(house.Refresh(t.Context()), s.House.Refresh(t.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
		rec.answers(nil)
		deliver(t, house)
		wantEnd(t, s, m.ID, outbox.Sent, "")
		if after, _ := verified(t, s, rec.got()[1], "RS256"); after == before {
			t.Errorf("both signed with %s", before)
		}
	})
}

// A party that was disabled meanwhile may have people signed in all the same: it is told.
func TestDisabledPartyIsTold(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		_, house, m := webIsTold(t, s, nil)
		_, err := s.Tools().Acts().DisableParty(t.Context(), "linde", "web")
		if err == nil {
			err = house.Refresh(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		deliver(t, house)
		wantEnd(t, s, m.ID, outbox.Sent, "")
		after := signedOut(t, s, "web")[0]
		deliver(t, house)
		wantEnd(t, s, after.ID, outbox.Sent, "")
	})
}

func TestPartyThatIsNotToldAnyMoreKeepsNothingWaiting(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec, house, m := webIsTold(t, s, status(http.StatusInternalServerError))
		deliver(t, house)
		told(t, s, "web", "", "")
		if err := house.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Clock.Later(time.Second)
		deliver(t, house)
		wantEnd(t, s, m.ID, outbox.Refused, "no address")
		if n := len(rec.got()); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestPrivateAddressIsToldOnlyWhereTheOperatorAllowsIt(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		rec := newReceiver(t)
		told(t, s, "web", strings.Replace(rec.URL, "127.0.0.1", "localhost", 1)+"/out?at=linde", "")
		m := signedOut(t, s, "web")[0]
		deliver(t, telling(t, s, nil))
		wantEnd(t, s, m.ID, outbox.Refused, "not a public address")
		if n := len(rec.got()); n != 0 {
			t.Errorf("asked %d times", n)
		}
	})
}

// A party that takes 30 s for an answer is left after 5, and no other waits for it, nor do further sessions of others.
func TestSlowPartyDelaysNoOther(t *testing.T) { each(t, slowPartyDelaysNoOther) }

func slowPartyDelaysNoOther(t *testing.T, s *idptest.Server) {
	slow, quick, gone := newReceiver(t), newReceiver(t), make(chan struct{})
	slow.answers(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(30 * time.Second):
		case <-gone:
		}
	})
	defer close(gone)
	told(t, s, "slow", slow.URL+"/out?at=linde", "")
	told(t, s, "quick", quick.URL+"/out?at=linde", "")
	house := telling(t, s, loopback)
	var late []outbox.Message
	for range 6 {
		late = append(late, signedOut(t, s, "slow")...)
	}
	begun := time.Now()
	over := make(chan error, 1)
	go func() { over <- house.Deliver(context.WithoutCancel(t.Context())) }()
	for range 3 { // while the slow one is being asked
		m := signedOut(t, s, "quick")[0]
		for end := time.Now().Add(4 * time.Second); ended(t, s, m.ID).Outcome == ""; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the quick party waits for the slow one")
			}
		}
	}
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("six messages to a party that does not answer took %s", took)
	}
	for _, m := range late {
		wantEnd(t, s, m.ID, "", "no answer")
	}
	if n := len(quick.got()); n != 3 {
		t.Errorf("the quick party was told %d times", n)
	}
}

// TestThousandSessionsEndAtOnce lets two nodes tell four parties of a thousand sessions that end in the same moment: one
// answers at once, one with 204, one has troubles of all sorts, and one loses every second answer. What the outbox has on
// record is what the parties saw: each was told of each of its sessions, and of no other, and a receipt is an answer that
// said so.
func TestThousandSessionsEndAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		const sessions, parties = 1000, 4
		var seen crowd
		for i := range parties {
			rec := newReceiver(t)
			rec.answers(seen.answers(fmt.Sprintf("p%d", i), i))
			told(t, s, fmt.Sprintf("p%d", i), rec.URL+"/out?at=linde", "")
		}
		houses := []*wire.House{telling(t, s, loopback), telling(t, s, loopback)}
		platforms, err := s.DB.Platforms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		salt := platforms[0].Salt
		want := map[string]int{} // session, as the party calls it -> 1
		for i := range sessions {
			session, party := signedIn(t, s, fmt.Sprintf("p%d", i%parties))
			want[string(party.ID)+" "+party.Session(session.ID, salt)] = 1
		}
		a, err := s.DB.AccountByEmail(t.Context(), "linde", "anna@example.org")
		if err != nil {
			t.Fatal(err)
		}
		e := audit.Event{At: s.Clock.Now(), Platform: "linde", Kind: audit.AccountDeactivated, Actor: "operator", Account: a.ID, Outcome: audit.Success}
		if err := s.DB.SetState(t.Context(), "linde", a.ID, account.Deactivated, e, s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		for round := 0; seen.confirmed() < sessions; round++ {
			if round == 7 {
				t.Fatalf("%d of %d confirmed after seven attempts", seen.confirmed(), sessions)
			}
			var all sync.WaitGroup
			for _, house := range houses {
				all.Go(func() { deliver(t, house) })
			}
			all.Wait()
			s.Clock.Later(time.Hour)
		}
		messages, err := s.DB.Messages(t.Context(), "linde", 2*sessions)
		if err != nil {
			t.Fatal(err)
		}
		receipts := 0
		for _, m := range messages {
			if m.Outcome != outbox.Sent {
				t.Fatalf("%s ended as %q (%s)", m.ID, m.Outcome, m.Reason)
			}
			receipts++
		}
		if receipts != sessions {
			t.Errorf("%d receipts of %d sessions", receipts, sessions)
		}
		seen.mu.Lock()
		defer seen.mu.Unlock()
		if !maps.Equal(seen.yes, want) { // each once
			t.Errorf("parties confirmed %d sessions %d times, want %d", len(seen.yes), receipts, sessions)
		}
		if len(seen.told) != sessions || seen.lost == 0 {
			t.Errorf("told of %d sessions, %d answers were lost", len(seen.told), seen.lost)
		}
	})
}

// crowd is what parties saw together.
type crowd struct {
	mu   sync.Mutex     // guards what follows
	told map[string]int // party and session -> how often
	yes  map[string]int // the same, of those times that were answered with 200 or 204
	lost int            // answers
}

func (c *crowd) confirmed() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.yes)
}

// answers is how the party of a number answers: what it does with the first attempts of a session depends on how many it
// had before.
func (c *crowd) answers(party string, number int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		var claims struct {
			Session string `json:"sid"`
		}
		jws, err := jose.ParseSignedCompact(r.PostForm.Get("logout_token"), []jose.SignatureAlgorithm{jose.RS256})
		if err == nil {
			err = json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest) // seen: no receipt
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.told == nil {
			c.told, c.yes = map[string]int{}, map[string]int{}
		}
		key := party + " " + claims.Session
		c.told[key]++
		code := http.StatusOK
		switch {
		case number == 1:
			code = http.StatusNoContent
		case number == 2 && c.told[key] == 1:
			code = []int{302, 500, 503, 401, 200}[len(c.told)%5]
		case number == 3 && c.told[key] == 1 && len(c.told)%2 == 0:
			c.lost++
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = conn.Close()
			}
			return
		}
		if code < 300 {
			c.yes[key]++
		}
		w.WriteHeader(code)
	}
}
