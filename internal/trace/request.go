package trace

import (
	"context"
	"net/http"
	"slices"

	"github.com/gorilla/mux"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/minddistrict/idp/platform"
)

// Request begins the span of a request; the function it returns ends it. From a trusted proxy the trace goes on that
// its traceparent names (W3C Trace Context); from others that header would let anybody write into the operator's traces.
func (t *Tracer) Request(r *http.Request, reference string, trusted bool) (context.Context, func(route string, status int)) {
	ctx := r.Context()
	if trusted {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	method := methodOf(r)
	ctx, span := t.tracer.Start(ctx, method, oteltrace.WithSpanKind(oteltrace.SpanKindServer), oteltrace.WithAttributes(
		attribute.String("http.request.method", method), attribute.String("idp.reference", reference),
	))
	return ctx, func(route string, status int) {
		if status == 0 {
			status = http.StatusOK // what net/http sends for a handler that says nothing
		}
		span.SetAttributes(attribute.String("idp.route", route), attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// methods are those that a span may be named after; others come from outside (_OTHER: OpenTelemetry's HTTP conventions).
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

func methodOf(r *http.Request) string {
	if slices.Contains(methods, r.Method) {
		return r.Method
	}
	return "_OTHER"
}

// Name is the middleware that names the span after its route's template, such as "GET /login/{journey}".
func (t *Tracer) Name(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if template, err := mux.CurrentRoute(r).GetPathTemplate(); err == nil {
			span := oteltrace.SpanFromContext(r.Context())
			span.SetName(methodOf(r) + " " + template)
			span.SetAttributes(attribute.String("http.route", template))
		}
		next.ServeHTTP(w, r)
	})
}

// Platform notes whose request it is.
func (t *Tracer) Platform(ctx context.Context, id platform.ID) {
	oteltrace.SpanFromContext(ctx).SetAttributes(attribute.String("idp.platform", string(id)))
}
