package wire

import (
	"encoding/json"
	"net/http"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/metrics"
	"github.com/minddistrict/idp/internal/web"
)

// sources are what metrics read of others.
func sources(h *House) metrics.Sources {
	shed := map[string]func() uint64{}
	for _, q := range h.queues() {
		shed[q.waitingFor] = q.total
	}
	return metrics.Sources{
		Hashes: h.Pool.Waiting, ClockAhead: h.clock.Ahead, SettingsAge: h.settings.Age,
		Unopened: func() int { return len(h.settings.Unopened()) }, Shed: shed, DB: h.DB.SQL(),
		CertificateEnds: (&certificateEnds{house: h}).now,
	}
}

// Operator serves what only the operator sees, on a listener of its own.
func (h *House) Operator() http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /metrics", h.metrics.Handler())
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
