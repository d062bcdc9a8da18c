//go:build clients

package clients_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// curlSection is where the document has it.
const curlSection = "A job without a person: curl"

func curl(t *testing.T, h *house) {
	h.registers(t, curlSection, 0, "")
	run := func(script string) (string, error) {
		cmd := exec.Command("bash", "-c", script)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "CURL_CA_BUNDLE=" + h.Authority}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	script := h.documented(t, curlSection, "sh", 0, "")
	c := client{t, "curl", ""}
	c.check("a token for a program by itself", func(t *testing.T) {
		out, err := run(script)
		for end := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			out, err = run(script) // the server hears of a new client within a second
		}
		var got struct {
			Token string `json:"access_token"`
			Ends  int    `json:"expires_in"`
			Scope string `json:"scope"`
		}
		if err != nil || json.Unmarshal([]byte(out), &got) != nil || got.Token == "" || got.Ends <= 0 || got.Scope != "journal.read" || strings.Contains(out, "refresh_token") {
			t.Fatalf("%v: %s", err, out)
		}
	})
	c.check("a scope that is not registered is refused", func(t *testing.T) {
		out, err := run(strings.NewReplacer("journal.read", "journal.write", "--fail", "").Replace(script))
		if err != nil || !strings.Contains(out, `"invalid_scope"`) {
			t.Fatalf("%v: %s", err, out)
		}
	})
}
