// Package metrics counts what the operator watches: requests, what is on the audit record, messages, and what others
// tell when somebody asks.
//
// Nothing in it is personal: no account, no address, no party. Names and help texts are those of the documentation for
// operators, and other programs know them: they stay.
//
// A party is a relying party (OAuth client).
package metrics

import (
	"database/sql"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Sources are what is known elsewhere and read when somebody asks.
type Sources struct {
	Hashes      func() int           // running or queued
	ClockAhead  func() time.Duration // of the database's, before this machine's
	SettingsAge func() time.Duration
	Unopened    func() int               // signing keys
	Shed        map[string]func() uint64 // who was turned away, by what they waited for
	DB          *sql.DB

	CertificateEnds func() []CertificateEnd
	KeyAges         func() []KeyAge
}

// KeyAge is how long the signing key of a platform and an algorithm has been signing.
type KeyAge struct {
	Platform, Alg string
	Age           time.Duration
}

// CertificateEnd is when the last of the certificates ends with which an organisation's sign-in signs.
type CertificateEnd struct {
	Platform, Connection string
	In                   time.Duration // below zero: it did
}

func (s Sources) certificateEnds(show func(float64, ...string)) {
	for _, c := range s.CertificateEnds() {
		show(c.In.Seconds(), c.Platform, c.Connection)
	}
}

func (s Sources) keyAges(show func(float64, ...string)) {
	for _, k := range s.KeyAges() {
		show(k.Age.Seconds(), k.Platform, k.Alg)
	}
}

// readings is a gauge whose values are read when somebody asks.
type readings struct {
	desc *prometheus.Desc
	read func(show func(value float64, labels ...string))
}

func (r readings) Describe(to chan<- *prometheus.Desc) { to <- r.desc }

func (r readings) Collect(to chan<- prometheus.Metric) {
	r.read(func(value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(r.desc, prometheus.GaugeValue, value, labels...)
	})
}

// Metrics are few and without anything personal: no account, no address, no party.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	events   *prometheus.CounterVec
	signIns  *prometheus.CounterVec
	setUps   *prometheus.CounterVec
	letters  *prometheus.CounterVec
	messages *prometheus.CounterVec
	waiting  prometheus.Gauge
}

// New registers what is counted here and what Sources tell when somebody asks.
func New(from Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "idp_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "idp_request_seconds", Help: "Time to answer, by route.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "idp_events_total", Help: "Events that this node wrote to the audit record, by platform, kind and outcome.",
		}, []string{"platform", "kind", "outcome"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "idp_sign_ins_total",
			Help: "Sign-ins on this node, and what was refused on the way to one, by platform, method and outcome: success, wrong, too_many (not looked at, because of too many wrong ones), refused (right, but not let in) or unreachable (the organisation's sign-in).",
		}, []string{"platform", "method", "outcome"}),
		setUps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "idp_set_ups_total", Help: "Ways of signing in that were set up on this node, by platform and method: password, a second factor, recovery codes, an account at an organisation, a device with the mobile app, a PIN.",
		}, []string{"platform", "method"}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "idp_letters_total", Help: "Letters that ended on this node, by medium and outcome: sent, refused, gave_up, or answered, of a mail request.",
		}, []string{"medium", "outcome"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "idp_messages_total",
			Help: "The same by platform: mails, text messages (sms) and logout tokens (url) that were sent, refused or given up, or requests of people that were answered by a mail or by none.",
		}, []string{"platform", "medium", "outcome"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "idp_letters_waiting_seconds", Help: "How long the oldest letter of all nodes waits to be sent, looked up every minute.",
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.events, m.signIns, m.setUps, m.letters, m.messages, m.waiting, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "idp_hashes_waiting", Help: "Password hashes running or queued."},
			func() float64 { return float64(from.Hashes()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "idp_clock_ahead_seconds", Help: "How far the database's clock, which counts, is ahead of this machine's."},
			func() float64 { return from.ClockAhead().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "idp_settings_age_seconds",
			Help: "How old this node's platforms, parties, policies and keys are at most; above 5 it lets nobody in.",
		},
			func() float64 { return from.SettingsAge().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "idp_signing_keys_unopened",
			Help: "Signing keys that this node cannot open; their platforms give no tokens here.",
		},
			func() float64 { return float64(from.Unopened()) }),
		readings{prometheus.NewDesc("idp_federation_certificate_expires_seconds",
			"Until the last certificate ends with which an organisation signs that is connected by SAML, by platform and connection; below 0 it did.",
			[]string{"platform", "connection"}, nil), from.certificateEnds},
		readings{prometheus.NewDesc("idp_signing_key_age_seconds",
			"How long the key that signs now has been signing, by platform and algorithm; after 90 days another takes its place.",
			[]string{"platform", "alg"}, nil), from.keyAges},
		collectors.NewDBStatsCollector(from.DB, "idp"))
	for waitingFor, total := range from.Shed {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "idp_shed_total", Help: "What was turned away because too many waited, by what it waited for: forms with a password, or calls of the database.",
			ConstLabels: prometheus.Labels{"waiting_for": waitingFor},
		}, func() float64 { return float64(total()) }))
	}
	return m
}

// Observe counts a request that was answered.
func (m *Metrics) Observe(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// OwnCertificate shows when the certificate ends that this node serves with. It is called once.
func (m *Metrics) OwnCertificate(ends func() time.Time, now func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "idp_tls_certificate_expires_seconds",
		Help: "Until the certificate ends that this node serves with; below 0 it did. There is none where a proxy before it has the certificate.",
	}, func() float64 { return ends().Sub(now()).Seconds() }))
}

// Event counts an event of the audit record.
func (m *Metrics) Event(platform, kind, outcome string) {
	m.events.WithLabelValues(platform, kind, outcome).Inc()
}

// SignIn counts a sign-in, or what was refused on the way to one.
func (m *Metrics) SignIn(platform, method, outcome string) {
	m.signIns.WithLabelValues(platform, method, outcome).Inc()
}

// SetUp counts a way of signing in that was set up.
func (m *Metrics) SetUp(platform, method string) { m.setUps.WithLabelValues(platform, method).Inc() }

// Message counts a message that ended.
func (m *Metrics) Message(platform, medium, outcome string) {
	m.letters.WithLabelValues(medium, outcome).Inc()
	m.messages.WithLabelValues(platform, medium, outcome).Inc()
}

// Expect counts none of such messages yet, so that the first is seen as a rise.
func (m *Metrics) Expect(medium, outcome string) { m.letters.WithLabelValues(medium, outcome) }

// ExpectMessages is Expect for those of a platform.
func (m *Metrics) ExpectMessages(platform, medium, outcome string) {
	m.messages.WithLabelValues(platform, medium, outcome)
}

// ExpectSignIns counts none of such sign-ins yet, as Expect does.
func (m *Metrics) ExpectSignIns(platform, method, outcome string) {
	m.signIns.WithLabelValues(platform, method, outcome)
}

// OldestWaits notes how long the oldest message waits.
func (m *Metrics) OldestWaits(d time.Duration) { m.waiting.Set(d.Seconds()) }

// Handler answers with all of them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
