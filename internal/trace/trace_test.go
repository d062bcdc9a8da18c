package trace

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/XSAM/otelsql"
	"github.com/gorilla/mux"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/minddistrict/idp/internal/fault"
)

func TestOnlyTheStandardVariablesAskForTraces(t *testing.T) {
	const endpoint, general = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, c := range []struct {
		env  map[string]string
		on   bool
		want error
	}{
		{nil, false, nil},
		{map[string]string{"OTEL_SERVICE_NAME": "idp", "OTEL_TRACES_EXPORTER": "otlp"}, false, nil},
		{map[string]string{general: "http://localhost:4318"}, true, nil},
		{map[string]string{endpoint: "https://otel.example.org/v1/traces"}, true, nil},
		{map[string]string{endpoint: " "}, false, nil},
		{map[string]string{general: "http://localhost:4318", "OTEL_SDK_DISABLED": "TRUE"}, false, nil},
		{map[string]string{general: "http://localhost:4318", "OTEL_SDK_DISABLED": "1"}, true, nil}, // only "true" is true in the specification
		{map[string]string{general: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"}, false, nil},
		{map[string]string{general: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "zipkin"}, false, fault.Invalid},
		{map[string]string{general: "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, fault.Invalid},
		{map[string]string{general: "http://localhost:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, true, nil},
		{map[string]string{general: "localhost:4318"}, false, fault.Invalid},
		{map[string]string{general: "http://"}, false, fault.Invalid},
	} {
		if on, err := enabled(func(name string) string { return c.env[name] }); on != c.on || !errors.Is(err, c.want) {
			t.Errorf("%v: %t, %v; want %t, %v", c.env, on, err, c.on, c.want)
		}
	}
}

func TestNothingRunsWhereNobodyAsked(t *testing.T) {
	before := runtime.NumGoroutine()
	tracer, err := Start(t.Context(), func(string) string { return "" }, "v1", slog.New(slog.DiscardHandler))
	if tracer != nil || err != nil || runtime.NumGoroutine() > before {
		t.Errorf("%v, %v, %d goroutines more", tracer, err, runtime.NumGoroutine()-before)
	}
}

// span answers one request with a handler and returns its only span.
func span(t *testing.T, r *http.Request, trusted bool, h http.HandlerFunc) sdktrace.ReadOnlySpan {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	tracer := with(sdktrace.WithSpanProcessor(spans))
	router := mux.NewRouter()
	router.Use(tracer.Name)
	router.HandleFunc("/login/{journey}", h)
	ctx, end := tracer.Request(r, "7KQ4-MXDA", trusted)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r.WithContext(ctx))
	end("dispatch", w.Code)
	if err := tracer.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if all := spans.Ended(); len(all) == 1 {
		return all[0]
	}
	t.Fatalf("%d spans, want 1", len(spans.Ended()))
	return nil
}

func TestTraceGoesOnFromTrustedPeersOnly(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for trusted, want := range map[bool]bool{true: true, false: false} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/login/J", nil)
		r.Header.Set("traceparent", "00-"+id+"-00f067aa0ba902b7-01")
		got := span(t, r, trusted, func(http.ResponseWriter, *http.Request) {})
		if goesOn := got.SpanContext().TraceID().String() == id && got.Parent().SpanID().String() == "00f067aa0ba902b7"; goesOn != want {
			t.Errorf("trusted %t: trace %s below %s", trusted, got.SpanContext().TraceID(), got.Parent().SpanID())
		}
	}
}

func TestSpanIsNamedAfterOurWordsOnly(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
		name, state  string
	}{
		{http.MethodGet, "/login/secret-of-the-journey?code=secret", 200, "GET /login/{journey}", "Unset"},
		{http.MethodPost, "/login/secret", 503, "POST /login/{journey}", "Error"},
		{"SECRET", "/login/secret", 405, "_OTHER /login/{journey}", "Unset"},
		{http.MethodGet, "/secret", 404, "GET", "Unset"},
	} {
		got := span(t, httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil), false, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) })
		if got.Name() != c.name || got.Status().Code.String() != c.state {
			t.Errorf("%s %s: %q, %v; want %q, %s", c.method, c.path, got.Name(), got.Status(), c.name, c.state)
		}
	}
}

func TestStatementIsNamedAfterOperationAndTable(t *testing.T) {
	for text, want := range map[string]string{
		"": "sql.conn.exec",
		"\nSELECT s.id\nFROM sessions AS s\nJOIN accounts AS a ON a.id = s.account\nWHERE s.id = $1": "SELECT sessions",
		"\nINSERT INTO events (platform, id)\nVALUES ($1, $2)":                                       "INSERT events",
		"\nUPDATE accounts\nSET state = 'active'\nWHERE id = $1":                                     "UPDATE accounts",
		"DELETE FROM attempts\nWHERE key = $1":                                                       "DELETE attempts",
		"SELECT 1":                                                                                   "SELECT",
		"SELECT x FROM":                                                                              "SELECT",
	} {
		if got := name(otelsql.MethodConnExec, text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
