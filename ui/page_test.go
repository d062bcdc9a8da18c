package ui_test

import (
	"bytes"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/minddistrict/idp/internal/idptest/pretend"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// whole is what this build shows and says, and beside it a factor that exists in tests only.
var whole = wire.UI(pretend.Factor(nil))

func linde() *platform.Platform {
	p := &platform.Platform{
		Name: "De Linde", Organisation: "GGZ De Linde", HomeURL: "https://linde.example.net/", Country: "NL",
		PrivacyURL: "https://linde.example.net/privacy", AccessURL: "https://linde.example.net/toegankelijk",
		HelpPublic: platform.Contact{Email: "hulp@linde.example.net", Phone: "+31 10 123 45 67"},
		HelpStaff:  platform.Contact{Email: "ict@linde.example.net"},
		Policy:     platform.DefaultPolicy(),
	}
	p.Defaults()
	return p
}

func frame(s ui.Sample, lang string) ui.Frame {
	return ui.Frame{
		Platform: linde(), Lang: lang, Staff: s.Staff, Reference: "7KQ4-MXDA", AssetsPath: "/p/linde/assets", Errors: s.Errors, Ways: s.Ways, Status: s.Status,
		Languages: []ui.Language{{"nl", "Nederlands", "?lang=nl", lang == "nl"}, {"en", "English", "?lang=en", lang == "en"}},
	}
}

func render(t *testing.T, page string, f ui.Frame, data any) (*html.Node, string) {
	t.Helper()
	var b bytes.Buffer
	if err := whole.Render(&b, page, f, data); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return doc, b.String()
}

// everyPage calls f with each page in each state and language.
func everyPage(t *testing.T, f func(t *testing.T, page string, s ui.Sample, lang string, doc *html.Node, source string)) {
	for page, samples := range whole.Samples() {
		for _, s := range samples {
			for _, lang := range ui.Languages {
				t.Run(page+"/"+s.Name+"/"+lang, func(t *testing.T) {
					doc, source := render(t, page, frame(s, lang), s.Data)
					f(t, page, s, lang, doc, source)
				})
			}
		}
	}
}

// all lists the elements with a name ("" is any) that satisfy every condition.
func all(doc *html.Node, name string, conditions ...func(*html.Node) bool) []*html.Node {
	var found []*html.Node
next:
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || name != "" && n.Data != name {
			continue
		}
		for _, is := range conditions {
			if !is(n) {
				continue next
			}
		}
		found = append(found, n)
	}
	return found
}

func has(name string, values ...string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		for _, a := range n.Attr {
			if a.Key == name {
				return len(values) == 0 || slices.Contains(values, a.Val)
			}
		}
		return false
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestEveryPageHasSamples(t *testing.T) {
	if got := slices.Sorted(maps.Keys(whole.Samples())); !slices.Equal(got, whole.PageNames()) {
		t.Errorf("samples of %v, templates %v", got, whole.PageNames())
	}
}

func TestEveryPageIsAccessible(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, s ui.Sample, lang string, doc *html.Node, source string) {
		headings := all(doc, "h1")
		if len(headings) != 1 {
			t.Fatalf("%d h1", len(headings))
		}
		want := text(headings[0]) + " – De Linde"
		if len(s.Errors) > 0 {
			want = whole.Text(lang, "common.error_prefix") + " " + want
		}
		if got := text(all(doc, "title")[0]); got != want {
			t.Errorf("title %q, want %q", got, want)
		}
		if got := attr(all(doc, "html")[0], "lang"); got != lang {
			t.Errorf("lang %q", got)
		}
		for _, landmark := range []string{"header", "main", "footer"} {
			if n := len(all(doc, landmark)); n != 1 {
				t.Errorf("%d times %s", n, landmark)
			}
		}
		ids := map[string]bool{}
		for _, n := range all(doc, "", has("id")) {
			if ids[attr(n, "id")] {
				t.Errorf("id %s twice", attr(n, "id"))
			}
			ids[attr(n, "id")] = true
		}
		for _, name := range []string{"for", "aria-labelledby", "aria-describedby", "aria-controls"} {
			for _, n := range all(doc, "", has(name)) {
				for _, id := range strings.Fields(attr(n, name)) {
					if !ids[id] {
						t.Errorf("%s=%s leads nowhere", name, id)
					}
				}
			}
		}
		for _, n := range all(doc, "a") {
			if id, fragment := strings.CutPrefix(attr(n, "href"), "#"); fragment && !ids[id] {
				t.Errorf("link to #%s leads nowhere", id)
			}
			if text(n) == "" || attr(n, "href") == "" {
				t.Errorf("link without text or address: %q", text(n))
			}
		}
		for _, n := range all(doc, "input") {
			if has("type", "hidden")(n) || has("hidden")(n) {
				continue
			}
			if labels := all(doc, "label", has("for", attr(n, "id"))); len(labels) != 1 || text(labels[0]) == "" {
				t.Errorf("%d labels for %s", len(labels), attr(n, "id"))
			}
		}
		asks := len(all(doc, "input", func(n *html.Node) bool { return !has("type", "hidden")(n) && !has("hidden")(n) })) > 0
		if n := len(all(doc, "", has("class", "button"))); n > 1 || asks && n == 0 && len(all(doc, "", has("class", "button danger"))) == 0 {
			t.Errorf("%d primary buttons", n)
		}
		if i := strings.Index(source, "{"); i >= 0 {
			t.Errorf("a placeholder is left: %.60s", source[i:])
		}
	})
}

func TestMistakesAreLinkedToTheirFields(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, s ui.Sample, lang string, doc *html.Node, _ string) {
		summaries := all(doc, "", has("id", "summary"), has("role", "alert"), has("tabindex", "-1"), has("autofocus"))
		if (len(summaries) == 1) != (len(s.Errors) > 0) {
			t.Fatalf("%d summaries of %d mistakes", len(summaries), len(s.Errors))
		}
		for _, e := range s.Errors {
			if links := all(summaries[0], "a", has("href", "#"+e.Field)); len(links) != 1 || text(links[0]) == "field."+e.Field {
				t.Errorf("no link to %s in the summary: %s", e.Field, text(summaries[0]))
			}
			if said := text(summaries[0]); strings.Contains(said, whole.Say(frame(s, lang), e)) {
				t.Errorf("the summary is not a line: %s", said)
			}
			describes := func(n *html.Node) bool {
				return slices.Contains(strings.Fields(attr(n, "aria-describedby")), e.Field+"-mistake")
			}
			if len(all(doc, "input", has("id", e.Field), has("aria-invalid", "true"), describes)) != 1 {
				t.Errorf("%s is not marked", e.Field)
			}
			if got := text(all(doc, "p", has("id", e.Field+"-mistake"))[0]); !strings.HasSuffix(got, whole.Say(frame(s, lang), e)) {
				t.Errorf("beside %s: %q", e.Field, got)
			}
		}
		if n := len(all(doc, "", has("aria-invalid"))); n != len(s.Errors) {
			t.Errorf("%d fields marked, want %d", n, len(s.Errors))
		}
	})
}

// TestFieldsAreKnownToPasswordManagers holds what each field tells a password manager.
func TestFieldsAreKnownToPasswordManagers(t *testing.T) {
	want := map[string]map[string]string{
		"given_name":    {"type": "text", "autocomplete": "given-name", "spellcheck": "false", "aria-required": "true"},
		"middle_name":   {"type": "text", "autocomplete": "additional-name", "spellcheck": "false"},
		"family_name":   {"type": "text", "autocomplete": "family-name", "spellcheck": "false", "aria-required": "true"},
		"terms":         {"type": "checkbox", "aria-required": "true"},
		"email":         {"type": "email", "inputmode": "email", "autocomplete": "username", "spellcheck": "false", "autocapitalize": "off", "aria-required": "true"},
		"password":      {"type": "password", "autocomplete": "current-password", "spellcheck": "false", "autocapitalize": "off", "aria-required": "true"},
		"username":      {"autocomplete": "username", "value": "anna@example.org"},
		"language":      {"type": "radio"},
		"code":          {"type": "text", "inputmode": "numeric", "autocomplete": "one-time-code", "spellcheck": "false", "aria-required": "true"},
		"recovery_code": {"type": "text", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters", "aria-required": "true"},
		"kept":          {"type": "checkbox", "aria-required": "true"},
		"remember_for":  {"type": "radio"},
		"remember":      {"type": "checkbox"},
		"method":        {"type": "radio"},
		"typed":         {"type": "search", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"},
		"reason":        {"type": "radio"},
		"identified":    {"type": "radio"},
		"number":        {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"},
		"match":         {"type": "text", "inputmode": "numeric", "autocomplete": "off", "spellcheck": "false", "aria-required": "true"},
		"remove":        {"type": "radio"},
		"what":          {"type": "radio"},
		"outcome":       {"type": "radio"},
		"from":          {"type": "date", "autocomplete": "off"},
		"until":         {"type": "date", "autocomplete": "off"},
		"role":          {"type": "radio"},
		"file":          {"type": "file", "accept": ".csv,.txt,text/csv,text/plain", "aria-required": "true"},
		"phone":         {"type": "tel", "inputmode": "tel", "autocomplete": "tel", "aria-required": "true"},
	}
	seen := map[string]bool{}
	everyPage(t, func(t *testing.T, page string, _ ui.Sample, _ string, doc *html.Node, _ string) {
		want := maps.Clone(want)
		switch page {
		case "new_password":
			want["password"] = maps.Clone(want["password"])
			want["password"]["autocomplete"] = "new-password"
		case "staff_deed": // another's address
			want["email"] = maps.Clone(want["email"])
			want["email"]["autocomplete"] = "off"
		case "staff_invite": // somebody else's
			for name := range map[string]bool{"given_name": true, "middle_name": true, "family_name": true, "email": true} {
				want[name] = maps.Clone(want[name])
				want[name]["autocomplete"] = "off"
			}
			delete(want["given_name"], "aria-required") // one of the two
			delete(want["family_name"], "aria-required")
		case "forgot", "signup":
			want["email"] = maps.Clone(want["email"])
			want["email"]["autocomplete"] = "email"
		}
		for _, n := range all(doc, "input") {
			name := attr(n, "name")
			if has("type", "hidden")(n) {
				continue
			}
			seen[name] = true
			if want[name] == nil {
				t.Errorf("unknown field %q", name)
			}
			for key, value := range want[name] {
				if attr(n, key) != value {
					t.Errorf("%s: %s=%q, want %q", name, key, attr(n, key), value)
				}
			}
			for _, key := range []string{"maxlength", "placeholder", "onpaste"} {
				if has(key)(n) {
					t.Errorf("%s has %s", name, key)
				}
			}
		}
	})
	if len(seen) != len(want) {
		t.Errorf("seen %v", seen)
	}
}

func TestEveryPageKeepsToTheContentSecurityPolicy(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, s ui.Sample, _ string, doc *html.Node, source string) {
		if len(all(doc, "style")) > 0 {
			t.Error("a style element")
		}
		for _, n := range all(doc, "") {
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s has %s", n.Data, a.Key)
				}
			}
			if src := attr(n, "src"); src != "" && !strings.HasPrefix(src, "/p/linde/assets/") {
				t.Errorf("%s is loaded from %s", n.Data, src)
			}
			if n.Data == "script" && (attr(n, "src") == "" || n.FirstChild != nil) {
				t.Error("a script in the page")
			}
			if n.Data == "link" && !strings.HasPrefix(attr(n, "href"), "/p/linde/assets/") {
				t.Errorf("link to %s", attr(n, "href"))
			}
		}
		for _, n := range all(doc, "a") {
			if to := attr(n, "href"); strings.Contains(to, "//") && !strings.Contains(to, "example.net/") && to != "https://www.113.nl/" && !strings.HasPrefix(to, "otpauth://totp/") {
				t.Errorf("link to %s", to)
			}
			if has("target")(n) && !strings.Contains(attr(n, "rel"), "noopener") {
				t.Errorf("%s opens a window that holds on to ours", attr(n, "href"))
			}
		}
		if weight := len(source) + len(get(t, ui.AssetURL("app.css"), "").Body.Bytes()) + len(get(t, ui.AssetURL("app.js"), "").Body.Bytes()); weight > 60_000 {
			t.Errorf("%d bytes with style and script, want at most 60000", weight)
		}
	})
}

// TestHostileValuesStayText puts markup, marks of writing direction and overlong names wherever a page shows a value.
func TestHostileValuesStayText(t *testing.T) {
	for name, evil := range map[string]string{
		"markup": `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}{platform}'`, "direction": "anna\u202egpj.exe\u2066",
		"url": "javascript:alert(1)", "long": strings.Repeat("Wij", 3500),
	} {
		t.Run(name, func(t *testing.T) {
			f := frame(ui.Sample{}, "nl")
			f.Platform.Name, f.Platform.Organisation, f.Platform.PrivacyURL = evil, evil, evil
			f.Platform.HelpPublic = platform.Contact{Email: evil, Phone: evil}
			f.Reference, f.Languages[1].Name, f.Languages[1].URL = evil, evil, evil
			everyPage(t, func(t *testing.T, page string, s ui.Sample, _ string, _ *html.Node, _ string) {
				f.Errors = s.Errors
				data := hostile(reflect.ValueOf(s.Data), evil).Interface()
				doc, _ := render(t, page, f, data)
				if len(all(doc, "script")) != 1 || len(all(doc, "img")) > 0 || len(all(doc, "", has("onerror"))) > 0 {
					t.Errorf("%s: markup got through", page)
				}
				for _, key := range []string{"href", "action", "src"} {
					for _, n := range all(doc, "", has(key)) {
						if strings.HasPrefix(attr(n, key), "javascript:") {
							t.Errorf("%s: %s %s", page, key, attr(n, key))
						}
					}
				}
				for _, n := range all(doc, "h1") {
					if strings.ContainsAny(text(n), "\u202e\u2066") || len(text(n)) > 1000 {
						t.Errorf("%s: h1 %.80q", page, text(n))
					}
				}
				if page == "form_post" && attr(all(doc, "input")[0], "value") != evil {
					t.Error("an answer to a party must arrive as it is")
				}
			})
		})
	}
}

// hostile is a page's data with another text in the place of each; keys of texts stay.
func hostile(of reflect.Value, evil string) reflect.Value {
	v := reflect.New(of.Type()).Elem()
	v.Set(of)
	switch {
	case v.Type() == reflect.TypeFor[string]() && v.Len() > 0 && !whole.Has(v.String()):
		v.SetString(evil)
	case v.Kind() == reflect.Interface && !v.IsNil():
		v.Set(hostile(of.Elem(), evil))
	case v.Type() == reflect.TypeFor[ui.Card](): // its template is ours
		v.FieldByName("Data").Set(hostile(of.FieldByName("Data"), evil))
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			v.Field(i).Set(hostile(of.Field(i), evil))
		}
	case v.Kind() == reflect.Slice && v.Len() > 0:
		v.Set(reflect.MakeSlice(v.Type(), of.Len(), of.Len()))
		for i := range v.Len() {
			v.Index(i).Set(hostile(of.Index(i), evil))
		}
	case v.Kind() == reflect.Map && v.Len() > 0:
		v.Set(reflect.MakeMap(v.Type()))
		for key, value := range of.Seq2() {
			v.SetMapIndex(key, hostile(value, evil))
		}
	}
	return v
}

func TestHelpIsForWhoeverLooks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		public platform.Contact
		staff  bool
		want   string
		links  []string
	}{
		{"both", platform.Contact{Email: "hulp@linde.example", Phone: "010 123 45 67"}, false, "Bel 010 123 45 67 of mail hulp@linde.example.", []string{"tel:0101234567", "mailto:hulp@linde.example"}},
		{"e-mail", platform.Contact{Email: "hulp@linde.example"}, false, "Mail hulp@linde.example.", []string{"mailto:hulp@linde.example"}},
		{"phone", platform.Contact{Phone: "+31 10 123"}, false, "Bel +31 10 123.", []string{"tel:+3110123"}},
		{"none", platform.Contact{}, false, "Vraag het aan je hulpverlener of de helpdesk van Huis 24-7.", nil},
		{"staff", platform.Contact{Phone: "010 123 45 67"}, true, "Mail ict@linde.example.net.", []string{"mailto:ict@linde.example.net"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := frame(ui.Sample{Staff: tt.staff}, "nl")
			f.Platform.HelpPublic, f.Platform.Organisation = tt.public, "Huis 24-7"
			doc, _ := render(t, "wait", f, ui.WaitPage{Minutes: 3})
			help := all(doc, "section", has("aria-labelledby", "help"))[0]
			if got := text(all(help, "p")[0]); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			var links []string
			for _, a := range all(help, "a") {
				links = append(links, attr(a, "href"))
			}
			if !slices.Equal(links, tt.links) {
				t.Errorf("links %q, want %q", links, tt.links)
			}
		})
	}
}

func TestHelpLinesAreOfTheCountry(t *testing.T) {
	for country, want := range map[string][]string{
		"NL": {"tel:112", "tel:08000113", "https://www.113.nl/"},
		"GB": {"tel:999", "tel:111", "tel:116123"},
		"DE": {"tel:112", "tel:08001110111"},
		"BE": nil, // none rather than those of another country
	} {
		for _, lang := range ui.Languages {
			f := frame(ui.Sample{}, lang)
			f.Platform.Country = country
			doc, _ := render(t, "inactive", f, ui.InactivePage{HomeURL: "/"})
			var links []string
			for _, section := range all(doc, "section", has("class", "crisis")) {
				for _, a := range all(section, "a") {
					links = append(links, attr(a, "href"))
				}
			}
			slices.Sort(links)
			slices.Sort(want)
			if !slices.Equal(links, want) {
				t.Errorf("%s in %s: %q, want %q", country, lang, links, want)
			}
		}
	}
}

func TestRenderWritesAllOrNothing(t *testing.T) {
	var b bytes.Buffer
	if err := whole.Render(&b, "login", frame(ui.Sample{}, "nl"), ui.WaitPage{}); err == nil {
		t.Error("no error for the data of another page")
	}
	if err := whole.Render(&b, "no_such_page", frame(ui.Sample{}, "nl"), nil); err == nil {
		t.Error("no error for a page that does not exist")
	}
	if b.Len() > 0 {
		t.Errorf("written: %q", b.String())
	}
}

func BenchmarkRenderLogin(b *testing.B) {
	f, s := frame(ui.Sample{}, "nl"), whole.Samples()["login"][0]
	b.ReportAllocs()
	for b.Loop() {
		if err := whole.Render(&bytes.Buffer{}, "login", f, s.Data); err != nil {
			b.Fatal(err)
		}
	}
}

// TestTurnedOffIsSaidOnce holds that the page of two-step authentication does not say in one line that it is off, and in
// the next one that it is off again, or that one logs in with it.
func TestTurnedOffIsSaidOnce(t *testing.T) {
	off := map[string]*regexp.Regexp{
		"nl": regexp.MustCompile(`staat uit|uitgezet`), "en": regexp.MustCompile(`is off|turned off`),
	}
	uses := map[string]string{"nl": "Je logt in met 2 stappen", "en": "You log in with 2 steps"}
	states := 0
	everyPage(t, func(t *testing.T, page string, s ui.Sample, lang string, doc *html.Node, _ string) {
		shown, ok := s.Data.(ui.TwoStepPage)
		if !ok || page != "two_step" || shown.On {
			return
		}
		states++
		said := text(all(doc, "main")[0])
		if n := len(off[lang].FindAllString(said, -1)); n != 1 || strings.Contains(said, uses[lang]) {
			t.Errorf("off is said %d times: %s", n, said)
		}
	})
	if states != 4 {
		t.Errorf("%d states in which it is off, want 2 in each language", states)
	}
}

// TestChangedAddressIsTheHeading: whoever confirmed a new address reads at the top what changed, or that nothing did.
func TestChangedAddressIsTheHeading(t *testing.T) {
	says := map[string]map[bool]string{
		"nl": {false: "Je e-mailadres is veranderd", true: "Je e-mailadres is niet veranderd"},
		"en": {false: "Your email address has changed", true: "Your email address has not changed"},
	}
	states := 0
	everyPage(t, func(t *testing.T, page string, s ui.Sample, lang string, doc *html.Node, _ string) {
		shown, ok := s.Data.(ui.EmailChangedPage)
		if !ok {
			return
		}
		states++
		if got, want := text(all(doc, "h1")[0]), says[lang][shown.Taken]; got != want {
			t.Errorf("%s: the heading is %q, want %q", page, got, want)
		}
	})
	if states != 4 {
		t.Errorf("%d states, want 2 in each language", states)
	}
}
