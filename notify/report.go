package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
)

// ReportedBy is a gateway that tells what became of a message.
type ReportedBy struct {
	Secret  secret.Text // of the address
	Gateway Reporter
}

// Reports takes what gateways report, at /sms/report/NAME/SECRET of every host: most of them know one address for all
// messages, whichever platform these are of. The secret is as long as a token, and in the log it is left out like one. A
// message that we do not know is answered like one that we do: gateways repeat what is refused, for days.
type Reports struct {
	By    map[string]ReportedBy // by the name of the gateway
	Store ReportStore
	Log   *slog.Logger
}

// ReportStore keeps what became of a message; fault.NotFound when there is no such message that was sent.
type ReportStore interface {
	ReportMessage(ctx context.Context, id, state string) error
}

// Beside takes reports, and leads everything else to next.
func (s Reports) Beside(next http.Handler) http.Handler {
	taken := web.Route("sms report", http.HandlerFunc(s.take))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, ReportPath) {
			taken.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s Reports) take(w http.ResponseWriter, r *http.Request) {
	name, given, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, ReportPath), "/")
	from, ok := s.By[name]
	if !ok || from.Secret == "" || !secret.Equal([]byte(from.Secret.Reveal()), []byte(given)) {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		web.MethodNotAllowed(w, http.MethodGet, http.MethodPost)
		return
	}
	if id, state := from.Gateway.Report(r); secret.IsID(id) && state != "" {
		if err := s.Store.ReportMessage(r.Context(), id, state); err != nil && !errors.Is(err, fault.NotFound) {
			s.Log.ErrorContext(r.Context(), "sms report", slog.String("reference", web.From(r.Context()).Reference), slog.Any("error", err))
			http.Error(w, "503 try again", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
