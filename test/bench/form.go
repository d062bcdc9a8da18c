package main

import (
	"bytes"
	"cmp"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// form is one HTML form of a page, with its fields as a browser sends them when its first submit button is pressed.
type form struct {
	action, method string
	values         url.Values
	submit         bool // a submit button was seen
}

// parseForms finds the forms of a page.
func parseForms(page []byte) (forms []*form) {
	var current *form
	early := map[string]map[string]string{} // by the id of its form: the button that Enter presses, where it stands before it
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return forms
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "form" {
				current = nil
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			attr := map[string]string{}
			for _, a := range token.Attr {
				attr[a.Key] = a.Val
			}
			switch {
			case token.Data == "form":
				current = &form{action: attr["action"], method: cmp.Or(strings.ToUpper(attr["method"]), "GET"), values: url.Values{}}
				if button := early[attr["id"]]; button != nil {
					current.add("button", button)
				}
				forms = append(forms, current)
			case token.Data == "button" && attr["form"] != "":
				if early[attr["form"]] == nil {
					early[attr["form"]] = attr
				}
			case current != nil && (token.Data == "input" || token.Data == "button"):
				current.add(token.Data, attr)
			}
		}
	}
}

func (f *form) add(tag string, attr map[string]string) {
	kind, name := strings.ToLower(attr["type"]), attr["name"]
	switch {
	case kind == "submit" || kind == "image" || tag == "button" && kind == "":
		if !f.submit && name != "" {
			f.values.Set(name, attr["value"])
		}
		f.submit = true
	case tag == "button" || name == "" || kind == "checkbox" || kind == "radio" || kind == "file":
	default:
		f.values.Add(name, attr["value"])
	}
}

// pick chooses the form to send: the one with the password, else the first with a submit button, else the first of all
// (one that a script would send).
func pick(forms []*form, passwordField string) *form {
	for _, fits := range []func(*form) bool{
		func(f *form) bool { return f.values.Has(passwordField) },
		func(f *form) bool { return f.submit },
		func(*form) bool { return true },
	} {
		for _, f := range forms {
			if fits(f) {
				return f
			}
		}
	}
	return nil
}
