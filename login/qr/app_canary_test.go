package qr_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/wire"
)

// canaries are values that must not be found, by what they are.
type canaries map[string][]byte

// pieces are what may be base64, in either alphabet.
var pieces = []*regexp.Regexp{regexp.MustCompile(`[A-Za-z0-9_-]{16,}`), regexp.MustCompile(`[A-Za-z0-9+/]{16,}`)}

// in says which of them a text holds: as they are, in hexadecimal digits, in base64, as a list of numbers, or in what
// base64 in the text hides, such as the parts of a JWT.
func (c canaries) in(text string) (found []string) {
	all := []string{text}
	for range 2 { // base64 in base64
		for _, t := range slices.Clone(all) {
			for _, alphabet := range pieces {
				for _, piece := range alphabet.FindAllString(t, -1) {
					plain, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(piece))
					if err == nil {
						all = append(all, string(plain))
					}
				}
			}
		}
	}
	for what, value := range c {
		numbers := strings.Trim(fmt.Sprint(value), "[]")
		for _, form := range []string{
			string(value), fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), base64.RawURLEncoding.EncodeToString(value),
			base64.RawStdEncoding.EncodeToString(value), url.QueryEscape(base64.RawStdEncoding.EncodeToString(value)), numbers,
			strings.ReplaceAll(numbers, " ", ","), strconv.Quote(string(value)),
		} {
			if slices.ContainsFunc(all, func(t string) bool { return strings.Contains(t, form) }) {
				found = append(found, what)
				break
			}
		}
	}
	return found
}

// digits reports whether a PIN stands in a text by itself.
func digits(text string, pins ...string) bool {
	return regexp.MustCompile(`(^|[^0-9A-Za-z_-])(` + strings.Join(pins, "|") + `)($|[^0-9A-Za-z_-])`).MatchString(text)
}

// sniffer keeps what a phone sends.
type sniffer struct {
	http.RoundTripper
	sync.Mutex
	sent []string
}

func (s *sniffer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	s.Lock()
	s.sent = append(s.sent, fmt.Sprint(r.Method, " ", r.URL, " ", r.Header, " ", string(body)))
	s.Unlock()
	return s.RoundTripper.RoundTrip(r)
}

func (s *sniffer) all() string { return strings.Join(s.sent, "\n") }

func everyLevel(w io.Writer) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.Level(math.MinInt)})
}

// logged builds both nodes anew with a log of all levels.
func (m *mobile) logged() *idptest.LogBook {
	book := &idptest.LogBook{}
	for _, n := range m.nodes {
		n.Rebuild(func(o *wire.Options) {
			o.Log = slog.New(everyLevel(book))
		})
	}
	return book
}

// contents are all rows of all tables.
func contents(s *idptest.Scene) (all []string) {
	s.Helper()
	list := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if s.DB.SQL().QueryRowContext(s.Context(), "SELECT current_database()").Scan(new(string)) == nil {
		list = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	tables := s.Rows(list)
	if len(tables) < 20 {
		s.Fatalf("%d tables: the test looks in the wrong place", len(tables))
	}
	for _, table := range tables {
		for _, row := range s.Rows("SELECT * FROM " + strings.TrimSpace(table)) {
			all = append(all, strings.TrimSpace(table)+": "+row)
		}
	}
	return all
}

// app is the reference client on a transport, with a store that a test fills.
func (m *mobile) app(transport http.RoundTripper, store phone.Store) *phone.App {
	m.Helper()
	app, err := phone.New(phone.Config{
		ClientID: "app", RedirectURI: "https://phone.test/callback", Scope: "openid email", Issuers: []string{idptest.HostIssuer},
		DeviceName: "Phone", Store: store, HTTP: &http.Client{Transport: transport}, Now: m.nodes[0].Clock.Now,
		Wait: func(_ context.Context, d time.Duration) error { m.later(d); return nil },
	})
	if err != nil {
		m.Fatal(err)
	}
	return app
}

func (m *mobile) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// TestSecretOfAPhoneIsNowhereElse: its pin_secret and its private key stand in no request that it sends; neither they
// nor what is made of them, nor the PIN, stand in a row of any table, or in the log at any level, whatever goes well or
// wrong. What is put there on purpose is found.
func TestSecretOfAPhoneIsNowhereElse(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		d := m.shows()
		book := m.logged()
		s := m.nodes[0]
		sent, store := &sniffer{RoundTripper: s}, &phone.Memory{}
		if _, err := store.MakeKey(idptest.HostIssuer); err != nil {
			m.Fatal(err)
		}
		key, _ := store.Stolen(idptest.HostIssuer)
		jkt, err := phone.Thumbprint(key)
		m.must(err)
		private, err := key.Bytes()
		m.must(err)
		kept := canaries{"pin_secret": secret.Bytes(32), "private key": private}
		store.Put(idptest.HostIssuer, key, kept["pin_secret"])
		pins := []string{idptest.PhonePIN, "73914", wrongPIN}
		derived := canaries{}
		for what, value := range kept {
			derived[what] = value
		}
		for _, pin := range pins {
			derived["pin_key of "+pin] = phone.PINKey(kept["pin_secret"], idptest.HostIssuer, jkt, pin)
		}
		looked := func(when string) {
			m.Helper()
			rows := strings.Join(contents(s), "\n")
			record := httptest.NewRecorder()
			s.Operator().ServeHTTP(record, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			places := map[string]string{
				"database": rows, "log": book.String(), "metrics": record.Body.String(), "requests": sent.all(),
			}
			for place, text := range places {
				look := derived
				if place == "requests" {
					look = kept // a pin_key is sent when a PIN is chosen
				}
				if found := look.in(text); found != nil {
					m.Errorf("%s: %s in the %s", when, found, place)
				}
				if digits(text, pins...) {
					m.Errorf("%s: a PIN in the %s", when, place)
				}
			}
			if !strings.Contains(rows, jkt) || !strings.Contains(places["metrics"], "idp_requests_total") {
				m.Errorf("%s: what is there is not found either", when)
			}
		}

		app := m.app(sent, store)
		device, err := app.Device(idptest.HostIssuer)
		m.must(err)
		var back url.Values
		s.Site("phone.test", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { back = r.URL.Query() }))
		signIn, err := device.SignIn(m.Context(), nil)
		m.must(err)
		b := idptest.NewBrowser(s.Server, "nl")
		b.MustOpen(m, signIn.URL)
		b.MustFill(m, idptest.Text("nl", "login.email"), "anna@example.org")
		b.MustFill(m, idptest.Text("nl", "login.password"), idptest.Password)
		b.MustPress(m, idptest.Text("nl", "login.submit"))
		m.must(signIn.Redeem(m.Context(), "https://phone.test/callback?"+back.Encode()))
		m.must(device.SetPIN(m.Context(), pins[0]))
		enters := func(pin string, right bool) {
			m.Helper()
			if _, err := device.EnterPIN(m.Context(), pin, ""); (err == nil) != right {
				m.Errorf("%s: %v", pin, err)
			}
		}
		enters(wrongPIN, false)
		enters(pins[0], true)
		_, err = device.UserInfo(m.Context())
		m.must(err)
		_, err = device.Refresh(m.Context())
		m.must(err)
		looked("signed in")

		// a database that fails while a PIN is in hand
		s.Exec("ALTER TABLE app_devices RENAME TO hidden_devices")
		enters(pins[0], false)
		s.Exec("ALTER TABLE hidden_devices RENAME TO app_devices")
		if !strings.Contains(book.String(), `"level":"ERROR"`) {
			m.Error("no error was logged: the test looks in the wrong place")
		}
		enters(pins[0], true)
		m.must(device.LogOut(m.Context()))
		looked("after an error")

		// another PIN, by the code; the number is typed in the browser
		d.b.MustOpen(m, idptest.HostIssuer+"/settings/app")
		d.b.MustPress(m, idptest.Text("en", "qr.show"))
		_, reference := m.read(d.b)
		code, err := app.Scan(idptest.HostIssuer + "/app#" + reference)
		m.must(err)
		device = code.Device
		h, err := code.Claim(m.Context())
		m.must(err)
		d.b.MustOpen(m, d.b.URL.String())
		d.b.MustFill(m, idptest.Text("en", "qr.number"), strconv.Itoa(h.Number))
		d.b.MustPress(m, idptest.Text("en", "qr.confirm"))
		m.later(grant.PollEvery)
		m.must(h.Poll(m.Context()))
		m.must(device.SetPIN(m.Context(), pins[1]))
		enters(pins[1], true)
		looked("by the code")
		for range grant.MaxTries {
			enters(wrongPIN, false)
		}
		if left, _ := store.Stolen(idptest.HostIssuer); left != nil {
			m.Error("the device was not removed")
		}
		m.must(s.Deliver(m.Context()))
		looked("removed")
		all := sent.all()
		if n := len(sent.sent); n < 20 || !strings.Contains(all, "pin_key=") || !strings.Contains(all, "pin_proof=") {
			m.Errorf("%d requests: the test looks in the wrong place", n)
		}

		// what is there is found
		value := kept["pin_secret"]
		jwt := b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(`{"name":"`+b64(value)+`"}`)) + ".AAAA"
		for _, leak := range []string{
			string(value), b64(value), base64.StdEncoding.EncodeToString(value), fmt.Sprintf("%x", value),
			fmt.Sprintf("%X", value), fmt.Sprint(value), jwt, url.QueryEscape(base64.StdEncoding.EncodeToString(value)),
			b64([]byte(b64(value))),
		} {
			post, err := http.NewRequest(http.MethodPost, idptest.HostIssuer+"/token", strings.NewReader("device_name="+leak))
			m.must(err)
			get, err := http.NewRequest(http.MethodGet, idptest.HostIssuer+"/userinfo", nil)
			m.must(err)
			get.Header.Set("Dpop", leak)
			for _, r := range []*http.Request{post, get} {
				spy := &sniffer{RoundTripper: s}
				_, err := spy.RoundTrip(r)
				m.must(err)
				if kept.in(spy.all()) == nil {
					m.Errorf("in a request it is not found: %.60q", leak)
				}
			}
		}
		for _, leak := range []any{value, b64(value), fmt.Sprintf("%v", value)} {
			logs := &idptest.LogBook{}
			slog.New(everyLevel(logs)).Debug("a phone", "said", leak)
			if kept.in(logs.String()) == nil {
				m.Errorf("in a log it is not found: %s", logs.String())
			}
		}
		if !digits("pin="+pins[0]+"&x", pins...) || !digits(`"`+pins[0]+`"`, pins...) {
			m.Error("a PIN is not found")
		}
		_, err = s.DB.SQL().ExecContext(m.Context(), "UPDATE app_devices SET pin = $1", value)
		m.must(err)
		if found := kept.in(strings.Join(contents(s), "\n")); len(found) != 1 {
			m.Errorf("in a row it is not found: %v", found)
		}
		_, err = s.DB.SQL().ExecContext(m.Context(), "UPDATE app_devices SET pin = NULL, name = $1", b64(value))
		m.must(err)
		if found := kept.in(strings.Join(contents(s), "\n")); len(found) != 1 {
			m.Errorf("in a name it is not found: %v", found)
		}
	})
}

// sightings are the texts of places, one of each round. A number that leaks into a place stands in it in every round,
// in each the one of that round. Times and counts that have two digits as well are not those of all rounds by chance.
type sightings map[string][]string

var word = regexp.MustCompile(`[0-9A-Za-z]+`)

// holds reports whether texts of rounds hold the number of their round: as it is, in base64 or hashed.
func holds(texts []string, numbers []int) bool {
	words := make([]map[string]bool, len(texts))
	for i, text := range texts {
		words[i] = map[string]bool{}
		for _, w := range word.FindAllString(text, -1) {
			words[i][w] = true
		}
	}
	leaks := func(form func(plain []byte) string, in func(i int, form string) bool) bool {
		for i, n := range numbers {
			if !in(i, form(strconv.AppendInt(nil, int64(n), 10))) {
				return false
			}
		}
		return true
	}
	asWord := func(i int, w string) bool { return words[i][w] }
	anywhere := func(i int, text string) bool { return strings.Contains(texts[i], text) }
	hash := func(plain []byte) []byte { h := sha256.Sum256(plain); return h[:] }
	return leaks(func(p []byte) string { return string(p) }, asWord) ||
		leaks(base64.RawStdEncoding.EncodeToString, asWord) ||
		leaks(func(p []byte) string { return fmt.Sprintf("%x", hash(p)) }, anywhere) ||
		leaks(func(p []byte) string { return b64(hash(p)) }, anywhere)
}

var drawing = regexp.MustCompile(`(?s)<svg.*?</svg>`)

// TestNumberOfAPhoneIsNowhereElse: the match number is in the answer to the phone that scanned the code. It is on no
// page, in no other answer, in no mail, in no row that comes with it, and in no line of the log. What is put there on
// purpose is found.
func TestNumberOfAPhoneIsNowhereElse(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		d := m.shows()
		book := m.logged()
		const rounds = 5
		var numbers []int
		seen := sightings{}
		s := m.nodes[0]
		for len(numbers) < rounds {
			h, before := m.blank(idptest.HostIssuer), contents(s)
			logged, mailed := book.Len(), len(s.Mails.Sent())
			this := map[string]string{}
			_, reference := d.code()
			claimed := h.claim(0, reference)
			if slices.Contains(numbers, claimed.Number) || claimed.Number == 0 {
				continue // each round has a number of its own
			}
			this["the answer to the phone"] = claimed.Body
			page := idptest.HostIssuer + "/settings/app/" + claimed.Handoff
			opens := func(place, address string) {
				m.Helper()
				d.b.MustOpen(m, address)
				this[place] = drawing.ReplaceAllString(d.b.Body, "") + fmt.Sprint(d.b.Header)
			}
			types := func(place string, n int) {
				m.Helper()
				d.b.MustFill(m, idptest.Text("en", "qr.number"), strconv.Itoa(n))
				d.b.MustPress(m, idptest.Text("en", "qr.confirm"))
				this[place] = drawing.ReplaceAllString(d.b.Body, "") + fmt.Sprint(d.b.Header)
			}
			opens("its state", page+"/state")
			opens("the page for the number", page)
			opens("the same with nothing typed", page+"?empty=1")
			this["an early poll"] = h.poll(1, claimed.Handoff).Body
			this["scanned again"] = h.claim(1, reference).Body
			types("a wrong number", claimed.other(len(numbers)+7))
			types("the right number", claimed.Number)
			opens("its state then", page+"/state")
			m.later(grant.PollEvery)
			a := h.poll(1, claimed.Handoff)
			if a.Access == "" {
				m.Fatalf("the answer: %d %s", a.Status, a.Body)
			}
			this["the poll"] = a.Body + fmt.Sprint(a.Header)
			this["a late poll"] = h.poll(0, claimed.Handoff).Body
			for place, path := range map[string]string{
				"the start of the codes": "/settings/app", "settings": "/settings", "devices": "/settings/devices",
				"past logins": "/settings/activity", "camera": "/app",
			} {
				opens(place, idptest.HostIssuer+path)
			}
			m.must(s.Deliver(m.Context()))
			for _, mail := range s.Mails.Sent()[mailed:] {
				this["mails"] += mail.Subject + "\n" + mail.Text + "\n" + drawing.ReplaceAllString(mail.HTML, "")
			}
			if this["mails"] == "" {
				m.Fatal("no mail: the test looks in the wrong place")
			}
			var rows []string
			for _, row := range contents(s) {
				if !slices.Contains(before, row) {
					rows = append(rows, row)
				}
				if strings.HasPrefix(row, "events: ") && !slices.Contains(before, row) {
					this["events"] += row + "\n"
				}
			}
			this["rows"] = strings.Join(rows, "\n")
			this["the log"] = book.String()[logged:]
			if len(this["the log"]) == 0 || len(this["events"]) == 0 {
				m.Fatal("nothing was logged or recorded: the test looks in the wrong place")
			}
			s.Exec("UPDATE app_devices SET ended_at = 1") // room for the next one
			m.later(time.Minute)
			for place, text := range this {
				seen[place] = append(seen[place], text)
			}
			numbers = append(numbers, claimed.Number)
		}
		for place, texts := range seen {
			if len(texts) != rounds {
				m.Fatalf("%s: %d texts", place, len(texts))
			}
			if got, want := holds(texts, numbers), place == "the answer to the phone"; got != want {
				m.Errorf("%s holds the numbers %v: %t\n%q", place, numbers, got, texts[0])
			}
			for _, leak := range []string{"%d", "match=%d&do=continue", `{"number":"%d"}`, "<b>%d</b>"} {
				with := make([]string, len(texts))
				for i, text := range texts {
					with[i] = text + " " + fmt.Sprintf(leak, numbers[i])
				}
				if !holds(with, numbers) {
					m.Errorf("in %s %q is not found", place, leak)
				}
			}
			with := make([]string, len(texts))
			for i, text := range texts {
				with[i] = fmt.Sprintf("%s %x", text, sha256.Sum256([]byte(strconv.Itoa(numbers[i]))))
			}
			if !holds(with, numbers) {
				m.Errorf("in %s its hash is not found", place)
			}
		}
	})
}
