package main_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	sent "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP/HTTP collector (https://opentelemetry.io/docs/specs/otlp/#otlphttp) that keeps what it gets.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	text  strings.Builder // everything, as JSON
	spans []*sent.Span
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	c := &receiver{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.take(r); err != nil {
			t.Error(err)
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *receiver) take(r *http.Request) error {
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("Authorization") != "Bearer collector" {
		return fmt.Errorf("%s %v", r.URL.Path, r.Header)
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		body = unpacked
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var message collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(data, &message); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(protojson.Format(&message))
	for _, resource := range message.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	return nil
}

// attributes of a span, as text.
func attributes(s *sent.Span) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		if all[a.Key] = a.Value.GetStringValue(); all[a.Key] == "" {
			all[a.Key] = fmt.Sprint(a.Value.GetIntValue())
		}
	}
	return all
}

// named finds the spans of a name.
func (c *receiver) named(name string) (all []*sent.Span) {
	for _, s := range c.spans {
		if s.Name == name {
			all = append(all, s)
		}
	}
	return all
}

// A sign-in arrives at the collector: each request by its route, its statements below it, and nothing that somebody
// could use or that says who it was.
func TestTracesOfASignInHoldNoSecret(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		c := newReceiver(t)
		server := i.with("OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20collector",
			"OTEL_SERVICE_NAME=login-test", "IDP_TRUSTED_PROXIES=127.0.0.1").serve()
		anna := i.visitor()
		anna.signIn(i)
		if status, _ := anna.userinfo(); status != http.StatusOK {
			t.Fatalf("userinfo: %d", status)
		}
		r := request(t, http.MethodGet, i.issuer+"/keys", nil)
		r.Header.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		do(t, r)
		wrong := i.visitor()
		wrong.open(http.MethodGet, i.authorize("linde-web", ""), nil)
		wrong.submit(map[string][]string{"email": {"somebody@example.org"}, "password": {"een heel ander geheim!"}, "do": {"continue"}})
		_, _, _ = get(t, i.issuer+"/wp-admin/a-token-in-the-path")
		server.Terminate() // what is left is sent
		if code := server.Ends(10 * time.Second); code != 0 {
			t.Errorf("exit %d", code)
		}

		token := c.named("POST /token")
		if len(token) != 1 {
			t.Fatalf("%d spans of the token request in\n%s", len(token), c.text.String())
		}
		at := attributes(token[0])
		if at["http.route"] != "/token" || at["idp.route"] != "token" || at["idp.platform"] != "linde" || at["http.response.status_code"] != "200" || !strings.Contains(server.Log.String(), `"reference":"`+at["idp.reference"]+`"`) {
			t.Errorf("token request: %v", at)
		}
		below := map[string]bool{}
		for _, s := range c.spans {
			if string(s.ParentSpanId) == string(token[0].SpanId) {
				below[s.Name] = true
			}
		}
		if !below["UPDATE grants"] {
			t.Errorf("statements below the token request: %v", below)
		}
		for _, name := range []string{"GET /authorize", "POST /login/{journey}/{step}", "GET /authorize/callback", "GET /userinfo", "GET"} {
			if len(c.named(name)) == 0 {
				t.Errorf("no span %s", name)
			}
		}
		if keys := c.named("GET /keys"); len(keys) != 1 || fmt.Sprintf("%x", keys[0].TraceId) != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("the proxy's trace does not go on: %v", keys)
		}
		text := c.text.String()
		if !strings.Contains(text, "login-test") {
			t.Errorf("no OTEL_SERVICE_NAME in\n%s", text)
		}
		secrets := []string{
			annasWords, "paarse", "anna@", "Anna", "somebody", "ander geheim", clientSecret, anna.back.Get("code"), anna.access, anna.refresh,
			verifier, "a-token-in-the-path", "127.0.0.1:" + i.port, i.dsn(), "Go-http-client", "VALUES", "WHERE",
		}
		for _, value := range anna.cookies {
			secrets = append(secrets, value)
		}
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%q is in the traces", s)
			}
		}
	})
}

// A collector that is gone costs no request, and the stop little; what the SDK cannot read is not printed.
func TestCollectorThatIsGoneHarmsNobody(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "")
	i.setUp()
	server := i.with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1/v1/traces", "OTEL_EXPORTER_OTLP_HEADERS=Authorization Bearer hunter2").serve()
	i.visitor().signIn(i)
	server.Terminate()
	if code := server.Ends(10 * time.Second); code != 0 {
		t.Errorf("exit %d", code)
	}
	if log := server.Log.String(); !strings.Contains(log, `"level":"WARN","msg":"traces","error":`) || strings.Contains(log, "hunter2") {
		t.Errorf("log:\n%s", log)
	}
	for _, env := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_TRACES_EXPORTER=jaeger"} {
		name, value, _ := strings.Cut(env, "=")
		i.with("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", env).refused(1, name+`: invalid: "`+value+`"`, "serve")
	}
	if log := i.with("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_SDK_DISABLED=true").serve().Log.String(); strings.Contains(log, "traces") {
		t.Errorf("off, and still:\n%s", log)
	}
}
