package settings

import (
	"embed"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

//go:embed testdata/pretend
var pretendFiles embed.FS

// pretendPart is what the page shows and says.
func pretendPart() ui.Part {
	files, err := fs.Sub(pretendFiles, "testdata/pretend")
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	return ui.Part{Files: files}
}

// pretendData is what its template fills in. do: pretend.
type pretendData struct{ Action, Email, BackURL, HomeURL string }

// pretendPage is a page of the settings that exists in this test only.
func pretendPage(engine *login.Server, done func(string)) Page {
	return Page{
		Key: "pretend_settings.row", Path: "/settings/pretend", Name: "pretend",
		Show: func(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
			data := pretendData{v.Action, v.Facts.Account.Email.Address, v.Platform.URL(pathSettings), v.Platform.HomeURL}
			return engine.ShowPage(w, r, http.StatusOK, "pretend_settings", data, v.Look(nil))
		},
		Submit: func(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
			done(v.Button())
			return web.SeeOther(w, r, v.Platform.URL(pathSettings))
		},
	}
}

// TestPageOfSettingsIsOneFileATemplateAndTexts: its line, its page and its form are there, for whoever may see
// settings.
func TestPageOfSettingsIsOneFileATemplateAndTexts(t *testing.T) {
	engine := login.New(login.Options{UI: ui.New(pretendPart())})
	var did string
	pretend := pretendPage(engine, func(do string) { did = do })
	h := door(platform.Client, 0, pretend)
	if body := page(t, h, "/settings"); !strings.Contains(body, `/settings/pretend">Doen alsof</a>`) {
		t.Errorf("no line in the overview:\n%s", body)
	}
	if body := page(t, h, pretend.Path); !strings.Contains(body, "We doen dan alsof anna@example.org iets heeft ingesteld.") {
		t.Errorf("the page says\n%s", body)
	}
	r := httptest.NewRequest(http.MethodPost, pretend.Path, strings.NewReader("do=pretend"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusSeeOther || did != "pretend" {
		t.Errorf("the form: %d, did %q", w.Code, did)
	}
	if res := ask(t, h, http.MethodHead, pretend.Path); res.StatusCode != http.StatusOK {
		t.Errorf("HEAD: %d", res.StatusCode)
	}
	if res := ask(t, door(platform.Client, 2*time.Hour, pretend), http.MethodGet, pretend.Path); res.StatusCode != http.StatusSeeOther {
		t.Errorf("after the idle hour: %d, want that the password is asked", res.StatusCode)
	}
}

// What a page of settings touches: nothing that is not its own knows it. The door of these tests is where a page of the
// house has its line in Server.pages.
func TestFilesThatAPageOfSettingsTouches(t *testing.T) {
	got, words := []string{}, regexp.MustCompile(`pretendPage|pretendPart|pretend_settings`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains([]string{"var", "node_modules"}, d.Name()) || strings.HasPrefix(d.Name(), ".") && path != "../..") {
			return filepath.SkipDir
		}
		if !slices.Contains([]string{".go", ".html", ".yaml"}, filepath.Ext(path)) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && words.Match(text) {
			got = append(got, strings.TrimPrefix(filepath.ToSlash(path), "../../"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"login/settings/page_test.go", // the line
		"login/settings/pretend_test.go",
		"login/settings/testdata/pretend/templates/pretend_settings.html",
		"login/settings/testdata/pretend/texts/en.yaml", "login/settings/testdata/pretend/texts/nl.yaml",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
