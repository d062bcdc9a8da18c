package program

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
)

// ports are those that FreePort gave: nobody listens on them yet, or not at the moment.
var ports sync.Map

// FreePort is a port of loopback that nobody listens on and that was not given before. It is below those that outgoing
// connections use: while a program is down, none of them takes its port.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 50 {
		port := strconv.Itoa(10000 + int(binary.BigEndian.Uint16(secret.Bytes(2)))%10000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close() // it only tried the number
			if _, given := ports.LoadOrStore(port, true); !given {
				return port
			}
		}
	}
	t.Fatal("no free port")
	return ""
}

// FreeAddress is an address of loopback with a free port.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return "127.0.0.1:" + FreePort(t)
}

var settingsAge = regexp.MustCompile(`(?m)^idp_settings_age_seconds (\S+)$`)

// SettingsCount waits until a node has read the settings anew: what was declared before counts there now. Operator is the
// address of its operator's listener, whose metrics say how old what it has is.
func SettingsCount(t testing.TB, operator string) {
	t.Helper()
	declared := time.Now()
	for end := declared.Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		age, err := settingsAgeOf(operator)
		if err == nil && time.Since(declared) > age {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("settings of %s: %s old, %v", operator, age, err)
		}
	}
}

func settingsAgeOf(operator string) (time.Duration, error) {
	res, err := http.Get("http://" + operator + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	found := settingsAge.FindSubmatch(text)
	if found == nil {
		return 0, errors.New("no idp_settings_age_seconds in its metrics")
	}
	seconds, err := strconv.ParseFloat(string(found[1]), 64)
	return time.Duration(seconds * float64(time.Second)), err
}
