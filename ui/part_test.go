package ui_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/minddistrict/idp/ui"
)

// A part that is put beside the others must not change what they show: whoever copies a folder learns that at once.
func TestPartsDoNotTakeEachOthersNames(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for what, c := range map[string]struct {
		files fstest.MapFS
		show  func(*ui.Renderer)
		want  string
	}{
		"a text": {
			fstest.MapFS{"texts/nl.yaml": file(`common.continue: "Verder"`), "texts/en.yaml": file(`common.continue: "On"`)},
			func(r *ui.Renderer) { r.Text("nl", "common.continue") }, "two texts named common.continue in nl",
		},
		"a language that is missing": {
			fstest.MapFS{"texts/nl.yaml": file(`new.title: "Nieuw"`)},
			func(r *ui.Renderer) { r.Text("en", "new.title") }, "texts in en: open texts/en.yaml: file does not exist",
		},
		"a template": {
			fstest.MapFS{"templates/error.html": file(`{{define "title"}}{{end}}{{define "content"}}{{end}}`)},
			func(r *ui.Renderer) { r.PageNames() }, "two templates named error",
		},
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}()
			c.show(ui.New(ui.Part{Files: c.files}))
		})
	}
}
