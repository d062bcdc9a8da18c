package conformance_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/conformance"
	"github.com/minddistrict/idp/test/program"
)

// TestServeOverTLS asks the built program, as docs/conformance.md sets it up: TLS, PostgreSQL, an issuer with a path,
// real time.
func TestServeOverTLS(t *testing.T) {
	t.Parallel()
	i := newInstall(t)
	i.OK("migrate")
	told := &conformance.Receiver{}
	receiver := httptest.NewServer(told)
	defer receiver.Close()
	file := strings.ReplaceAll(testdata(t, "apply.yaml", i.issuer), suiteBase+"/test/a/minddistrict-idp/backchannel_logout", receiver.URL)
	i.OK("apply", i.File("apply.yaml", file))
	i.serve()
	check(t, "idp serve, TLS, PostgreSQL, "+i.issuer, &conformance.Suite{
		Config: plan(t, i.issuer), Configs: plans(t, i.issuer), Base: suiteBase, HTTP: i.transport, TLS: i.transport.TLSClientConfig, Now: time.Now, Sleep: time.Sleep, Told: told, Parallel: 4,
	})
}

// install is the program with a database, a certificate and a port of its own.
type install struct {
	*program.Install
	issuer    string
	transport *http.Transport // believes its certificate and nothing else
}

func newInstall(t *testing.T) *install {
	t.Helper()
	address := program.FreeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	i := &install{Install: program.NewInstall(t, idptest.EmptyPostgres(t)), issuer: "https://localhost:" + port + "/p/linde"}
	certificate := i.Certify()
	i.transport = certificate.Transport
	i.Env = append(i.Env, "IDP_LISTEN="+address, "IDP_OPERATOR_LISTEN="+program.FreeAddress(t), "IDP_LOG__LEVEL=warn",
		"IDP_TLS__CERT_FILE="+certificate.Chain, "IDP_TLS__KEY_FILE="+certificate.Key, "IDP_OUTBOUND__ALLOW=127.0.0.0/8",
		// Senders that nothing is sent with here: without them it warns, and any output fails the test.
		"IDP_SMTP__HOST=localhost", "IDP_SMTP__TLS=none", "IDP_SMTP__FROM=login@example.org",
		"IDP_SMS__FIRST__KIND=webhook", "IDP_SMS__FIRST__URL=https://sms.example.org/send", "IDP_SMS__FIRST__FORMAT=form",
		"IDP_SMS__FIRST__BODY=to={to}&text={text}")
	return i
}

// serve starts the program, waits until it answers, and stops it with the test: it must end by itself, and say nothing.
func (i *install) serve() {
	i.T.Helper()
	p := i.Start([]string{"serve"})
	i.T.Cleanup(func() {
		p.Terminate()
		if code := p.Ends(program.StopTime); code != 0 || p.Log.String() != "" {
			i.T.Errorf("idp serve: exit code %d\n%s", code, p.Log)
		}
	})
	client := &http.Client{Transport: i.transport, Timeout: time.Second}
	p.Soon(20*time.Second, "answering", func() bool {
		res, err := client.Get(i.issuer + "/.well-known/openid-configuration")
		if err != nil {
			return false
		}
		_ = res.Body.Close() // only the status matters
		return res.StatusCode == http.StatusOK
	})
}
