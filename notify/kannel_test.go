package notify_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/notify"
)

const kannelConfig = `
group = core
admin-port = %[1]d
admin-password = unused
admin-interface = 127.0.0.1
smsbox-port = %[2]d
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
store-type = file
store-location = %[5]s/store
dlr-storage = internal
log-file = %[5]s/bearerbox.log

group = smsc
smsc = fake
smsc-id = fake
host = localhost
port = %[3]d
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = localhost
bearerbox-port = %[2]d
sendsms-port = %[4]d
sendsms-interface = 127.0.0.1
log-file = %[5]s/smsbox.log

group = sendsms-user
username = idp
password = hunter2
max-messages = 1

group = sms-service
keyword = default
max-messages = 0
text = ""
`

// kannel is Kannel with its fake operator, on ports of its own.
type kannel struct {
	send string // address of sendsms

	mu       sync.Mutex
	operator bytes.Buffer // what the operator got
}

func (k *kannel) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.operator.Write(b)
}

func (k *kannel) got() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.operator.String()
}

func startKannel(t *testing.T) *kannel {
	t.Helper()
	dir := t.TempDir()
	var ports [4]any
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l.Addr().(*net.TCPAddr).Port
		_ = l.Close() // Kannel takes it
	}
	config := filepath.Join(dir, "kannel.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, kannelConfig, append(ports[:], dir)...), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &kannel{send: fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms", ports[3])}
	run := func(out io.Writer, name string, args ...string) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, dir
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = 5 * time.Second
		if err := cmd.Start(); err != nil {
			t.Fatalf("%s (`make test` installs it): %v", name, err)
		}
		t.Cleanup(func() { _ = cmd.Wait() }) // it was told to end
	}
	listening := func(port any) {
		t.Helper()
		for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				_ = c.Close()
				return
			}
			if time.Now().After(deadline) {
				log, _ := os.ReadFile(filepath.Join(dir, "bearerbox.log"))
				t.Fatalf("Kannel does not listen: %v\n%s", err, log)
			}
		}
	}
	run(io.Discard, "/usr/sbin/bearerbox", config)
	listening(ports[1])
	listening(ports[2])
	run(k, "/usr/lib/kannel/test/fakesmsc", "-H", "127.0.0.1", "-r", fmt.Sprint(ports[2]), "-m", "1", "1 2 text nop")
	run(io.Discard, "/usr/sbin/smsbox", config)
	listening(ports[3])
	return k
}

// TestKannelDeliversThroughTheWebhook: a gateway that we did not write takes our messages and reports what became of them.
func TestKannelDeliversThroughTheWebhook(t *testing.T) {
	k := startKannel(t)
	reported := make(chan string, 100)
	var hook notify.Reporter
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if id, state := hook.Report(r); state != "" {
			reported <- id + " " + state + " " + r.URL.Path
		}
	}))
	defer site.Close()
	account := notify.GatewayAccount{
		Name: "first", Kind: "webhook", URL: k.send, Token: "hunter2", Sender: "Login", Format: "query", ReportSecret: "0123456789abcdef0123456789abcdef",
		Body:   "username=idp&password={token}&from={sender}&to={to}&charset=UTF-8&coding=0&text={text}&dlr-mask=19&dlr-url={report_url}%26status%3D%25d",
		Client: outbound.NewClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
	}
	hook, err := notify.NewGateway(account)
	if err != nil {
		t.Fatal(err)
	}
	message := notify.Text{ID: secret.ID(), To: "+31612345678", Body: "014874 is je code voor Café & Co. Geef deze code aan niemand.\n@login.linde.test #014874", Origin: site.URL}
	// the operator connects in a moment
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if err = hook.SendText(t.Context(), message); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(k.got(), "#014874"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the operator got %q", k.got())
		}
	}
	if want := "<Login +31612345678 text 014874 is je code voor Café & Co. Geef deze code aan niemand.>"; !strings.Contains(k.got(), want) {
		t.Errorf("the operator got %q, want %s", k.got(), want)
	}
	select {
	case got := <-reported:
		if want := message.ID + " delivered /sms/report/first/0123456789abcdef0123456789abcdef"; got != want {
			t.Errorf("reported %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Error("no report of the delivery")
	}
	account.Token = "wrong"
	stranger, err := notify.NewGateway(account)
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.SendText(t.Context(), message); err == nil || strings.Contains(err.Error(), "wrong") || strings.Contains(err.Error(), "612345678") {
		t.Errorf("with a wrong password: %v", err)
	}
}
