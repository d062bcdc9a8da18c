package conformance_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/conformance"
)

// TestServeOverTLS asks the built program, as docs/conformance.md sets it up: TLS, PostgreSQL, an issuer with a path,
// real time.
func TestServeOverTLS(t *testing.T) {
	t.Parallel()
	i := newInstall(t)
	i.command("migrate")
	told := &conformance.Receiver{}
	receiver := httptest.NewServer(told)
	defer receiver.Close()
	file := strings.ReplaceAll(testdata(t, "apply.yaml", i.issuer), suiteBase+"/test/a/minddistrict-idp/backchannel_logout", receiver.URL)
	i.command("apply", i.file("apply.yaml", []byte(file)))
	i.serve()
	check(t, "idp serve, TLS, PostgreSQL, "+i.issuer, &conformance.Suite{
		Config: plan(t, i.issuer), Configs: plans(t, i.issuer), Base: suiteBase, HTTP: i.transport, TLS: i.transport.TLSClientConfig, Now: time.Now, Sleep: time.Sleep, Told: told, Parallel: 4,
	})
}

// install is the program with a database, a certificate and a port of its own.
type install struct {
	t         *testing.T
	dir       string
	binary    string
	issuer    string
	env       []string // nothing of ours leaks in
	transport *http.Transport
}

func newInstall(t *testing.T) *install {
	t.Helper()
	i := &install{t: t, dir: t.TempDir()}
	i.binary = filepath.Join(i.dir, "idp")
	if out, err := exec.Command("go", "build", "-o", i.binary, "../../cmd/idp").CombinedOutput(); err != nil {
		t.Fatalf("building idp: %v\n%s", err, out)
	}
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	i.issuer = "https://localhost:" + port + "/p/linde"
	cert, key := i.certificate()
	master := make([]byte, 32)
	_, _ = rand.Read(master) // never fails
	i.env = []string{
		"IDP_DATABASE=" + idptest.EmptyPostgres(t),
		"IDP_MASTER_KEYS_FILE=" + i.file("master-keys", []byte(base64.StdEncoding.EncodeToString(master)+"\n")),
		"IDP_LISTEN=" + address, "IDP_OPERATOR_LISTEN=" + freeAddress(t),
		"IDP_TLS__CERT_FILE=" + cert, "IDP_TLS__KEY_FILE=" + key, "IDP_LOG__LEVEL=warn", "IDP_OUTBOUND__ALLOW=127.0.0.0/8",
		// Senders that nothing is sent with here: without them it warns, and any output fails the test.
		"IDP_SMTP__HOST=localhost", "IDP_SMTP__TLS=none", "IDP_SMTP__FROM=login@example.org",
		"IDP_SMS__FIRST__KIND=webhook", "IDP_SMS__FIRST__URL=https://sms.example.org/send", "IDP_SMS__FIRST__FORMAT=form", "IDP_SMS__FIRST__BODY=to={to}&text={text}",
	}
	return i
}

// file writes a file that only its owner may read.
func (i *install) file(name string, content []byte) string {
	i.t.Helper()
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		i.t.Fatal(err)
	}
	return path
}

// certificate makes a certificate for localhost that signs itself, and a transport that believes it and nothing else.
func (i *install) certificate() (certFile, keyFile string) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		i.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		i.t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	believed := x509.NewCertPool()
	believed.AppendCertsFromPEM(cert)
	i.transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: believed}, ForceAttemptHTTP2: true}
	i.t.Cleanup(i.transport.CloseIdleConnections)
	return i.file("cert.pem", cert), i.file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// command runs a command of the program to its end.
func (i *install) command(args ...string) {
	i.t.Helper()
	c := exec.CommandContext(i.t.Context(), i.binary, args...)
	c.Env, c.Dir = i.env, i.dir
	if out, err := c.CombinedOutput(); err != nil {
		i.t.Fatalf("idp %v: %v\n%s", args, err, out)
	}
}

// serve starts the program, waits until it answers, and stops it with the test: it must end by itself.
func (i *install) serve() {
	i.t.Helper()
	c := exec.Command(i.binary, "serve")
	var log bytes.Buffer // read after the end only
	c.Env, c.Dir, c.Stderr = i.env, i.dir, &log
	if err := c.Start(); err != nil {
		i.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	i.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // fails when it ended, which is seen below
		select {
		case err := <-ended:
			if err != nil || log.Len() > 0 {
				i.t.Errorf("idp serve: %v\n%s", err, log.String())
			}
		case <-time.After(30 * time.Second):
			_ = c.Process.Kill() // it hangs; told below
			i.t.Error("idp serve does not stop")
		}
	})
	client := &http.Client{Transport: i.transport, Timeout: time.Second}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		res, err := client.Get(i.issuer + "/.well-known/openid-configuration")
		if err == nil {
			_ = res.Body.Close() // only the answer matters
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(end) {
			i.t.Fatalf("idp serve does not answer: %v", err)
		}
	}
}

// freeAddress is an address on loopback that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it only reserved the number
	return l.Addr().String()
}
