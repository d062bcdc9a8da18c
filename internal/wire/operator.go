package wire

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
)

// metrics are few and without anything personal: no account, no address, no party.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	letters  *prometheus.CounterVec
	waiting  prometheus.Gauge
}

func newMetrics(h *House) *metrics {
	m := &metrics{
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
			func() float64 { return float64(h.Pool.Waiting()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "idp_clock_ahead_seconds", Help: "How far the database's clock, which counts, is ahead of this machine's."},
			func() float64 { return h.clock.Ahead().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "idp_settings_age_seconds",
			Help: "How old this node's platforms, parties, policies and keys are at most; above 5 it lets nobody in.",
		},
			func() float64 { return h.settings.Age().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "idp_signing_keys_unopened",
			Help: "Signing keys that this node cannot open; their platforms give no tokens here.",
		},
			func() float64 { return float64(len(h.settings.Unopened())) }),
		collectors.NewDBStatsCollector(h.DB.SQL(), "idp"))
	for _, q := range h.queues() {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "idp_shed_total", Help: "What was turned away because too many waited, by what it waited for: forms with a password, or calls of the database.",
			ConstLabels: prometheus.Labels{"waiting_for": q.waitingFor},
		}, func() float64 { return float64(q.total()) }))
	}
	return m
}

func (m *metrics) observe(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Operator serves what only the operator sees, on a listener of its own.
func (h *House) Operator() http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /metrics", promhttp.HandlerFor(h.metrics.registry, promhttp.HandlerOpts{}))
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive") })
	m.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if h.leaves() {
			answer(w, http.StatusServiceUnavailable, "stopping")
			return
		}
		if err := h.ready(r.Context()); err != nil {
			if !fault.Quiet(err) {
				h.Log.WarnContext(r.Context(), "not ready", "error", err)
			}
			answer(w, http.StatusServiceUnavailable, "not ready")
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	return web.Leaving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.Headers(w.Header())
		m.ServeHTTP(w, r)
	}), h.leaves)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text}) // the caller is gone: nothing to do about it
}
