package main_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Somebody who sets a platform up sees all of its pages before its people do, and a browser opens only where it is
// asked.
func TestPreview(t *testing.T) {
	i := newInstall(t, "sqlite:"+filepath.Join(t.TempDir(), "idp.db"))
	i.setUp()
	i.refused(1, "platform els: not found", "platform", "preview", "els")

	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 200, 50))); err != nil {
		t.Fatal(err)
	}
	picture := i.File("logo.png", logo.String())
	i.OK("apply", i.File("logos.yaml", "platforms:\n  - name: linde\n    logo_file: "+picture+"\n"))
	if out := i.OK("platform", "show", "linde"); !strings.Contains(out, "\nlogo          200 x 50 pixels, ") ||
		!strings.Contains(out, "\nlogo, dark    none\n") {
		t.Errorf("platform show: %s", out)
	}

	asked := filepath.Join(t.TempDir(), "asked")
	desktop := t.TempDir() // a browser that only says where it was sent
	program := []byte("#!/bin/sh\necho \"$1\" >" + asked + "\n")
	if err := os.WriteFile(filepath.Join(desktop, "xdg-open"), program, 0o700); err != nil {
		t.Fatal(err)
	}
	i.Env = append(i.Env, "PATH="+desktop+":"+os.Getenv("PATH"))
	address := regexp.MustCompile(`  (http://127\.0\.0\.1:\d+/)  `)
	for _, open := range []bool{false, true} {
		args := []string{"platform", "preview", "linde"}
		if open {
			args = append(args, "--open")
		}
		shown := i.start(args...)
		shown.Soon(5*time.Second, "its address", func() bool { return address.MatchString(shown.Out.String()) })
		site := address.FindStringSubmatch(shown.Out.String())[1]
		shown.Soon(5*time.Second, "serving", func() bool { status, _, _ := get(t, site); return status == 200 })
		_, _, list := get(t, site)
		pages := regexp.MustCompile(`href="(/page/(?:nl|en)/login/0)"`).FindAllStringSubmatch(list, -1)
		if len(pages) != 2 || !strings.Contains(list, "GGZ De Linde") {
			t.Fatalf("%d login pages in the list:\n%s", len(pages), list)
		}
		for _, page := range pages {
			if status, header, body := get(t, strings.TrimSuffix(site, "/")+page[1]); status != 200 ||
				!strings.Contains(body, `alt="GGZ De Linde"`) || header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s: %d, %v\n%s", page[1], status, header, body)
			}
		}
		if open {
			shown.Soon(5*time.Second, "a browser", func() bool {
				sent, _ := os.ReadFile(asked) // not there yet
				return strings.TrimSpace(string(sent)) == site
			})
		} else if _, err := os.Stat(asked); err == nil {
			t.Error("a browser was opened, and nobody asked")
		}
		shown.Terminate()
		if code := shown.Ends(5 * time.Second); code != 0 {
			t.Errorf("exit %d:\n%s", code, shown.Log)
		}
	}
}
