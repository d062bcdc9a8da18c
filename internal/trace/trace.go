package trace

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Tracer makes spans and sends them in the background. There is none where nobody asked for traces: callers look.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   oteltrace.Tracer
}

// scope names us as the maker of the spans of requests.
const scope = "github.com/minddistrict/idp"

// Start begins to send, if the environment asks for it; otherwise the Tracer is nil. It does not wait for the
// collector: one that is gone costs spans and a line in the log, never a request.
func Start(ctx context.Context, getenv func(string) string, version string, log *slog.Logger) (*Tracer, error) {
	if on, err := enabled(getenv); !on {
		return nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) }))
	otel.SetLogger(logr.Discard()) // it would print variables that it cannot read, OTEL_EXPORTER_OTLP_HEADERS too
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	described, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "idp"), attribute.String("service.version", version)),
		resource.WithFromEnv()) // last: it counts
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return with(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described)), nil
}

func with(o ...sdktrace.TracerProviderOption) *Tracer {
	provider := sdktrace.NewTracerProvider(o...)
	return &Tracer{provider, provider.Tracer(scope)}
}

// Stop sends what is left, as long as the context allows.
func (t *Tracer) Stop(ctx context.Context) error { return t.provider.Shutdown(ctx) }
