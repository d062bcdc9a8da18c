// Package browser is a plain browser without script: cookies, redirects, forms by label, links and buttons by text.
//
// It knows HTTP and HTML and nothing of any provider. What its requests go through is handed to it: the network, a house
// in process, or something that counts, loses or keeps them.
package browser

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Browser is a plain browser without script: cookies, redirects, forms by label, links and buttons by text.
type Browser struct {
	Jar    http.CookieJar
	Lang   string            // Accept-Language
	Agent  string            // User-Agent; empty: one that nobody knows
	NoJar  bool              // cookies are blocked
	More   map[string]string // further headers of every request
	server http.RoundTripper
	past   past
	URL    *url.URL
	Status int
	Header http.Header
	Doc    *html.Node
	Body   string
	filled map[string]string // name of field -> value, on this page
	ticked map[*html.Node]bool
}

// past is where a browser was.
type past struct {
	pages []string // that were shown
	trail []string // addresses that the last of them was reached through, its own last
}

// New opens a browser with an empty jar whose requests go through a transport, such as one to the network.
func New(server http.RoundTripper, lang string) *Browser {
	jar, _ := cookiejar.New(nil) // never fails without a suffix list
	return &Browser{Jar: jar, Lang: lang, server: server}
}

// Tab is another tab of the same browser.
func (b *Browser) Tab() *Browser {
	return &Browser{Jar: b.Jar, Lang: b.Lang, Agent: b.Agent, NoJar: b.NoJar, server: b.server}
}

// Open visits an address and follows redirects.
func (b *Browser) Open(address string) error { return b.Send(http.MethodGet, address, nil) }

// Reload loads the page again. A browser that shows the answer of a form would ask first; ours answer by redirect.
func (b *Browser) Reload() error { return b.Send(http.MethodGet, b.URL.String(), nil) }

// Back loads the page before this one again, as a page with no-store is.
func (b *Browser) Back() error {
	if len(b.past.pages) < 2 {
		return fmt.Errorf("there is no page before this one")
	}
	address := b.past.pages[len(b.past.pages)-2]
	b.past.pages = b.past.pages[:len(b.past.pages)-2]
	return b.Send(http.MethodGet, address, nil)
}

// Post sends a form from the page that is open, and follows redirects.
func (b *Browser) Post(form url.Values, action string) error {
	return b.Send(http.MethodPost, action, form)
}

// Twice sends a form two times from the page that is open: a double click. The second answer is what is seen.
func (b *Browser) Twice(form url.Values, action string) error {
	page := b.URL
	if err := b.Send(http.MethodPost, action, form); err != nil {
		return err
	}
	b.URL = page
	return b.Send(http.MethodPost, action, form)
}

// Lost sends a form whose answer never comes: no cookie of it is kept, and the page stays.
func (b *Browser) Lost(form url.Values, action string) error {
	_, _, _, err := b.Exchange(http.MethodPost, action, form)
	return err
}

// Double sends a form two times at once, as a double click does: both go with the cookies of before. The second answer is
// what is seen, and the cookies of the first come late.
func (b *Browser) Double(form url.Values, action string) error {
	_, first, _, err := b.Exchange(http.MethodPost, action, form)
	if err != nil {
		return err
	}
	req, second, body, err := b.Exchange(http.MethodPost, action, form)
	if err != nil {
		return err
	}
	b.Jar.SetCookies(req.URL, second.Cookies())
	second.Header["Set-Cookie"] = first.Header["Set-Cookie"]
	return b.take(req, second, body)
}

// Exchange sends one request and reads its answer. Nothing of it is kept, and no page is shown.
func (b *Browser) Exchange(method, address string, form url.Values) (*http.Request, *http.Response, []byte, error) {
	return b.exchangeBody(method, address, "application/x-www-form-urlencoded", form.Encode())
}

func (b *Browser) exchangeBody(method, address, kind, content string) (*http.Request, *http.Response, []byte, error) {
	req, err := http.NewRequest(method, address, strings.NewReader(content))
	if err != nil {
		return nil, nil, nil, err
	}
	b.sign(req, kind)
	res, err := b.server.RoundTrip(req)
	if err != nil {
		return nil, nil, nil, err
	}
	body, err := io.ReadAll(res.Body)
	return req, res, body, err
}

// Send sends a request from the page that is open, and follows redirects.
func (b *Browser) Send(method, address string, form url.Values) error {
	req, res, body, err := b.Exchange(method, address, form)
	if err != nil {
		return err
	}
	b.past.trail = nil
	return b.take(req, res, body)
}

// Trail is the addresses that the page was reached through, its own last.
func (b *Browser) Trail() []string { return b.past.trail }

// Retrace opens again the address with a part in it through which this page was reached.
func (b *Browser) Retrace(part string) error {
	for _, address := range b.past.trail {
		if strings.Contains(address, part) {
			return b.Open(address)
		}
	}
	return fmt.Errorf("no %s on the way to %s: %q", part, b.URL, b.past.trail)
}

// take keeps the cookies of an answer, follows its redirects, and shows the page.
func (b *Browser) take(req *http.Request, res *http.Response, body []byte) error {
	for range 15 {
		if !b.NoJar {
			b.Jar.SetCookies(req.URL, res.Cookies())
		}
		b.past.trail = append(b.past.trail, req.URL.String())
		b.URL, b.Status, b.Header, b.Body = req.URL, res.StatusCode, res.Header, string(body)
		location := res.Header.Get("Location")
		if location == "" || res.StatusCode < 300 || res.StatusCode > 399 {
			b.filled, b.ticked = map[string]string{}, map[*html.Node]bool{}
			b.past.pages = append(b.past.pages, req.URL.String())
			var err error
			b.Doc, err = html.Parse(bytes.NewReader(body))
			return err
		}
		next, err := req.URL.Parse(location)
		if err != nil {
			return err
		}
		if req, res, body, err = b.Exchange(http.MethodGet, next.String(), nil); err != nil {
			return err
		}
	}
	return fmt.Errorf("too many redirects, the last to %s", req.URL)
}

// sign adds what a browser sends with every request: where it comes from, its language, its cookies.
func (b *Browser) sign(req *http.Request, kind string) {
	site := "none"
	switch {
	case b.URL != nil && b.URL.Host == req.URL.Host:
		site = "same-origin"
	case b.URL != nil:
		site = "cross-site"
	}
	req.Header.Set("Sec-Fetch-Site", site)
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if req.Method == http.MethodPost {
		req.Header.Set("Content-Type", kind)
		if b.URL != nil {
			req.Header.Set("Origin", b.URL.Scheme+"://"+b.URL.Host)
		} else {
			req.Header.Del("Sec-Fetch-Site") // a request of no page
		}
	}
	req.Header.Set("Accept-Language", b.Lang)
	req.Header.Set("User-Agent", cmp.Or(b.Agent, "idptest"))
	for name, value := range b.More {
		req.Header.Set(name, value)
	}
	if !b.NoJar {
		for _, c := range b.Jar.Cookies(req.URL) {
			req.AddCookie(c)
		}
	}
}

// Fill types into the field with this label.
func (b *Browser) Fill(label, value string) error {
	for n := range b.Doc.Descendants() {
		if n.Data == "label" && Text(n) == label {
			id := Attr(n, "for")
			for f := range b.Doc.Descendants() {
				if Attr(f, "id") == id && Attr(f, "name") != "" {
					b.filled[Attr(f, "name")] = value
					return nil
				}
			}
		}
	}
	return fmt.Errorf("no field with the label %q on %s", label, b.URL)
}

// Tick ticks a box, or not; of several to choose from the others are not chosen then.
func (b *Browser) Tick(box *html.Node, on bool) {
	if Attr(box, "type") == "radio" {
		for n := range b.Doc.Descendants() {
			if Attr(n, "type") == "radio" && Attr(n, "name") == Attr(box, "name") {
				b.ticked[n] = false
			}
		}
	}
	b.ticked[box] = on
}

// Value is what stands in the field with this name.
func (b *Browser) Value(name string) string {
	for n := range b.Doc.Descendants() {
		if n.Data == "input" && Attr(n, "name") == name {
			return Attr(n, "value")
		}
	}
	return ""
}

// Press presses the button, or follows the link, with this text.
func (b *Browser) Press(label string) error {
	return b.PressLike(regexp.MustCompile("^" + regexp.QuoteMeta(label) + "$"))
}

// PressLike presses the first button, or follows the first link, with such a text.
func (b *Browser) PressLike(label *regexp.Regexp) error {
	for n := range b.Doc.Descendants() {
		if n.Type != html.ElementNode || !label.MatchString(name(n)) {
			continue
		}
		switch n.Data {
		case "a":
			to, err := b.URL.Parse(Attr(n, "href"))
			if err != nil {
				return err
			}
			return b.Open(to.String())
		case "button":
			form, action, err := b.Form(n)
			if err != nil {
				return err
			}
			if strings.EqualFold(Attr(b.formOf(n), "method"), "get") {
				return b.Open(action + "?" + form.Encode())
			}
			if Attr(b.formOf(n), "enctype") == "multipart/form-data" {
				return b.upload(b.formOf(n), form, action)
			}
			return b.Send(http.MethodPost, action, form)
		}
	}
	return fmt.Errorf("no button or link %s on %s:\n%s", label, b.URL, Visible(b.Doc))
}

// upload sends a form with files, in the fields of which their contents were filled in.
func (b *Browser) upload(form *html.Node, values url.Values, action string) error {
	var content strings.Builder
	parts := multipart.NewWriter(&content)
	for name := range values {
		create := parts.CreateFormField
		if isFile(form, name) && values.Get(name) != "" {
			create = func(name string) (io.Writer, error) { return parts.CreateFormFile(name, "file.csv") }
		}
		part, err := create(name)
		if err != nil {
			return err
		}
		_, _ = io.WriteString(part, values.Get(name)) // to memory
	}
	if err := parts.Close(); err != nil {
		return err
	}
	req, res, body, err := b.exchangeBody(http.MethodPost, action, parts.FormDataContentType(), content.String())
	if err != nil {
		return err
	}
	return b.take(req, res, body)
}

func isFile(form *html.Node, name string) bool {
	for n := range form.Descendants() {
		if n.Data == "input" && Attr(n, "name") == name && Attr(n, "type") == "file" {
			return true
		}
	}
	return false
}

// Form is what pressing a button would send, and where.
func (b *Browser) Form(button *html.Node) (url.Values, string, error) {
	form := b.formOf(button)
	if form == nil {
		return nil, "", fmt.Errorf("button outside a form on %s", b.URL)
	}
	values := url.Values{}
	for n := range form.Descendants() {
		if name := Attr(n, "name"); n.Data == "input" && name != "" {
			value := Attr(n, "value")
			if typed, ok := b.filled[name]; ok {
				value = typed
			}
			on, touched := b.ticked[n]
			if !touched {
				on = HasAttr(n, "checked")
			}
			if kind := Attr(n, "type"); kind != "checkbox" && kind != "radio" || on {
				values.Set(name, value)
			}
		}
	}
	if name := Attr(button, "name"); name != "" {
		values.Set(name, Attr(button, "value"))
	}
	action, err := b.URL.Parse(Attr(form, "action"))
	if err != nil {
		return nil, "", err
	}
	return values, action.String(), nil
}

// formOf is the form that a button sends; nil: it is outside any.
func (b *Browser) formOf(button *html.Node) *html.Node {
	form := button.Parent
	if id := Attr(button, "form"); id != "" {
		form = ByID(b.Doc, id)
	}
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	return form
}

// ByID is the element with an id; nil: there is none.
func ByID(doc *html.Node, id string) *html.Node {
	for n := range doc.Descendants() {
		if Attr(n, "id") == id {
			return n
		}
	}
	return nil
}

// Button finds a button by its text.
func (b *Browser) Button(label string) *html.Node {
	return b.ButtonLike(regexp.MustCompile("^" + regexp.QuoteMeta(label) + "$"))
}

// ButtonLike finds the first button with such a text.
func (b *Browser) ButtonLike(label *regexp.Regexp) *html.Node {
	for n := range b.Doc.Descendants() {
		if n.Data == "button" && label.MatchString(Text(n)) {
			return n
		}
	}
	return nil
}

// Visible is the text of a page as a person reads it.
func Visible(doc *html.Node) string {
	for n := range doc.Descendants() {
		if n.Data == "body" {
			return Text(n)
		}
	}
	return Text(doc)
}

// Text is the text of an element as a person reads it.
func Text(n *html.Node) string { return textOf(n, func(*html.Node) bool { return false }) }

// name is what a button or link is called: without the state that a line of the settings shows at its end.
func name(n *html.Node) string {
	return textOf(n, func(d *html.Node) bool { return Attr(d, "class") == "value" })
}

func textOf(n *html.Node, without func(*html.Node) bool) string {
	var parts []string
	for d := range n.Descendants() {
		if d.Type != html.TextNode || d.Parent.Data == "script" || d.Parent.Data == "style" {
			continue
		}
		left := false
		for up := d.Parent; up != n && up != nil && !left; up = up.Parent {
			left = without(up)
		}
		if !left {
			parts = append(parts, d.Data)
		}
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// Attr is an attribute of an element; "" if it has none.
func Attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// HasAttr reports whether an element has an attribute, whatever its value.
func HasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// MustOpen opens an address. Like the others that begin with Must, it ends the test if that fails.
func (b *Browser) MustOpen(t testing.TB, address string) {
	t.Helper()
	if err := b.Open(address); err != nil {
		t.Fatal(err)
	}
}

// MustFill types into a field.
func (b *Browser) MustFill(t testing.TB, label, value string) {
	t.Helper()
	if err := b.Fill(label, value); err != nil {
		t.Fatal(err)
	}
}

// MustPress presses a button or link.
func (b *Browser) MustPress(t testing.TB, label string) {
	t.Helper()
	if err := b.Press(label); err != nil {
		t.Fatal(err)
	}
}

// MustTwice is Twice.
func (b *Browser) MustTwice(t testing.TB, form url.Values, action string) {
	t.Helper()
	if err := b.Twice(form, action); err != nil {
		t.Fatal(err)
	}
}

// MustDouble is Double.
func (b *Browser) MustDouble(t testing.TB, form url.Values, action string) {
	t.Helper()
	if err := b.Double(form, action); err != nil {
		t.Fatal(err)
	}
}

// MustLose is Lost.
func (b *Browser) MustLose(t testing.TB, form url.Values, action string) {
	t.Helper()
	if err := b.Lost(form, action); err != nil {
		t.Fatal(err)
	}
}

// MustBeAt compares the end of the path.
func (b *Browser) MustBeAt(t testing.TB, suffix string) {
	t.Helper()
	if !strings.HasSuffix(b.URL.Path, suffix) {
		t.Fatalf("at %s, want …%s:\n%s", b.URL, suffix, Visible(b.Doc))
	}
}
