//go:build clients

package wire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/serve"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/storage"
	"github.com/minddistrict/idp/test/browser"
)

// These tests break a house in every way that an alert is for, take its metrics as Prometheus would, and let Prometheus's own
// promtool judge them by the rules of docs/grafana/alerts.yaml as they are delivered: nothing fires before, these alerts fire
// because of the fault and no others, and none fires when it is mended.

const alertRules = "../../docs/grafana/alerts.yaml"

// scrapeEvery is how far the clock goes between two scrapes.
const scrapeEvery = 30 * time.Second

var platformToWatch = idptest.Demo{
	More: `connections: [ { name: eik, kind: oidc, names: { nl: De Eik, en: De Eik }, key: { by: sub }, disabled: false,
		oidc: { issuer: "https://eik.test", client_id: linde, secret: a-secret-of-an-organisation-32-long } } ]`,
	Parties: []string{
		`client_id: web, redirect_uris: ["https://rp.test/callback"]`,
		"client_id: jobs, type: service, grant_types: [client_credentials], scopes: [mood.read]",
	},
	Accounts: []string{"email: anna@example.org"},
}

// scrapes are what Prometheus has of a node.
type scrapes struct {
	*testing.T
	operator *httptest.Server
	steps    int
	series   map[string][]string // values by series, one a scrape; "_": none
	firing   map[int][]string    // which alerts have to fire, by the number of the scrape
}

// scraped is a node at which somebody signs in every minute.
type scraped struct {
	*scrapes
	*idptest.Server
	site    *idptest.Party
	each    []func() // what happens every minute beside the sign-in
	trouble bool     // a sign-in may fail
	idle    bool     // the node does no upkeep
	guesses int
	forgot  int
	ends    string                // directory of its certificate
	away    atomic.Pointer[error] // what each statement fails with
	slow    atomic.Int64          // what each statement takes, by the clock
}

// trouble is something that goes wrong, and the alerts that fire by it.
type trouble struct {
	name   string
	begin  func(s *scraped)
	end    func(s *scraped)
	lasts  time.Duration
	over   time.Duration // after its end nothing fires any more
	alerts []string
}

func TestAlertsFireByFaults(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, f := range troubles {
		for _, alert := range f.alerts {
			covered[alert] = true
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newScraped(t)
			s.pass(12 * time.Minute)
			s.expect()
			s.trouble = true
			f.begin(s)
			s.pass(f.lasts)
			s.expect(f.alerts...)
			if f.end != nil {
				f.end(s)
				s.trouble = false
				s.pass(f.over)
				s.expect()
			}
			s.judge()
		})
	}
	var rules struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	text, err := os.ReadFile(alertRules)
	if err == nil {
		err = yaml.Unmarshal(text, &rules)
	}
	if err != nil {
		t.Fatal(err)
	}
	covered["IdpClockApart"] = true // below
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if !covered[r.Alert] {
				t.Errorf("no fault fires %s", r.Alert)
			}
			delete(covered, r.Alert)
		}
	}
	if len(covered) > 0 {
		t.Errorf("there are no alerts %v", slices.Sorted(maps.Keys(covered)))
	}
}

var troubles = []trouble{
	{
		name: "the process is gone", alerts: []string{"IdpDown"}, lasts: 3 * time.Minute,
		begin: func(s *scraped) { s.operator.Close() },
	},
	{
		name: "the database is gone", alerts: []string{"IdpLetsNobodyIn", "IdpFails"}, lasts: 6 * time.Minute, over: 10 * time.Minute,
		begin: func(s *scraped) { gone := errors.New("the database is gone"); s.away.Store(&gone) },
		end:   func(s *scraped) { s.away.Store(nil) },
	},
	{
		name: "the database is slow", alerts: []string{"IdpSlow"}, lasts: 12 * time.Minute, over: 12 * time.Minute,
		begin: func(s *scraped) { s.slow.Store(int64(1200 * time.Millisecond)) },
		end:   func(s *scraped) { s.slow.Store(0) },
	},
	{
		name: "more sign-ins than a node can check", alerts: []string{"IdpTurnsAway", "IdpFails"}, lasts: 8 * time.Minute,
		begin: func(s *scraped) { s.rush() },
	},
	{
		name: "an account that everybody uses is deactivated", alerts: []string{"IdpNobodySignsIn"}, lasts: 40 * time.Minute, over: 10 * time.Minute,
		begin: func(s *scraped) { s.setState(account.Deactivated) },
		end:   func(s *scraped) { s.setState(account.Active) },
	},
	{
		name: "somebody guesses", alerts: []string{"IdpManyWrongAttempts"}, lasts: 21 * time.Minute, over: 30 * time.Minute,
		begin: func(s *scraped) { s.each = append(s.each, func() { s.guess(6) }) },
		end:   func(s *scraped) { s.each = nil },
	},
	{
		name: "an organisation's sign-in does not answer", alerts: []string{"IdpOrganisationUnreachable"}, lasts: 8 * time.Minute, over: 20 * time.Minute,
		begin: func(s *scraped) { s.each = append(s.each, s.byOrganisation) },
		end:   func(s *scraped) { s.each = nil },
	},
	{
		name: "a party has another secret", alerts: []string{"IdpPartyRefused"}, lasts: 14 * time.Minute, over: 25 * time.Minute,
		begin: func(s *scraped) {
			s.each = append(s.each, func() { s.token("jobs", "another", url.Values{"grant_type": {"client_credentials"}}) })
		},
		end: func(s *scraped) { s.each = nil },
	},
	{
		name: "a party puts secrets into addresses", alerts: []string{"IdpTokensReplayed"}, lasts: 10 * time.Minute, over: 65 * time.Minute,
		begin: func(s *scraped) {
			s.each = append(s.each, func() { s.get("https://login.linde.test/token?client_secret=" + idptest.PartySecret) })
		},
		end: func(s *scraped) { s.each = nil },
	},
	{
		name: "the mail server does not answer", alerts: []string{"IdpLettersWait"}, lasts: 12 * time.Minute, over: 20 * time.Minute,
		begin: func(s *scraped) { s.Mails.Fail(fault.Unavailable); s.forget() },
		end:   func(s *scraped) { s.Mails.Fail(nil) },
	},
	{
		name: "the mail server refuses our sender", alerts: []string{"IdpLettersRefused"}, lasts: 20 * time.Minute, over: 75 * time.Minute,
		begin: func(s *scraped) { s.Mails.Fail(fault.Refused); s.each = append(s.each, s.forget) },
		end:   func(s *scraped) { s.Mails.Fail(nil); s.each = nil },
	},
	{
		name: "somebody wrote a key into the database", alerts: []string{"IdpKeyUnopened", "IdpFails"}, lasts: 5 * time.Minute, over: 10 * time.Minute,
		begin: func(s *scraped) { s.run("UPDATE signing_keys SET kid = 'x' || kid") },
		end:   func(s *scraped) { s.run("UPDATE signing_keys SET kid = substr(kid, 2)") },
	},
	{
		name: "no key is replaced", alerts: []string{"IdpKeyOld"}, lasts: 65 * time.Minute,
		begin: func(s *scraped) { s.idle = true; s.Clock.Later(98 * 24 * time.Hour) },
	},
	{
		name: "nobody renews the certificate of a node", alerts: []string{"IdpCertificateEnds"}, lasts: 15 * time.Minute, over: 5 * time.Minute,
		begin: func(s *scraped) { s.certificate(10 * 24 * time.Hour) },
		end:   func(s *scraped) { s.certificate(80 * 24 * time.Hour) },
	},
	{
		name: "a certificate ends tomorrow", alerts: []string{"IdpCertificateEnds", "IdpCertificateEndsNow"}, lasts: 15 * time.Minute, over: 5 * time.Minute,
		begin: func(s *scraped) { s.certificate(24 * time.Hour) },
		end:   func(s *scraped) { s.certificate(80 * 24 * time.Hour) },
	},
	{
		name: "an organisation does not renew its certificate", alerts: []string{"IdpOrganisationCertificateEnds"}, lasts: 25 * time.Minute,
		begin: func(s *scraped) { s.organisation(20 * 24 * time.Hour) },
	},
}

func TestAlertFiresByAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	house := build(t, idptest.Postgres(t), func() time.Time { return time.Now().Add(-100 * time.Second) }, slog.DiscardHandler)
	s := newScrapes(t, house.Operator)
	for range 14 {
		if err := house.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.scrape()
	}
	s.expect("IdpClockApart")
	s.judge()
}

func newScrapes(t *testing.T, operator func() http.Handler) *scrapes {
	t.Helper()
	s := &scrapes{T: t, series: map[string][]string{}, firing: map[int][]string{}}
	s.operator = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { operator().ServeHTTP(w, r) }))
	t.Cleanup(s.operator.Close)
	return s
}

func newScraped(t *testing.T) *scraped {
	t.Helper()
	s := &scraped{}
	db := idptest.SQLiteFailing(t, func(string) error {
		if late := s.slow.Load(); late > 0 {
			s.Clock.Later(time.Duration(late))
		}
		if gone := s.away.Load(); gone != nil {
			return *gone
		}
		return nil
	})
	s.Server = idptest.NewServer(t, db)
	s.scrapes = newScrapes(t, func() http.Handler { return s.House.Operator() })
	demo := platformToWatch
	for i := range forgetful {
		demo.Accounts = append(slices.Clip(demo.Accounts), "email: "+forgets(i))
	}
	s.Declare(demo)
	s.site = idptest.NewParty(s.Server, "rp.test", idptest.HostIssuer, "web", idptest.PartySecret)
	s.Site("eik.test", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	return s
}

// forgetful is how many people there are who forget their password; one is sent few mails in an hour.
const forgetful = 10

func forgets(i int) string { return fmt.Sprintf("bram%d@example.org", i) }

// pass lets time pass: every minute somebody signs in, the node does its upkeep, and what else is to happen does.
func (s *scraped) pass(d time.Duration) {
	s.Helper()
	for end := s.steps + int(d/scrapeEvery); s.steps < end; {
		s.Clock.Later(scrapeEvery)
		_ = s.Follow(s.Context()) // what comes of it is what is watched
		if s.steps%2 == 0 {
			s.minute()
		}
		s.scrape()
	}
}

func (s *scraped) minute() {
	s.Helper()
	if err := s.signIn(idptest.NewBrowser(s.Server, "nl"), "anna@example.org"); err != nil && !s.trouble {
		s.Fatal(err)
	}
	for _, act := range s.each {
		act()
	}
	if !s.idle {
		_ = errors.Join(s.KeepUp(s.Context()), s.Deliver(s.Context())) // as above
	}
}

// signIn signs somebody in by password.
func (s *scraped) signIn(b *idptest.Browser, email string) error {
	if err := s.toLogin(b); err != nil {
		return err
	}
	err := errors.Join(
		b.Fill(idptest.Text("nl", "login.email"), email), b.Fill(idptest.Text("nl", "login.password"), idptest.Password),
		b.Press(idptest.Text("nl", "login.submit")))
	if err == nil && b.URL.Host != "rp.test" {
		err = fmt.Errorf("no sign-in: at %s: %s", b.URL, idptest.Visible(b.Doc))
	}
	return err
}

func (s *scraped) toLogin(b *idptest.Browser) error { return b.Open(s.site.Start(nil)) }

// guess tries a password at accounts that nobody has.
func (s *scraped) guess(times int) {
	for range times {
		s.guesses++
		_ = s.signIn(browser.New(s.At(fmt.Sprintf("198.51.100.%d", s.guesses)), "nl"), fmt.Sprintf("nobody%d@example.org", s.guesses)) // it is refused
	}
}

// rush has many people press the button at the same time, at a node that checks one password at once.
func (s *scraped) rush() {
	s.House = s.Another(func(o *wire.Options) { o.Workers, o.Queue, o.Hash = 1, 1, password.DefaultParams })
	s.each = append(s.each, func() {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { _ = s.signIn(idptest.NewBrowser(s.Server, "nl"), fmt.Sprintf("nobody%d@example.org", i)) }) // most are turned away
		}
		all.Wait()
	})
}

// byOrganisation begins a sign-in at the organisation.
func (s *scraped) byOrganisation() {
	b := idptest.NewBrowser(s.Server, "nl")
	if err := errors.Join(s.toLogin(b), b.PressLike(regexp.MustCompile("De Eik"))); err != nil {
		s.Fatal(err)
	}
}

// forget has somebody else ask for a new password each time.
func (s *scraped) forget() {
	s.forgot++
	b := idptest.NewBrowser(s.Server, "nl")
	if err := errors.Join(
		b.Open("https://login.linde.test/forgot"), b.Fill(idptest.Text("nl", "login.email"), forgets(s.forgot%forgetful)), b.Press(idptest.Text("nl", "forgot.submit")),
	); err != nil {
		s.Fatal(err)
	}
}

func (s *scraped) setState(to account.State) {
	a, err := s.DB.AccountByEmail(s.Context(), "linde", "anna@example.org")
	if err == nil {
		err = s.DB.SetState(s.Context(), a.Platform, a.ID, to, audit.Event{
			At: s.Clock.Now(), Platform: a.Platform, Kind: audit.AccountChanged, Actor: "cli test", Account: a.ID, Outcome: audit.Success,
		}, s.Clock.Now())
	}
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scraped) token(client, secret string, form url.Values) {
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "https://login.linde.test/token", strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(client, secret)
	s.do(req)
}

func (s *scraped) get(address string) {
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.Fatal(err)
	}
	s.do(req)
}

func (s *scraped) do(req *http.Request) {
	res, err := s.Client().Do(req)
	if err != nil {
		s.Fatal(err)
	}
	_ = res.Body.Close() // in memory
}

func (s *scraped) run(statement string) {
	if _, err := s.DB.SQL().ExecContext(s.Context(), statement); err != nil {
		s.Fatal(err)
	}
}

// certificate gives the node a certificate that ends so much later, in place of the one before.
func (s *scraped) certificate(later time.Duration) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	now := s.Clock.Now()
	cert := &x509.Certificate{SerialNumber: big.NewInt(now.Unix()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(later)}
	signed, errCert := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	private, errKey := x509.MarshalPKCS8PrivateKey(key)
	first := s.ends == ""
	if first {
		s.ends = s.TempDir()
	}
	files := []string{filepath.Join(s.ends, "key.pem"), filepath.Join(s.ends, "cert.pem")} // which is looked at, last
	err = errors.Join(errCert, errKey,
		os.WriteFile(files[0], pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
		os.WriteFile(files[1], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	if first && err == nil {
		var served *serve.Certificate
		if served, err = serve.OpenCertificate(files[1], files[0], s.Clock.Now, s.House.Log); err == nil {
			wire.ShowCertificate(s.House, served.Ends)
		}
	}
	if err != nil {
		s.Fatal(err)
	}
}

// organisation connects one whose certificate ends so much later.
func (s *scraped) organisation(later time.Duration) {
	c := federation.Connection{
		Platform: "linde", ID: "iep", Kind: federation.SAML, Names: map[string]string{"nl": "De Iep"}, Key: federation.KeyRule{By: federation.ByNameID},
		SAML: federation.SAMLSettings{EntityID: "https://iep.test", Metadata: idptest.SAMLMetadata(s.T, "https://iep.test", s.Clock.Now().Add(later))},
	}
	if err := s.DB.Declare(s.Context(), storage.Setup{Connections: []federation.Connection{c}}, s.Clock.Now()); err != nil {
		s.Fatal(err)
	}
}

var sample = regexp.MustCompile(`(?m)^(idp_[a-z_]+)(?:\{(.*)\})? (\S+)$`)

// scrape takes the metrics once.
func (s *scrapes) scrape() {
	s.Helper()
	s.put("up", "", "1")
	if text, err := s.read(); err != nil {
		s.series[seriesOf("up", "")][s.steps] = "0"
	} else {
		for _, m := range sample.FindAllStringSubmatch(text, -1) {
			s.put(m[1], m[2], m[3])
		}
	}
	s.steps++
}

func (s *scrapes) read() (string, error) {
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.operator.URL+"/metrics", nil)
	if err != nil {
		return "", err
	}
	res, err := s.operator.Client().Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(res.Body)
	return string(body), errors.Join(err, res.Body.Close())
}

func seriesOf(name, labels string) string {
	return fmt.Sprintf(`%s{%s}`, name, strings.TrimPrefix(labels+`,instance="one",job="idp"`, ","))
}

func (s *scrapes) put(name, labels, value string) {
	all := s.series[seriesOf(name, labels)]
	for len(all) < s.steps {
		all = append(all, "_")
	}
	s.series[seriesOf(name, labels)] = append(all, value)
}

// expect notes which alerts have to be firing by now, and that no others may.
func (s *scrapes) expect(alerts ...string) { s.firing[s.steps-1] = alerts }

// judge lets promtool say whether they are.
func (s *scrapes) judge() {
	s.Helper()
	type values struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	}
	type fires struct {
		Labels string `yaml:"labels"`
		Value  int    `yaml:"value"`
	}
	type asked struct {
		Expr    string  `yaml:"expr"`
		At      string  `yaml:"eval_time"`
		Samples []fires `yaml:"exp_samples"`
	}
	type test struct {
		Interval string   `yaml:"interval"`
		Series   []values `yaml:"input_series"`
		Asked    []asked  `yaml:"promql_expr_test"`
	}
	one := test{Interval: scrapeEvery.String()}
	for _, name := range slices.Sorted(maps.Keys(s.series)) {
		one.Series = append(one.Series, values{name, strings.Join(s.series[name], " ")})
	}
	for at, alerts := range s.firing {
		a := asked{Expr: `group by (alertname) (ALERTS{alertstate="firing"})`, At: (time.Duration(at) * scrapeEvery).String()}
		for _, alert := range alerts {
			a.Samples = append(a.Samples, fires{fmt.Sprintf(`{alertname=%q}`, alert), 1})
		}
		one.Asked = append(one.Asked, a)
	}
	rules, err := filepath.Abs(alertRules)
	if err != nil {
		s.Fatal(err)
	}
	file, err := yaml.Marshal(map[string]any{"rule_files": []string{rules}, "evaluation_interval": scrapeEvery.String(), "tests": []test{one}})
	if err != nil {
		s.Fatal(err)
	}
	path := filepath.Join(s.TempDir(), "test.yaml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		s.Fatal(err)
	}
	if out, err := exec.CommandContext(s.Context(), "promtool", "test", "rules", path).CombinedOutput(); err != nil {
		s.Errorf("promtool: %v\n%s", err, out)
	}
}
