package qr

import (
	"embed"
	"time"

	"github.com/minddistrict/idp/internal/qr"
	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// Part is what these pages show and say.
func Part() ui.Part { return ui.Part{Files: files, Samples: samples, Chosen: []string{"qr.none"}} }

// startPage says how many devices there are. Field: remove; do: show.
type startPage struct {
	Action  string
	Devices int            // on which the person is signed in with the app
	Most    int            // that there may be
	Remove  []ui.AppDevice // one of which makes room; none: there is room
	Later   bool           // too many codes were made
	BackURL string
	HomeURL string
}

// Waits is what the script of a page looks at until it changes.
type Waits struct {
	StateURL string // empty: of a sample, which never changes
	State    string // as the page was made
}

// codePage shows the code.
type codePage struct {
	Waits
	QR      qr.Drawing
	NextURL string // of the button for who has scanned
	NotYet  bool   // it was pressed, and no phone has
	BackURL string
}

// numberPage asks the number that the phone shows. Field: match; do: continue, stop.
type numberPage struct {
	Waits
	Action string
	Device string // as the phone calls itself; empty: it says nothing
	Near   bool   // it is in the network of this browser
}

// endPage says how it ended.
type endPage struct {
	Title, Body string // text keys
	Mark        string // done, warning or stopped
	Suspicious  bool   // it may have been somebody else
	AgainURL    string // of the button for a new code
	BackURL     string
	HomeURL     string
}

// Done reports whether the phone is signed in.
func (p endPage) Done() bool { return p.Mark == "done" }

// cameraPage says what a code is for that was scanned with something else than the app.
type cameraPage struct{ HomeURL string }

// ends are the pages of states in which nothing is asked any more.
var ends = map[string]endPage{
	"confirmed": {Title: "qr.done_title", Body: "qr.done", Mark: "done"},
	"done":      {Title: "qr.done_title", Body: "qr.done", Mark: "done"},
	"expired":   {Title: "qr.expired_title", Body: "qr.expired", Mark: "waiting"},
	"replaced":  {Title: "qr.expired_title", Body: "qr.replaced", Mark: "waiting"},
	"stopped":   {Title: "qr.stopped_title", Body: "qr.stopped", Mark: "stopped", Suspicious: true},
	"left":      {Title: "qr.stopped_title", Body: "qr.left", Mark: "stopped", Suspicious: true},
	"wrong":     {Title: "qr.stopped_title", Body: "qr.wrong", Mark: "stopped", Suspicious: true},
}

const sampleURL = "/settings/app/4xq2m7nkc5vbz3hdtw6ysgjp8r"

// samples are the states of the pages.
func samples() map[string][]ui.Sample {
	at := time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)
	code, err := qr.Draw("https://linde.example.org/app#BUZbG1uUxIeIKYOx_TaMKfhy83FImXIVO2dfWSncfDo")
	if err != nil {
		panic(err) // of a text of ours
	}
	start := startPage{Action: Path, Most: 5, BackURL: pathSettings, HomeURL: "https://linde.example.net/"}
	some, full, later := start, start, start
	some.Devices, later.Later = 1, true
	full.Devices = 5
	for i, name := range []string{"iPhone van Anna", "Tablet", "", "Pixel 9", "Telefoon van mijn werk, de tweede al weer"} {
		full.Remove = append(full.Remove, ui.AppDevice{ID: string(rune('a' + i)), Name: name, UsedAt: at.Add(-time.Duration(i) * 50 * time.Hour), How: "devices.by_qr"})
	}
	shown := codePage{Waits: Waits{State: "shown"}, QR: code, NextURL: sampleURL + "?scanned=1", BackURL: Path}
	notYet := shown
	notYet.NotYet = true
	number := numberPage{Waits: Waits{State: "claimed"}, Action: sampleURL, Device: "iPhone van Anna", Near: true}
	far := number
	far.Device, far.Near = "", false
	mistake := func(field, key string) []ui.FieldError { return []ui.FieldError{{Field: field, Key: key}} }
	var ended []ui.Sample
	for _, state := range []string{"done", "expired", "replaced", "stopped", "left", "wrong"} {
		page := ends[state]
		page.AgainURL, page.BackURL, page.HomeURL = Path, pathSettings, "https://linde.example.net/"
		ended = append(ended, ui.Sample{Name: state, Data: page})
	}
	return map[string][]ui.Sample{
		"qr_start": {
			{Name: "none", Data: start}, {Name: "one", Data: some}, {Name: "full", Data: full},
			{Name: "full, nothing chosen", Data: full, Errors: mistake("remove", "room.error")}, {Name: "too many codes", Data: later},
		},
		"qr_code": {{Name: "shown", Data: shown}, {Name: "not scanned yet", Data: notYet}},
		"qr_number": {
			{Name: "near", Data: number}, {Name: "far, no name", Data: far},
			{Name: "no number", Data: number, Errors: mistake("match", "qr.error_number")},
			{Name: "wrong", Data: number, Errors: mistake("match", "qr.error_wrong")},
		},
		"qr_end":    ended,
		"qr_camera": {{Name: "plain", Data: cameraPage{HomeURL: "https://linde.example.net/"}}},
	}
}
