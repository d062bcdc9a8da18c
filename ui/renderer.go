package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/outbox"
)

// Part is what one folder shows and says: the pages and texts of a factor, or those of this package.
type Part struct {
	Files    fs.FS                      // templates/NAME.html, a page or a card each, and texts/nl.yaml and texts/en.yaml
	Samples  func() map[string][]Sample // states of pages by the name of their template; nil: none
	Messages []outbox.KindSpec          // messages that it sends, with keys of its texts
	Choice   Choice                     // how it is offered; zero: people do not choose it
	Cards    []Card                     // states of its card on the page of two-step authentication
	Chosen   []string                   // keys of texts that no template names and no sample shows
}

// templates are those of pages, each on the base layout, and of cards, by the name of their file. One is parsed when it
// is first shown: each has its own copy of the layout, all together 9 MiB for the collector to walk through again and
// again.
type templates struct {
	pages, cards map[string]func() *template.Template
}

// Renderer has the pages and texts of all parts. It reads them when the first one is shown: a server starts sooner.
type Renderer struct {
	parts     []Part
	templates func() templates
	texts     func() map[string]map[string]string // language -> key -> text
}

//go:embed templates texts
var files embed.FS

// New makes a renderer of the pages and texts of this package and of further parts.
func New(parts ...Part) *Renderer {
	r := &Renderer{parts: append([]Part{{Files: files, Samples: samples, Chosen: []string{"error.nowhere_body"}}}, parts...)}
	r.templates, r.texts = sync.OnceValue(r.readTemplates), sync.OnceValue(r.readTexts)
	return r
}

// shared is the file with what the pages of a part have in common, as base.html has what all pages have.
const shared = "templates/shared.html"

// readTemplates finds one template per file. Files are embedded: what is wrong with one is a mistake of ours, which
// every test that shows a page finds.
func (r *Renderer) readTemplates() templates {
	base := template.Must(template.ParseFS(files, "templates/base.html"))
	all := templates{pages: map[string]func() *template.Template{}, cards: map[string]func() *template.Template{}}
	for _, part := range r.parts {
		names, err := fs.Glob(part.Files, "templates/*.html")
		if err != nil {
			panic(err)
		}
		for _, file := range names {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "base" || name == "shared" {
				continue
			}
			if all.pages[name] != nil || all.cards[name] != nil {
				panic("two templates named " + name)
			}
			text, err := fs.ReadFile(part.Files, file)
			if err != nil {
				panic(err)
			}
			kind := all.pages
			if bytes.Contains(text, []byte(`{{define "card"}}`)) {
				kind = all.cards
			}
			kind[name] = sync.OnceValue(func() *template.Template { return parse(base, part, file) })
		}
	}
	return all
}

// parse is the template of a file on the layout, with what its part has in common.
func parse(base *template.Template, part Part, file string) *template.Template {
	page := template.Must(base.Clone())
	if _, err := fs.Stat(part.Files, shared); err == nil {
		template.Must(page.ParseFS(part.Files, shared))
	}
	return template.Must(page.ParseFS(part.Files, file))
}

// readTexts reads the texts of all parts. A key belongs to one of them.
func (r *Renderer) readTexts() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, lang := range languages {
		all[lang] = map[string]string{}
		for _, part := range r.parts {
			texts := map[string]string{}
			b, err := fs.ReadFile(part.Files, "texts/"+lang+".yaml")
			if err == nil {
				err = yaml.Unmarshal(b, &texts)
			}
			if err != nil {
				panic(fmt.Sprintf("texts in %s: %v", lang, err))
			}
			for key, text := range texts {
				if _, taken := all[lang][key]; taken {
					panic(fmt.Sprintf("two texts named %s in %s", key, lang))
				}
				all[lang][key] = text
			}
		}
	}
	return all
}

// PageNames lists the pages that Render knows, in order.
func (r *Renderer) PageNames() []string { return slices.Sorted(maps.Keys(r.templates().pages)) }

// Samples has the states of every page by the name of its template.
func (r *Renderer) Samples() map[string][]Sample {
	all := map[string][]Sample{}
	for _, part := range r.parts {
		if part.Samples == nil {
			continue
		}
		for page, samples := range part.Samples() {
			all[page] = append(all[page], samples...)
		}
	}
	all["choose"] = append(all["choose"], chooseSamples(r.methods())...)
	all["two_step"] = append(all["two_step"], twoStepSamples(r.cards)...)
	return all
}

// MessageKinds has what is settled of every kind of message, with the keys of its texts.
func (r *Renderer) MessageKinds() map[outbox.Kind]outbox.Spec {
	all := maps.Clone(outbox.Kinds)
	for _, part := range r.parts {
		for _, l := range part.Messages {
			all[l.Kind] = l.Spec
		}
	}
	return all
}

// Render writes a page. Nothing is written when the template fails.
func (r *Renderer) Render(w io.Writer, page string, f Frame, data any) error {
	parsed, ok := r.templates().pages[page]
	if !ok {
		return fmt.Errorf("rendering page %q: no such template", page)
	}
	var b bytes.Buffer
	if err := parsed().ExecuteTemplate(&b, "base.html", &View{Frame: f, Data: data, from: r}); err != nil {
		return fmt.Errorf("rendering page %s: %w", page, err)
	}
	_, err := b.WriteTo(w)
	return err
}

// Keys lists every text key in order.
func (r *Renderer) Keys() []string { return slices.Sorted(maps.Keys(r.texts()["nl"])) }

// Has reports whether there is a text of this key.
func (r *Renderer) Has(key string) bool {
	_, ok := r.texts()["nl"][key]
	return ok
}

// Text is the text of a key. The arguments are pairs of placeholder and value: "minutes", 5. A placeholder without a
// value stays as it is. Of a text with two forms, written "one // other", the first whole number among the values
// chooses. An unknown language gives Dutch. An unknown key is shown as it is: a test finds those, and for a person a
// page with one odd word is better than none.
func (r *Renderer) Text(lang, key string, args ...any) string {
	return expand(form(r.raw(lang, key), args), pairs(args))
}

// TextIn is Text with the placeholders filled that are the same on every page, for what is no page, such as a mail.
func (r *Renderer) TextIn(f Frame, key string, args ...any) string {
	return (&View{Frame: f, from: r}).T(key, args...)
}

// Help is how the helpdesk is reached, for what is no page, such as a mail.
func (r *Renderer) Help(f Frame) []Piece {
	v := &View{Frame: f, from: r}
	return v.Linked(v.HelpKey())
}

func (r *Renderer) raw(lang, key string) string {
	texts, ok := r.texts()[lang]
	if !ok {
		texts = r.texts()["nl"]
	}
	text, ok := texts[key]
	if !ok {
		return key
	}
	return text
}
