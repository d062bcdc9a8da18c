package wire

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/notify"
)

// Reports is where a gateway tells what became of a message.
type Reports struct {
	Secret  secret.Text // of the address
	Gateway notify.Reporter
}

// reports takes what gateways report, at /sms/report/NAME/SECRET of every host: most of them know one address for all
// messages, whichever platform these are of. The secret is as long as a token, and in the log it is left out like one. A
// message that we do not know is answered like one that we do: gateways repeat what is refused, for days.
func (h *House) reports(next http.Handler) http.Handler {
	taken := web.Route("sms report", http.HandlerFunc(h.report))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, notify.ReportPath) {
			taken.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *House) report(w http.ResponseWriter, r *http.Request) {
	name, given, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, notify.ReportPath), "/")
	from, ok := h.Reports[name]
	if !ok || from.Secret == "" || !secret.Equal([]byte(from.Secret.Reveal()), []byte(given)) {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		methodNotAllowed(w, http.MethodGet, http.MethodPost)
		return
	}
	if id, state := from.Gateway.Report(r); secret.IsID(id) && state != "" {
		if err := h.DB.ReportMessage(r.Context(), id, state); err != nil && !errors.Is(err, fault.NotFound) {
			h.Log.ErrorContext(r.Context(), "sms report", slog.String("reference", web.From(r.Context()).Reference), slog.Any("error", err))
			http.Error(w, "503 try again", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
