// Package metrics counts what the operator watches: requests, letters, and what others tell when somebody asks.
//
// Nothing in it is personal: no account, no address, no party. Names and help texts are those of the documentation for
// operators, and other programs know them: they stay.
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
}

// CertificateEnd is when the last of the certificates ends with which an organisation's sign-in signs.
type CertificateEnd struct {
	Platform, Connection string
	In                   time.Duration // below zero: it did
}

// ends shows them.
type ends struct {
	desc *prometheus.Desc
	read func() []CertificateEnd
}

func (e ends) Describe(to chan<- *prometheus.Desc) { to <- e.desc }

func (e ends) Collect(to chan<- prometheus.Metric) {
	for _, c := range e.read() {
		to <- prometheus.MustNewConstMetric(e.desc, prometheus.GaugeValue, c.In.Seconds(), c.Platform, c.Connection)
	}
}

// Metrics are few and without anything personal: no account, no address, no party.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	letters  *prometheus.CounterVec
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
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "idp_letters_total", Help: "Letters that ended on this node, by medium and outcome: sent, refused, gave_up, or answered for a wish.",
		}, []string{"medium", "outcome"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "idp_letters_waiting_seconds", Help: "How long the oldest letter of all nodes waits to be sent, looked up every minute.",
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.letters, m.waiting, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
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
		ends{prometheus.NewDesc("idp_federation_certificate_expires_seconds",
			"Until the last certificate ends with which an organisation signs that is connected by SAML, by platform and connection; below 0 it did.",
			[]string{"platform", "connection"}, nil), from.CertificateEnds},
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

// Letter counts a letter that ended.
func (m *Metrics) Letter(medium, outcome string) { m.letters.WithLabelValues(medium, outcome).Inc() }

// Expect counts none of such letters yet, so that the first is seen as a rise.
func (m *Metrics) Expect(medium, outcome string) { m.letters.WithLabelValues(medium, outcome) }

// OldestWaits notes how long the oldest letter waits.
func (m *Metrics) OldestWaits(d time.Duration) { m.waiting.Set(d.Seconds()) }

// Handler answers with all of them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
