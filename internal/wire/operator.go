package wire

import (
	"encoding/json"
	"net/http"
	"time"

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
		CertificateEnds: (&certificateEnds{house: h}).now, KeyAges: func() []metrics.KeyAge { return keyAges(h) },
	}
}

// keyAges is for how long each key has been signing that signs now.
func keyAges(h *House) (all []metrics.KeyAge) {
	now := h.clock.Now()
	for _, k := range h.settings.KeysInUse() {
		all = append(all, metrics.KeyAge{Platform: string(k.Platform), Alg: k.Alg, Age: now.Sub(k.UseAt)})
	}
	return all
}

// ShowCertificate has the metrics say when the certificate ends that this node serves with. It is called once, before
// the house serves.
func ShowCertificate(h *House, ends func() time.Time) { h.metrics.OwnCertificate(ends, h.Now) }

// expectAll has the metrics of each platform begin at nought, so that the first of its messages and sign-ins is seen as
// a rise.
func expectAll(h *House) {
	for _, p := range h.settings.Platforms() {
		for _, of := range expected {
			h.metrics.ExpectSignIns(string(p), of.method, of.outcome)
		}
		for to := range h.outbox.Senders {
			for _, outcome := range settled {
				h.metrics.ExpectMessages(string(p), string(to), string(outcome))
			}
		}
	}
}

// Operator serves what only the operator sees, on a listener of its own.
func (h *House) Operator() http.Handler {
	m := http.NewServeMux()
	shown := h.metrics.Handler()
	m.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		expectAll(h)
		shown.ServeHTTP(w, r)
	})
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
	return web.CloseConnections(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.Headers(w.Header())
		m.ServeHTTP(w, r)
	}), h.leaves)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text}) // the caller is gone: nothing to do about it
}
