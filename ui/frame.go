package ui

import (
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/minddistrict/idp/platform"
)

// Frame is what every page has around its own data.
type Frame struct {
	Platform   *platform.Platform
	Lang       string // nl or en
	Staff      bool   // the page is for signed-in staff: their helpdesk, and who helps them
	Reference  string // number for the helpdesk, also in the log
	Languages  []Language
	AssetsPath string // where Assets is served, without a slash at the end: /p/wilg/assets
	Errors     []FieldError
	Ways       []Way // to which a page of a sign-in leads, beside its form
	Typing     bool  // what is typed in the form "step" goes along when another language is chosen
	Status     int   // HTTP status; shown among the technical details of an error
}

// Language is a choice in the header.
type Language struct {
	Code, Name, URL string
	Current         bool
}

// FieldError is something a person can mend.
type FieldError struct {
	Field string `json:"field"` // id of the input; empty: about the form as a whole
	Key   string `json:"key"`   // of the text
	Args  []any  `json:"args,omitempty"`
	Label string `json:"label,omitempty"` // text key that fills the placeholder {field}
}

// Way is another step that a page leads to: another way of proving, or help.
type Way struct {
	Step   string // its name
	Text   string // key of the text of the link
	URL    string
	Proves bool              // what the page asks can be proven there
	Names  map[string]string // of an organisation to which it leads, by language; nil: it leads to a page of ours
	Slot   Slot              // where it stands on a page with a form
	Lead   bool              // it is the first thing to press, before the form
}

// Slot is where a way stands on a page.
type Slot string

const (
	AmongLinks Slot = ""      // after the form, beside other links
	AboveForm  Slot = "above" // a button before the form
	BelowForm  Slot = "below" // a button after it
)

// WayNamed is the way to a step; nil: the page does not lead there.
func (f *Frame) WayNamed(step string) *Way {
	if i := slices.IndexFunc(f.Ways, func(w Way) bool { return w.Step == step }); i >= 0 {
		return &f.Ways[i]
	}
	return nil
}

// WaysBut are the links among the ways that have no place of their own on the page.
func (f *Frame) WaysBut(step string) []Way {
	return slices.DeleteFunc(slices.Clone(f.Ways), func(w Way) bool { return w.Step == step || w.Slot != AmongLinks })
}

// WaysAt are the ways that are buttons in a place.
func (f *Frame) WaysAt(slot Slot) []Way {
	return slices.DeleteFunc(slices.Clone(f.Ways), func(w Way) bool { return w.Slot != slot })
}

// Buttons are the ways that are buttons, on a page with one place for them.
func (f *Frame) Buttons() []Way {
	return slices.DeleteFunc(slices.Clone(f.Ways), func(w Way) bool { return w.Slot == AmongLinks })
}

// Led reports whether a way is what is pressed first, so that the button of the form is not. After a mistake in the form it
// is again.
func (f *Frame) Led() bool {
	return len(f.Errors) == 0 && slices.ContainsFunc(f.Ways, func(w Way) bool { return w.Lead && w.Slot == AboveForm })
}

// Reads is the text of a way.
func (v *View) Reads(w Way) string {
	if len(w.Names) == 0 {
		return v.T(w.Text)
	}
	return v.T(w.Text, "organisation", v.NameOf(w.Names))
}

// NameOf is a name in the language of the page.
func (v *View) NameOf(names map[string]string) string { return NameIn(v.Lang, names) }

// NameIn is a name in a language: in Dutch or English where there is none in it.
func NameIn(lang string, names map[string]string) string {
	for _, l := range []string{lang, "nl", "en"} {
		if names[l] != "" {
			return names[l]
		}
	}
	return ""
}

// View is what templates see: the frame, the page's data, and the methods below.
type View struct {
	Frame
	Data any
	from *Renderer
}

// T is the text of a key in the language of the page. Placeholders that are the same on every page are filled by
// themselves; others are given as pairs, and win.
func (v *View) T(key string, args ...any) string {
	return expand(form(v.from.raw(v.Lang, key), args), v.values(args))
}

func (v *View) values(args []any) func(string) (string, bool) {
	given, p := pairs(args), v.Platform
	return func(name string) (string, bool) {
		if value, ok := given(name); ok {
			return value, true
		}
		switch name {
		case "platform":
			return p.Name, true
		case "organisation":
			return p.Organisation, true
		case "host":
			return p.Address(), true
		case "idle_after":
			return v.Duration(p.Policy.IdleAfter), true
		case "neutral_name":
			return p.NeutralName, true
		case "helpdesk_email":
			return v.Contact().Email, true
		case "helpdesk_phone":
			return v.Contact().Phone, true
		case "helper":
			if v.Staff {
				return v.T("helper.professional"), true
			}
			return v.T("helper.client"), true
		}
		return "", false
	}
}

// Breakable is a text whose long identifiers, such as a URN, an address or a fingerprint, may go on in another line after
// their own punctuation and not within a name. What is copied from the page is the text as it was (HTML, the wbr element).
func (v *View) Breakable(text string) template.HTML {
	text = identifier.ReplaceAllStringFunc(text, func(id string) string { return punctuation.ReplaceAllString(id, "$0\u200b") })
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(text), "\u200b", "<wbr>")) // escaped just now
}

var (
	identifier  = regexp.MustCompile(`\S{16,}`)
	punctuation = regexp.MustCompile(`[:/._=#&?-]+`)
)

// Contact is the helpdesk of whom the page is for.
func (v *View) Contact() platform.Contact {
	if v.Staff {
		return v.Platform.HelpStaff
	}
	return v.Platform.HelpPublic
}

// Error is what is wrong with a field; empty: nothing.
func (v *View) Error(field string) string {
	var all []string
	for _, e := range v.Errors {
		if e.Field == field {
			all = append(all, v.Say(e))
		}
	}
	return strings.Join(all, " ")
}

// Say is what is wrong, in words.
func (v *View) Say(e FieldError) string {
	if e.Label != "" {
		e.Args = append(slices.Clone(e.Args), "field", v.T(e.Label))
	}
	return v.T(e.Key, e.Args...)
}

// Mistake is what is said beside a field.
type Mistake struct{ Field, Prefix, Text string }

// Mistake is what is wrong with a field, for the template beside it; nil: nothing.
func (v *View) Mistake(field string) *Mistake {
	if text := v.Error(field); text != "" {
		return &Mistake{field, v.T("common.error_prefix"), text}
	}
	return nil
}

// Overall is what is wrong with a form as a whole, for the summary; empty: nothing.
func (v *View) Overall() string { return v.Error("") }

// WrongField is a field with a mistake, as the summary names it.
type WrongField struct{ Field, Label string }

// Wrong are the fields with a mistake, each once, in the order of the form. What is wrong stands beside them.
func (v *View) Wrong() (fields []WrongField) {
	for _, e := range v.Errors {
		named := func(f WrongField) bool { return f.Field == e.Field }
		if e.Field != "" && !slices.ContainsFunc(fields, named) {
			fields = append(fields, WrongField{e.Field, v.T("field." + e.Field)})
		}
	}
	return fields
}

// HelpKey is the text that says how the helpdesk is reached.
func (v *View) HelpKey() string {
	switch c := v.Contact(); {
	case c.Phone != "" && c.Email != "":
		return "footer.help_both"
	case c.Email != "":
		return "footer.help_email"
	case c.Phone != "":
		return "footer.help_phone"
	}
	return "footer.help_none"
}

// CrisisKey is the text with the help lines of the platform's country; empty where we know none for certain.
func (v *View) CrisisKey() string {
	switch v.Platform.Country {
	case "NL":
		return "crisis.nl"
	case "GB":
		return "crisis.gb"
	case "DE":
		return "crisis.de"
	}
	return ""
}

// Piece is a piece of a sentence, perhaps a link.
type Piece struct {
	Text string
	URL  template.URL // empty: no link; made by Linked only
}

var (
	linkable   = regexp.MustCompile(`\{helpdesk_email\}|\{helpdesk_phone\}|113\.nl|\d[\d\x{a0} -]*\d`)
	notDialled = regexp.MustCompile(`[^0-9+]`)
)

// HelpLink is the quickest way to the helpdesk: its phone number or else its address; nil: neither is known.
func (v *View) HelpLink() *Piece {
	var link Piece
	switch c := v.Contact(); {
	case c.Phone != "":
		link = v.link("{helpdesk_phone}")
	case c.Email != "":
		link = v.link("{helpdesk_email}")
	default:
		return nil
	}
	return &link
}

// Linked is T in pieces, in which the helpdesk's address and phone numbers can be pressed: people who need them now
// should not have to copy them. Only what the catalogue says becomes a link, never a digit in somebody's name.
func (v *View) Linked(key string) []Piece {
	text := v.from.raw(v.Lang, key)
	var parts []Piece
	at := 0
	for _, m := range linkable.FindAllStringIndex(text, -1) {
		parts = append(parts, Piece{Text: expand(text[at:m[0]], v.values(nil))}, v.link(text[m[0]:m[1]]))
		at = m[1]
	}
	return append(parts, Piece{Text: expand(text[at:], v.values(nil))})
}

func (v *View) link(s string) Piece {
	switch s {
	case "{helpdesk_email}":
		s = plain(v.Contact().Email)
		return Piece{s, template.URL("mailto:" + url.PathEscape(s))}
	case "{helpdesk_phone}":
		s = plain(v.Contact().Phone)
	case "113.nl":
		return Piece{s, "https://www.113.nl/"}
	}
	return Piece{s, template.URL("tel:" + notDialled.ReplaceAllString(s, ""))}
}

// Asset is the address of an embedded file.
func (v *View) Asset(name string) string { return v.AssetsPath + "/" + AssetURL(name) }

// Brand is the address of the style sheet with the platform's colour.
func (v *View) Brand() string { return v.AssetsPath + "/" + brandURL(v.Platform.Branding) }
