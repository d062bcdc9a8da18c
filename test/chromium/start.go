//go:build browser || clients

package chromium

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Start starts Chromium with an empty profile. Whatever a page or the browser complains about fails the test, but for
// what has the forgiven text in it: a page that answers so on purpose is logged by the browser as a failed load.
func Start(t *testing.T, forgiven string, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	if path, err := exec.LookPath("chromium-headless-shell"); err == nil { // a third less processor time
		options = append(options, chromedp.ExecPath(path))
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(options, more...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 25*time.Minute) // less than `go test` gets, so that it can say where
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start (`make test` installs it): %v", err)
	}
	var mu sync.Mutex
	var complaints []string
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			if (m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException || m.Type == chromedp.ConsoleWarning) &&
				!strings.Contains(m.Text, forgiven) {
				mu.Lock()
				complaints = append(complaints, string(m.Type)+": "+m.Text+" ("+m.URL+")")
				mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range complaints {
			t.Errorf("console: %s", c)
		}
	})
	return ctx
}

// Do takes steps, and says where the browser was when one of them did not end in time.
func Do(t *testing.T, ctx context.Context, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	soon, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(soon, steps...); err != nil {
		where, _ := chromedp.Run(ctx, chromedp.Location()) // only to say where; the time is over in soon
		t.Fatalf("%s: %v (at %s)", what, err, where)
	}
}

// Read is the text of an element.
func Read(t *testing.T, ctx context.Context, css string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(css)))
	if err != nil {
		t.Fatalf("reading %s: %v", css, err)
	}
	return text
}

// Visible waits for an element.
func Visible(css string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(chromedp.CSS(css))
}
