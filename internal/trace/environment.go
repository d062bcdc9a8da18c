package trace

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// variable is what the first of two variables says, or else the second: the one for traces comes before the general
// one.
type variable struct{ name, value string }

func first(getenv func(string) string, names ...string) variable {
	for _, name := range names {
		if value := strings.TrimSpace(getenv(name)); value != "" {
			return variable{name, value}
		}
	}
	return variable{}
}

// enabled reports whether the environment asks for traces, and refuses what asks for traces that would not arrive.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and …/protocol/exporter/.
func enabled(getenv func(string) string) (bool, error) {
	endpoint := first(getenv, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	exporter := first(getenv, "OTEL_TRACES_EXPORTER")
	if endpoint.value == "" || exporter.value == "none" || strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	if exporter.value != "" && exporter.value != "otlp" {
		return false, exporter.refuse("otlp or none")
	}
	if protocol := first(getenv, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); protocol.value != "" && protocol.value != "http/protobuf" {
		return false, protocol.refuse("http/protobuf is what we send (most collectors take it on port 4318)")
	}
	u, err := url.Parse(endpoint.value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return false, fmt.Errorf("%s: %w: http://HOST:PORT or https://HOST:PORT", endpoint.name, fault.Invalid) // it may hold a password
	}
	return true, nil
}

func (v variable) refuse(allowed string) error {
	return fmt.Errorf("%s: %w: %q: %s", v.name, fault.Invalid, v.value, allowed)
}
