package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/keys"
)

type checkedJSON struct {
	Configuration string
	Mistakes      []struct{ Key, Place, Error string }
	Reached       []string
}

// wrong runs a check that must fail, and returns its mistakes as "key: error", in their order.
func (i *install) wrong(args ...string) []string {
	i.t.Helper()
	args = append([]string{"config", "check"}, args...)
	r := i.Run(append(args, "-o", "json")...)
	var c checkedJSON
	if err := json.Unmarshal([]byte(r.Out), &c); err != nil {
		i.t.Fatalf("%v in %q, %s", err, r.Out, r.Err)
	}
	if r.Code != 1 || c.Configuration != "wrong" || strings.Contains(r.Out+r.Err, "hunter2") {
		i.t.Errorf("idp %s: exit %d\n%s%s", args, r.Code, r.Err, r.Out)
	}
	var all []string
	for _, m := range c.Mistakes {
		all = append(all, m.Key+": "+m.Error)
	}
	return all
}

// sameStarts compares texts with how they must begin.
func sameStarts(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	for n := range max(len(got), len(want)) {
		if n >= len(got) || n >= len(want) || !strings.HasPrefix(got[n], want[n]) {
			t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
			return
		}
	}
}

func TestConfigCheckReadsTheFilesThatAreNamed(t *testing.T) {
	i := newInstall(t, "")
	certificate, key := i.certificate("right", 1)
	_, otherKey := i.certificate("other", 2)
	expired, expiredKey := i.certificateFor("expired", 3, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	if err := os.Chmod(expiredKey, 0o644); err != nil {
		t.Fatal(err)
	}
	file := func(cert, key, more string) string {
		return i.File("c.yaml", "tls:\n  cert_file: "+cert+"\n  key_file: "+key+"\n"+more)
	}
	if out := i.OK("config", "check", "--config", file(certificate, key, "")); out != "The configuration is right.\n" {
		t.Errorf("config check: %q", out)
	}
	sameStarts(t, "all at once", i.with("IDP_MASTER_KEYS_FILE=/nowhere/keys", "IDP_SMTP__PASSWORD_FILE=/nowhere/smtp").wrong("--config",
		file("/nowhere/tls.crt", "/nowhere/tls.key", "passwords: { filter: /nowhere/filter }\nlissten: :1\nlog: { level: loud }\n")),
		"lissten: invalid: unknown", "smtp.password: open /nowhere/smtp", "master_keys_file: open /nowhere/keys", "log.level: invalid",
		"tls.cert_file: open /nowhere/tls.crt", "tls.key_file: open /nowhere/tls.key", "passwords.filter: open /nowhere/filter")
	sameStarts(t, "another key", i.wrong("--config", file(certificate, otherKey, "")), "tls: invalid: cert_file and key_file: tls: private key does not match")
	sameStarts(t, "an old one", i.wrong("--config", file(expired, expiredKey, "")),
		"tls.cert_file: expired: the certificate in "+expired, "tls.key_file: refused: "+expiredKey+" may be used by everybody")
	sameStarts(t, "an empty one", i.wrong("--config", file(i.File("empty", ""), key, "")), "tls.cert_file: invalid: "+filepath.Join(i.Dir, "empty")+" is empty")
	sameStarts(t, "no filter", i.wrong("--config", file(certificate, key, "passwords: { filter: "+key+" }\n")), "passwords.filter: "+key+": invalid: password filter")
	i.refused(1, "c.yaml line 5: passwords.filter: open /nowhere/filter: no such file", "config", "check", "--config",
		file(certificate, key, "passwords:\n  filter: /nowhere/filter\n"))
	sameStarts(t, "no YAML", i.wrong("--config", i.File("broken.yaml", "log: {")), ": invalid: yaml: line 1")
}

func TestConfigCheckConnects(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		if strings.HasPrefix(i.dsn(), "sqlite:") {
			sameStarts(t, "no database", i.wrong("--connect"), "database: open "+strings.TrimPrefix(i.dsn(), "sqlite:"))
			if left, err := filepath.Glob(filepath.Join(i.Dir, "idp.db*")); err != nil || len(left) > 0 {
				t.Errorf("the check made %s, %v", left, err)
			}
		} else {
			sameStarts(t, "empty database", i.wrong("--connect"), "database: stale: the database has schema version 0")
			sameStarts(t, "no server", i.with("IDP_DATABASE=postgres://idp:hunter2@127.0.0.1:1/idp").wrong("--connect"), "database: ")
		}
		i.setUp()
		host, port, err := net.SplitHostPort(mailHost(t))
		if err != nil {
			t.Fatal(err)
		}
		withMail := i.with("IDP_SMTP__HOST="+host, "IDP_SMTP__PORT="+port, "IDP_SMTP__FROM=login@example.org", "IDP_SMTP__TLS=none")
		if out := withMail.OK("config", "check", "--connect"); out != "The configuration is right.\nThe database answers, with the schema of this version.\nThe mail server answers.\n" {
			t.Errorf("config check --connect: %q", out)
		}
		var c checkedJSON
		if withMail.read(&c, "config", "check", "--connect"); c.Configuration != "ok" || len(c.Mistakes) != 0 || fmt.Sprint(c.Reached) != "[database smtp]" {
			t.Errorf("config check --connect: %+v", c)
		}
		sameStarts(t, "another master key, no TLS", withMail.with("IDP_MASTER_KEYS_FILE="+i.File("other", keys.NewMaster()), "IDP_SMTP__TLS=starttls").wrong("--connect"),
			"master_keys: ", "smtp: unavailable: ")
		sameStarts(t, "nobody there", withMail.with("IDP_SMTP__PORT=1").wrong("--connect"), "smtp: unavailable: ")
	})
}

// mailHost is a mail server that knows no TLS and fails the test when it is handed a mail.
func mailHost(t *testing.T) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test is over
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go greet(t, conn)
		}
	}()
	return l.Addr().String()
}

func greet(t *testing.T, conn net.Conn) {
	defer func() { _ = conn.Close() }()                // all is said
	_, _ = fmt.Fprint(conn, "220 mail.test ESMTP\r\n") // an error shows in the next line
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		verb, _, _ := strings.Cut(lines.Text(), " ")
		answer := "250 OK"
		switch verb {
		case "MAIL", "RCPT", "DATA":
			t.Errorf("the check sends: %s", lines.Text())
		case "QUIT":
			answer = "221 Bye"
		}
		_, _ = fmt.Fprint(conn, answer+"\r\n") // as above
	}
}

// Commands that serve nobody do not ask how the server is reached.
func TestCommandsDoNotAskForListeners(t *testing.T) {
	i := newInstall(t, "")
	i.setUp()
	unreachable := i.with("IDP_LISTEN=:8443", "IDP_OPERATOR_LISTEN=x")
	unreachable.OK("migrate")
	unreachable.OK("account", "list", "--platform", "linde")
	unreachable.OK("apply", i.sample())
	sameStarts(t, "check", unreachable.wrong(), "operator_listen: invalid", "tls: invalid: missing")
	i.with("IDP_LISTEN=:8443").refused(1, "tls: invalid: missing", "serve")
	i.with("IDP_LOG__LEVEL=loud").refused(1, "log.level", "account", "list", "--platform", "linde")
	i.with("IDP_MASTER_KEYS_FILE=").refused(1, "master_keys: invalid: missing", "account", "list", "--platform", "linde")
}
