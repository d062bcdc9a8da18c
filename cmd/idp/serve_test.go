package main_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/storage"
	"github.com/minddistrict/idp/test/program"
)

func TestServeAnswersAndStopsGracefully(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		server := i.serve()

		if status, header, body := get(t, i.issuer+"/.well-known/openid-configuration"); status != 200 || !strings.Contains(body, `"issuer":"`+i.issuer+`"`) || header.Get("ETag") == "" {
			t.Errorf("discovery: %d %s", status, body)
		}
		for path, want := range map[string]string{"/healthz": `{"status":"alive"}`, "/readyz": `{"status":"ready"}`, "/metrics": `idp_requests_total{route="discovery",status="200"} 1`} {
			if status, _, body := get(t, i.operator+path); status != 200 || !strings.Contains(body, want) {
				t.Errorf("%s: %d, no %s in %.300s", path, status, want, body)
			}
			if status, _, _ := get(t, i.issuer+path); status != 404 {
				t.Errorf("%s is on the public listener: %d", path, status)
			}
		}
		places := func() string {
			_, _, body := get(t, i.operator+"/metrics")
			return regexp.MustCompile(`(?m)^go_sched_gomaxprocs_threads .*`).FindString(body)
		}
		if got, want := places(), fmt.Sprintf("go_sched_gomaxprocs_threads %d", runtime.GOMAXPROCS(0)); got != want {
			t.Errorf("before a password is hashed %q, want %q", got, want)
		}
		if status, _, body := get(t, i.operator+"/.well-known/openid-configuration"); status != 404 {
			t.Errorf("the operator's listener answers people: %d %s", status, body)
		}
		for _, host := range []string{"evil.example", "127.0.0.1:" + i.port, "localhost:1"} {
			r := request(t, http.MethodGet, i.issuer+"/p/nowhere", nil)
			r.Host = host
			if status, header, body := do(t, r); status != 404 || body != "404 page not found\n" || header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("host %s: %d %s", host, status, body)
			}
		}
		if status, _, body := get(t, i.issuer+"/p/nowhere"); status != 404 || strings.Contains(body, "nowhere") {
			t.Errorf("unknown path: %d %s", status, body)
		}
		// They are more while a password is hashed and a moment longer, so people sign in until that was seen.
		seen, signedIn := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(signedIn)
			for more := true; more; {
				i.visitor().signIn(i)
				select {
				case <-seen:
					more = false
				default:
				}
			}
		}()
		server.Soon(20*time.Second, "given a place more for each worker while a password is hashed", func() bool {
			return places() == fmt.Sprintf("go_sched_gomaxprocs_threads %d", 2*runtime.GOMAXPROCS(0)) // a worker per core unless it is set
		})
		close(seen)
		<-signedIn

		// A request that is under way when the signal comes is answered; nobody new is let in.
		slow := beginRequest(t, i)
		server.Terminate()
		server.Soon(5*time.Second, "closed", func() bool { status, _, _ := get(t, i.issuer+"/keys"); return status == 0 })
		if status, body := slow.finish(t); status != http.StatusBadRequest || !strings.Contains(body, "invalid_grant") {
			t.Errorf("the slow request: %d %s", status, body)
		}
		if code := server.Ends(5 * time.Second); code != 0 {
			t.Errorf("exit %d:\n%s", code, server.Log)
		}
		if log := server.Log.String(); !strings.Contains(log, `"msg":"stopping"`) || strings.Contains(log, annasWords) || strings.Contains(log, clientSecret) {
			t.Errorf("log:\n%s", log)
		}
	})
}

// slowRequest is one of which the server waits for the body.
type slowRequest struct {
	conn net.Conn
	in   *bufio.Reader
}

const slowBody = "grant_type=refresh_token&refresh_token=x"

// beginRequest returns when the handler has begun to read: only then the server says to continue (RFC 9110 section 10.1.1).
func beginRequest(t *testing.T, i *install) slowRequest {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+i.port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // closed by the server before
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST /token HTTP/1.1\r\nHost: localhost:%s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nAuthorization: Basic %s\r\nExpect: 100-continue\r\n\r\n",
		i.port, len(slowBody), base64.StdEncoding.EncodeToString([]byte("linde-web:"+clientSecret)))
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return slowRequest{conn, in}
}

// finish sends the body and returns the answer.
func (s slowRequest) finish(t *testing.T) (int, string) {
	t.Helper()
	if _, err := io.WriteString(s.conn, slowBody); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestServeStopsAfterTheGraceAtTheLatest(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "").with("IDP_SHUTDOWN_GRACE=1s")
	i.setUp()
	server := i.serve()
	beginRequest(t, i)
	begin := time.Now()
	server.Terminate()
	code := server.Ends(5 * time.Second)
	if took := time.Since(begin); code != 1 || took < 900*time.Millisecond || !strings.Contains(server.Log.String(), "idp: stopping: requests still ran after 1s (shutdown_grace) and were cut off\n") {
		t.Errorf("exit %d after %s:\n%s", code, took, server.Log)
	}
}

// Whatever keeps the server from starting is said in one sentence.
func TestServeRefusesToStart(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.refused(1, "schema version 0 and this program needs", "serve")
		i.setUp()
		i.with("IDP_MASTER_KEYS_FILE="+i.File("other", keys.NewMaster())).refused(1, "sealed under a master key that is not configured", "serve")

		i.exec("INSERT INTO schema_versions (version_id, is_applied) VALUES (9999, TRUE)")
		i.refused(1, "schema version 9999 and this program knows up to", "serve")
		i.refused(1, "schema version 9999 and this program knows up to", "migrate")
	})
}

// `idp migrate` of the next release has run: the server that runs goes on, and is ready, until it is replaced.
func TestServerGoesOnWhileTheNextReleaseMigrates(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		server := i.serve()
		anna := i.visitor()
		anna.signIn(i)
		i.exec("ALTER TABLE accounts ADD COLUMN of_the_next_release TEXT NOT NULL DEFAULT ''")
		i.exec("ALTER TABLE sessions ADD COLUMN of_the_next_release BIGINT")
		i.exec("INSERT INTO schema_versions (version_id, is_applied) VALUES (9999, TRUE)")
		for range 3 {
			if status, _, body := get(t, i.operator+"/readyz"); status != http.StatusOK {
				t.Errorf("readyz: %d %s", status, body)
			}
		}
		if status, body := anna.userinfo(); status != http.StatusOK {
			t.Errorf("userinfo: %d %s", status, body)
		}
		if status, _, body := anna.refreshed(); status != http.StatusOK {
			t.Errorf("refresh: %d %s", status, body)
		}
		i.visitor().signIn(i)
		i.OK("health")
		said := func() int { return strings.Count(server.Log.String(), "the schema is newer now") }
		server.Soon(5*time.Second, "said that the schema is newer", func() bool { return said() > 0 })
		if n := said(); n != 1 {
			t.Errorf("said %d times, want once:\n%s", n, server.Log)
		}
		i.refused(1, "schema version 9999 and this program knows up to", "serve")

		i.exec("DELETE FROM schema_versions WHERE version_id > 3") // an older backup was restored below the server
		if status, _, body := get(t, i.operator+"/readyz"); status != http.StatusServiceUnavailable {
			t.Errorf("readyz on an older schema: %d %s", status, body)
		}
	})
}

// dsn is the database that the commands are told.
// exec runs a statement.
func (i *install) exec(text string) {
	i.t.Helper()
	i.inDatabase(func(db *storage.DB) error {
		_, err := db.SQL().Exec(text)
		return err
	})
}

func (i *install) dsn() string {
	for _, entry := range i.Env {
		if dsn, ok := strings.CutPrefix(entry, "IDP_DATABASE="); ok {
			return dsn
		}
	}
	return ""
}

func TestServeSaysWhatIsWrongWithItsConfiguration(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "")
	i.setUp()
	certificate, key := i.certificate("linde", 1)
	_, otherKey := i.certificate("other", 2)
	expired, expiredKey := i.certificateFor("expired", 3, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 3, 9, 23, 59, 0, 0, time.UTC))
	early, earlyKey := i.certificateFor("early", 4, time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
	open, openKey := i.certificate("open", 5)
	openMasters := i.File("open-masters", keys.NewMaster())
	openDatabase := i.File("open-database", i.dsn())
	for _, path := range []string{openKey, openMasters, openDatabase} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // the test is over
	occupied := taken.Addr().String()
	tlsFiles := func(certificate, key string) []string {
		return []string{"IDP_TLS__CERT_FILE=" + certificate, "IDP_TLS__KEY_FILE=" + key}
	}
	for _, c := range []struct {
		env  []string
		want string
	}{
		{[]string{"IDP_LISTEN=" + occupied}, "address already in use"},
		{[]string{"IDP_OPERATOR_LISTEN=" + occupied}, "operator_listen: listen tcp " + occupied + ": bind: address already in use"},
		{tlsFiles("/nowhere/tls.crt", key), "tls: stat /nowhere/tls.crt: no such file"},
		{tlsFiles(certificate, "/nowhere/tls.key"), "tls: open /nowhere/tls.key: no such file"},
		{tlsFiles(certificate, otherKey), "private key does not match"},
		{tlsFiles(key, key), "tls: "},
		{tlsFiles(expired, expiredKey), "tls: expired: the certificate in " + expired + " ended on 9 March 2025 23:59 UTC"},
		{tlsFiles(early, earlyKey), "tls: refused: the certificate in " + early + " begins on 1 January 2199 00:00 UTC"},
		{tlsFiles(open, openKey), "tls: refused: " + openKey + " may be used by everybody (mode 0644): chmod 0600"},
		{[]string{"IDP_MASTER_KEYS_FILE=" + openMasters}, "refused: " + openMasters + " may be used by everybody (mode 0644): chmod 0600"},
		{tlsFiles(certificate, ""), "missing beside tls.cert_file"},
		{[]string{"IDP_LISTEN=:8443"}, "tls: invalid: missing"},
		{[]string{"IDP_DATABASE=mysql://x"}, "IDP_DATABASE: database: invalid: sqlite:PATH or postgres://"},
		{[]string{"IDP_DATABASE=sqlite:" + i.Dir + "/no/such/folder/idp.db"}, "no such file or directory"},
		{[]string{"IDP_DATABASE=postgres://idp:hunter2@127.0.0.1:1/idp?sslmode=disable"}, "connection refused"},
		{[]string{"IDP_MASTER_KEYS_FILE=/nowhere/keys"}, "IDP_MASTER_KEYS_FILE: master_keys_file: open /nowhere/keys: no such file"},
		{[]string{"IDP_LOG__LEVEL=loud"}, `log.level: invalid: "loud": debug, info, warn or error`},
	} {
		broken := i.with(c.env...)
		broken.refused(1, c.want, "serve")
		if r := broken.Run("serve"); strings.Contains(r.Err, "hunter2") {
			t.Errorf("a password is shown: %s", r.Err)
		}
	}
	i.refused(1, "open nowhere.yaml: no such file", "serve", "--config", "nowhere.yaml")
	i.Env = slices.DeleteFunc(i.Env, func(entry string) bool { return strings.HasPrefix(entry, "IDP_DATABASE=") })
	i.with("IDP_DATABASE_FILE="+openDatabase).refused(1, "IDP_DATABASE_FILE: database: refused: "+openDatabase+" may be used by everybody (mode 0644): chmod 0600", "serve")
}

// certificate writes a self-signed certificate and its key.
func (i *install) certificate(name string, serial int64) (certificate, key string) {
	i.t.Helper()
	return i.certificateFor(name, serial, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

func (i *install) certificateFor(name string, serial int64, from, to time.Time) (certificate, key string) {
	i.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: from, NotAfter: to,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		i.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		i.t.Fatal(err)
	}
	return i.File(name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		i.File(name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

func TestRenewedCertificateNeedsNoRestart(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "")
	i.issuer = "https://localhost:" + i.port
	i.setUp()
	certificate, key := i.certificate("tls", 1)
	server := i.with("IDP_TLS__CERT_FILE="+certificate, "IDP_TLS__KEY_FILE="+key).serve()
	serial := func() string {
		insecure := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true, // the certificate is looked at, not trusted
		}}
		res, err := insecure.Get(i.issuer + "/.well-known/openid-configuration")
		if err != nil {
			return err.Error()
		}
		_ = res.Body.Close() // not read
		return fmt.Sprintf("%d, %s, %s, %s", res.StatusCode, res.Proto, res.Header.Get("Strict-Transport-Security"), res.TLS.PeerCertificates[0].SerialNumber)
	}
	want := func(what, want string) {
		t.Helper()
		if got := serial(); got != "200, HTTP/2.0, max-age=31536000, "+want {
			t.Errorf("%s: %s, want certificate %s", what, got, want)
		}
	}
	troubles := func(want ...string) {
		t.Helper()
		log, at := server.Log.String(), 0
		for _, text := range want {
			found := strings.Index(log[at:], `"level":"ERROR","msg":"renewed certificate","error":"`+text)
			if found < 0 {
				t.Fatalf("no error %q, in this order, in\n%s", text, log)
			}
			at += found + 1
		}
		if got := strings.Count(log, `"msg":"renewed certificate"`); got != len(want) {
			t.Errorf("%d errors, want %d:\n%s", got, len(want), log)
		}
	}
	want("at first", "1")
	troubles()
	renewed, renewedKey := i.certificate("renewed", 2)
	replace := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	replace(renewed, certificate)
	want("half a renewal", "1")
	want("half a renewal, again", "1")
	troubles("tls: private key does not match public key")
	replace(renewedKey, key)
	want("renewed", "2")
	if err := os.Remove(certificate); err != nil {
		t.Fatal(err)
	}
	want("removed", "2")
	ended, endedKey := i.certificateFor("ended", 3, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	replace(ended, certificate)
	replace(endedKey, key)
	want("renewed with one that has ended", "2")
	troubles("tls: private key does not match public key", "stat "+certificate+": no such file or directory", "expired: the certificate in "+certificate+" ended on ")
	for range 2 {
		if _, err := tls.Dial("tcp", "127.0.0.1:"+i.port, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
			t.Error("TLS 1.1 is spoken")
		}
	}
	if status, _, _ := get(t, strings.Replace(i.issuer, "https", "http", 1)+"/keys"); status != http.StatusBadRequest && status != 0 {
		t.Errorf("plain HTTP on the TLS port: %d", status)
	}
	server.Terminate()
	if code := server.Ends(5 * time.Second); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// CVE-2024-47070: who is not a trusted proxy cannot choose the address that throttling and audit see.
func TestForwardedAddressCountsFromTrustedPeersOnly(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "")
	i.setUp()
	for proxies, want := range map[string]string{"": "127.0.0.1", "10.0.0.0/8": "127.0.0.1", "127.0.0.0/8": "203.0.113.9"} {
		server := i.with("IDP_TRUSTED_PROXIES=" + proxies).serve()
		r := request(t, http.MethodGet, i.issuer+"/logged-out", nil)
		r.Header.Set("X-Forwarded-For", "198.51.100.7, 203.0.113.9")
		if status, _, body := do(t, r); status != 200 {
			t.Errorf("%d %s", status, body)
		}
		server.Terminate()
		server.Ends(5 * time.Second)
		if log := server.Log.String(); !strings.Contains(log, `"path":"/logged-out","status":200`) || !strings.Contains(log, `"address":"`+want+`"`) || strings.Contains(log, "198.51.100.7") {
			t.Errorf("trusted %q: no address %s in\n%s", proxies, want, log)
		}
	}
}

// What another process changes counts at the running server within a second.
func TestOtherProcessesChangesCountWithinASecond(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		server := i.serve()
		anna := i.visitor()
		anna.signIn(i)
		if status, body := anna.userinfo(); status != 200 || !strings.Contains(body, "anna@example.org") {
			t.Fatalf("userinfo: %d %s", status, body)
		}
		if got := anna.silently(i); got != "true" {
			t.Fatalf("silent check: %s", got)
		}

		i.OK("account", "deactivate", "anna@example.org", "--platform", "linde", "--reason", "left")
		server.Soon(time.Second, "out", func() bool { status, _ := anna.userinfo(); return status == http.StatusUnauthorized })
		if status, _, body := anna.refreshed(); status != 400 || !strings.Contains(body, "invalid_grant") {
			t.Errorf("refresh of a deactivated account: %d %s", status, body)
		}
		if got := anna.silently(i); got != "login_requiredfalse" {
			t.Errorf("silent check of a deactivated account: %s", got)
		}
		i.OK("account", "reactivate", "anna@example.org", "--platform", "linde", "--reason", "returned")
		if status, _ := anna.userinfo(); status != http.StatusUnauthorized {
			t.Errorf("an ended token works again: %d", status)
		}
		i.visitor().signIn(i)

		newcomer := i.visitor()
		if newcomer.open(http.MethodGet, i.authorize("new-web", ""), nil); newcomer.status != 400 {
			t.Errorf("unknown party: %d", newcomer.status)
		}
		i.OK("party", "add", "new-web", "--platform", "linde", "--redirect-uri", redirectURI, "--id-token-alg", "EdDSA", "--secret-file", i.File("secret", clientSecret))
		server.Soon(time.Second, "known", func() bool {
			newcomer.open(http.MethodGet, i.authorize("new-web", ""), nil)
			return newcomer.status == 200
		})
		if _, _, body := get(t, i.issuer+"/.well-known/openid-configuration"); !strings.Contains(body, "EdDSA") {
			t.Errorf("discovery does not tell of the new algorithm: %s", body)
		}
		if _, _, body := get(t, i.issuer+"/keys"); !strings.Contains(body, `"OKP"`) {
			t.Errorf("the new key is not published: %s", body)
		}
		stays := i.visitor()
		stays.signIn(i)
		i.OK("party", "disable", "linde-web", "--platform", "linde")
		server.Soon(time.Second, "out", func() bool { status, _ := stays.userinfo(); return status == http.StatusUnauthorized })
		if status, _, body := stays.refreshed(); status != 401 || !strings.Contains(body, "invalid_client") {
			t.Errorf("refresh of a disabled party: %d %s", status, body)
		}
		if newcomer.open(http.MethodGet, i.authorize("linde-web", ""), nil); newcomer.status != 400 {
			t.Errorf("authorize of a disabled party: %d", newcomer.status)
		}
		if out := i.OK("apply", i.sample()); strings.Contains(out, "party") {
			t.Errorf("apply of the same file: %q", out)
		}
		if out := i.OK("party", "show", "linde-web", "--platform", "linde"); !strings.Contains(out, "\ndisabled   since ") {
			t.Errorf("enabled by a file: %q", out)
		}
		i.OK("party", "enable", "linde-web", "--platform", "linde")
		server.Soon(time.Second, "back", func() bool { status, _ := stays.userinfo(); return status == http.StatusOK })
		i.recorded("linde", "party.set disabled", "party.set enabled")
		i.OK("platform", "add", "wilg", "--issuer", i.issuer+"/p/wilg", "--organisation", "De Wilg", "--home-url", "https://wilg.example.net")
		server.Soon(time.Second, "known", func() bool {
			status, _, _ := get(t, i.issuer+"/p/wilg/.well-known/openid-configuration")
			return status == 200
		})
	})
}

func TestDevServesEverythingWithinFiveSeconds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "dev")
	for _, run := range []string{"first", "again"} {
		i := newInstall(t, "")
		sitePort := program.FreePort(t)
		site := "http://localhost:" + sitePort
		i.Env = []string{"HOME=" + i.Dir, "PATH=/nowhere"}
		begin := time.Now()
		dev := i.start("dev", "--dir", dir, "--port", i.port, "--site-port", sitePort)
		dev.Soon(5*time.Second, "serving", func() bool {
			for _, address := range []string{i.issuer + "/.well-known/openid-configuration", i.issuer + "/p/wilg/.well-known/openid-configuration", site + "/"} {
				if status, _, _ := get(t, address); status != 200 {
					return false
				}
			}
			return true
		})
		t.Logf("%s: %s", run, time.Since(begin))
		for _, want := range []string{
			"Open  " + site, i.issuer, site + "/dev/outbox", "anna@example.org", annasWords, "GGZ De Linde  " + site + "/linde/",
			"Praktijk De Wilg  " + site + "/wilg/", "code of an app: on the start page", "code by text message: in the outbox", "(invited: see the outbox)",
		} {
			if out := dev.Out.String(); !strings.Contains(out, want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		}
		// From the site to the login page, with the credentials it printed, and back: somebody is signed in there.
		anna := i.visitor()
		anna.open(http.MethodGet, site+"/linde/login", nil)
		anna.submit(url.Values{"email": {"anna@example.org"}, "password": {annasWords}, "do": {"continue"}})
		if anna.status != 200 || anna.page != site+"/linde/" || !strings.Contains(anna.body, "anna@example.org") {
			t.Errorf("back at %s (%d):\n%s", anna.page, anna.status, anna.body)
		}
		config := filepath.Join(dir, "idp.yaml")
		if want := "idp --config " + config + " account list --platform linde\n"; !strings.Contains(dev.Out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, dev.Out)
		}
		if out := i.OK("--config", config, "account", "list", "--platform", "linde"); !strings.Contains(out, "anna@example.org") {
			t.Errorf("account list beside it: %s", out)
		}
		i.OK("--config", config, "config", "check", "--connect")
		taken := i.Run("dev", "--dir", filepath.Join(i.Dir, "other"), "--port", i.port, "--site-port", program.FreePort(t))
		if taken.Code != 1 || !strings.Contains(taken.Err, "address already in use (another `idp dev`? --port and --site-port choose others)") {
			t.Errorf("a second one on the same port: exit %d, %s", taken.Code, taken.Err)
		}
		dev.Terminate()
		if code := dev.Ends(5 * time.Second); code != 0 {
			t.Errorf("exit %d:\n%s", code, dev.Log)
		}
	}
	for name, want := range map[string]os.FileMode{"master-key": 0o600, "idp.db": 0o600, "idp.yaml": 0o600, ".": 0o700} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %o", name, info.Mode(), err, want)
		}
	}
}
