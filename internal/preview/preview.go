// Package preview shows every page of the provider in every state, and every mail and text message, with the branding
// and the texts of one platform, for `idp platform preview` and for tests in a browser.
//
// What is on the pages is made up (the samples of each page), whose they are is not. Nothing leads anywhere: forms and
// links end at a page that says so. No database, no account, no session is behind it, so it needs no protection but
// that it listens on the machine itself.
package preview

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

//go:embed index.html
var index string

var indexPage = template.Must(template.New("index").Parse(index))

// languages are those of the pages.
var languages = []ui.Language{{Code: "nl", Name: "Nederlands"}, {Code: "en", Name: "English"}}

// speaks reports whether the pages are in a language.
func speaks(lang string) bool {
	return slices.ContainsFunc(languages, func(l ui.Language) bool { return l.Code == lang })
}

// Site is the pages of one platform.
type Site struct {
	UI       *ui.Renderer
	Platform *platform.Platform
	Failed   func(error) // is told of a page that cannot be made; nil: nobody is
	samples  map[string][]ui.Sample
	routes   http.Handler
}

// New makes the site. The renderer has the pages of the build.
func New(pages *ui.Renderer, p *platform.Platform) *Site {
	s := &Site{UI: pages, Platform: p, samples: pages.Samples()} // once: making them all takes 10 ms
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.index)
	m.HandleFunc("GET /page/{lang}/{page}/{state}", s.page)
	m.HandleFunc("GET /letter/{lang}/{kind}", s.message(false))
	m.HandleFunc("GET /letter/{lang}/{kind}/text", s.message(true))
	m.Handle("GET /assets/", http.StripPrefix("/assets", ui.AssetsOf(p)))
	m.HandleFunc("/", s.nowhere)
	s.routes = m
	return s
}

// Path is the address of a page in a state, the place of it among the samples.
func Path(lang, page string, state int) string {
	return "/page/" + lang + "/" + page + "/" + strconv.Itoa(state)
}

// ServeHTTP answers with the headers of the real pages.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !web.ToThisMachine(r) {
		http.Error(w, "This is for this machine only.", http.StatusForbidden)
		return
	}
	web.Headers(w.Header())
	s.routes.ServeHTTP(w, r)
}

// page shows one state of a page.
func (s *Site) page(w http.ResponseWriter, r *http.Request) {
	lang, name := r.PathValue("lang"), r.PathValue("page")
	samples := s.samples[name]
	state, err := strconv.Atoi(r.PathValue("state"))
	if err != nil || state < 0 || state >= len(samples) || !speaks(lang) {
		http.NotFound(w, r)
		return
	}
	sample := samples[state]
	frame := ui.Frame{
		Platform: s.Platform, Lang: lang, Staff: sample.Staff, Reference: "7KQ4-MXDA", AssetsPath: "/assets",
		Errors: sample.Errors, Ways: sample.Ways, Status: sample.Status,
	}
	for _, l := range languages {
		l.URL, l.Current = Path(l.Code, name, state), l.Code == lang
		frame.Languages = append(frame.Languages, l)
	}
	data := sample.Data
	if sends, ok := data.(ui.FormPostPage); ok {
		sends.Action = "/nowhere" // it sends itself, and there is nobody where the sample would send it
		data = sends
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := s.UI.Render(w, name, frame, data); err != nil {
		s.fail(w, err)
	}
}

func (s *Site) fail(w http.ResponseWriter, err error) {
	if s.Failed != nil {
		s.Failed(err)
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// entry is a page with its states, in the list of all.
type entry struct {
	Name   string
	States []state
}

type state struct {
	Name  string
	Links []ui.Language
}

// listed is what the list of all pages shows, and the page where everything else ends.
type listed struct {
	Platform *platform.Platform
	Frame    *ui.View
	Pages    []entry
	States   int
	Messages []sent
}

func (s *Site) index(w http.ResponseWriter, _ *http.Request) {
	out := s.list()
	out.Messages = s.messages()
	for _, name := range s.UI.PageNames() {
		e := entry{Name: name}
		for i, sample := range s.samples[name] {
			shown := state{Name: sample.Name}
			for _, l := range languages {
				l.URL = Path(l.Code, name, i)
				shown.Links = append(shown.Links, l)
			}
			e.States = append(e.States, shown)
			out.States++
		}
		out.Pages = append(out.Pages, e)
	}
	s.show(w, http.StatusOK, out)
}

// nowhere is where forms and links of the pages end.
func (s *Site) nowhere(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusNotFound, s.list())
}

func (s *Site) list() listed {
	return listed{Platform: s.Platform, Frame: &ui.View{Frame: ui.Frame{Platform: s.Platform, AssetsPath: "/assets"}}}
}

func (s *Site) show(w http.ResponseWriter, status int, data listed) {
	var b bytes.Buffer
	if err := indexPage.Execute(&b, data); err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the caller is gone: nothing to do about it
}
