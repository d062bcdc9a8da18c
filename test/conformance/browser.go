package conformance

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/minddistrict/idp/test/browser"
	"golang.org/x/net/html"
)

// visitor is somebody with a browser without script, who follows the commands of the configuration as the official
// suite's does, page after page. Requests to the suite's own addresses are not sent: they are what the module looks at.
type visitor struct {
	http   http.RoundTripper
	jar    http.CookieJar
	visits []Visit
	counts map[int]int // visits by their place, as often as they counted
	own    string      // prefix of the suite's own addresses

	url      *url.URL
	page     *html.Node
	typed    map[*html.Node]string
	seen     *sighting
	pictured bool // one of all pages was
}

// sighting is what one visit saw.
type sighting struct {
	arrived  *arrival // at one of the suite's own addresses; nil: the visit ended on a page of the server
	pages    int      // pages that the server showed on the way
	password bool     // one of them asked for a password
	pictured bool     // one of them was recognised as what the suite wants a picture of
	status   int      // of the last page
	kind     string   // its content type
}

// arrival is a request to one of the suite's own addresses.
type arrival struct {
	method string
	url    *url.URL
	kind   string // content type of the body
	body   string
}

// maxHops ends a circle of redirects.
const maxHops = 20

// visit goes to an address and does what the configuration says. Posted: the query is sent as a form of another site.
func (b *visitor) visit(ctx context.Context, address string, posted bool) (*sighting, error) {
	b.seen = &sighting{}
	var tasks []Task
	for i, v := range b.visits {
		if matches(v.Match, address) && (v.Limit == 0 || b.counts[i] < v.Limit) {
			b.counts[i]++
			tasks = v.Tasks
			break
		}
	}
	if tasks == nil {
		return nil, fmt.Errorf("the configuration has no browser commands for %.80s", address)
	}
	method, form := http.MethodGet, ""
	if posted {
		method = http.MethodPost
		address, form, _ = strings.Cut(address, "?")
	}
	b.url = nil // opened from elsewhere
	if err := b.load(ctx, method, address, form); err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if t.Match != "" && !matches(t.Match, b.url.String()) {
			if t.Optional {
				continue
			}
			return nil, fmt.Errorf("browser task %q: at %s, wanted %s:\n%s", t.Name, b.url, t.Match, browser.Text(b.page))
		}
		for _, c := range t.Commands {
			if err := b.command(ctx, c); err != nil {
				return nil, fmt.Errorf("browser task %q: %w", t.Name, err)
			}
		}
	}
	return b.seen, nil
}

// matches reports whether a text fits the pattern of the official suite: * stands for anything.
func matches(pattern, s string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	last := parts[len(parts)-1]
	for _, part := range parts[:len(parts)-1] {
		_, after, found := strings.Cut(s, part)
		if !found {
			return false
		}
		s = after
	}
	return strings.HasSuffix(s, last)
}

// load sends a request and follows redirects to a page.
func (b *visitor) load(ctx context.Context, method, address, form string) error {
	for range maxHops {
		kind := ""
		if method == http.MethodPost {
			kind = "application/x-www-form-urlencoded"
		}
		if strings.HasPrefix(address, b.own) {
			return b.arrive(method, address, kind, form)
		}
		answer, err := b.send(ctx, method, address, kind, form)
		if err != nil {
			return err
		}
		location := answer.header.Get("Location")
		if location == "" || answer.status < 300 || answer.status > 399 {
			return b.show(answer)
		}
		next, err := b.url.Parse(location)
		if err != nil {
			return fmt.Errorf("following a redirect: %w", err)
		}
		address = next.String()
		if answer.status != http.StatusTemporaryRedirect && answer.status != http.StatusPermanentRedirect {
			method, form = http.MethodGet, ""
		}
	}
	return fmt.Errorf("more than %d redirects, the last to %s", maxHops, address)
}

// send sends one request with the headers and cookies that a browser sends. A form that another site posts carries no
// cookies: those of a provider are SameSite=Lax at least, or treated as such.
func (b *visitor) send(ctx context.Context, method, address, kind, form string) (*reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	site, origin := "none", b.own
	if b.url != nil {
		origin = b.url.Scheme + "://" + b.url.Host
	}
	switch {
	case b.url != nil && b.url.Host == req.URL.Host:
		site = "same-origin"
	case b.url != nil || method == http.MethodPost:
		site = "cross-site"
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	req.Header.Set("Accept-Language", "en-US,en;q=0.9")
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Sec-Fetch-Site", site)
	if method == http.MethodPost {
		o, err := url.Parse(origin)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Origin", o.Scheme+"://"+o.Host)
		req.Header.Set("Content-Type", kind)
	}
	if method != http.MethodPost || site != "cross-site" {
		for _, c := range b.jar.Cookies(req.URL) {
			req.AddCookie(c)
		}
	}
	answer, err := roundTrip(b.http, req)
	if err != nil {
		return nil, err
	}
	b.jar.SetCookies(req.URL, (&http.Response{Header: answer.header}).Cookies())
	b.url = req.URL
	return answer, nil
}

// show makes an answer the page that is open.
func (b *visitor) show(answer *reply) error {
	page, err := html.Parse(bytes.NewReader(answer.body))
	if err != nil {
		return fmt.Errorf("reading page %s: %w", b.url, err)
	}
	b.page, b.typed = page, map[*html.Node]string{}
	b.seen.pages++
	b.seen.status, b.seen.kind = answer.status, answer.kind()
	if query(page, "css", "input[type=password]") != nil {
		b.seen.password = true
	}
	return nil
}

// arrive keeps a request to the suite and shows the suite's own page.
func (b *visitor) arrive(method, address, kind, body string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	b.url = u
	b.seen.arrived = &arrival{method, u, kind, body}
	b.page, err = html.Parse(strings.NewReader(`<p id="submission_complete">arrived</p>`))
	return err
}

// command does one command of the official suite's language: text, click and wait.
func (b *visitor) command(ctx context.Context, command []any) error {
	word := func(i int) string {
		if i < len(command) {
			s, _ := command[i].(string)
			return s
		}
		return ""
	}
	verb, kind, target := word(0), word(1), word(2)
	switch verb {
	case "text":
		field := query(b.page, kind, target)
		if field == nil && word(4) == "optional" {
			return nil
		}
		if field == nil {
			return b.missing("field", kind, target)
		}
		b.typed[field] = word(3)
		return nil
	case "click":
		button := query(b.page, kind, target)
		if button == nil && word(3) == "optional" {
			return nil
		}
		if button == nil {
			return b.missing("button or link", kind, target)
		}
		return b.click(ctx, button)
	case "wait":
		return b.look(kind, target, word(4), word(5))
	}
	return fmt.Errorf("no such command: %v", command)
}

func (b *visitor) missing(what, kind, target string) error {
	return fmt.Errorf("no %s with %s %s at %s:\n%s", what, kind, target, b.url, browser.Text(b.page))
}

// look compares the page that is open. There is nothing to wait for: no page of ours changes.
func (b *visitor) look(kind, target, pattern, then string) error {
	if kind == "contains" {
		if !strings.Contains(b.url.String(), target) {
			return fmt.Errorf("at %s, wanted an address with %s", b.url, target)
		}
		return nil
	}
	found := query(b.page, kind, target)
	if found == nil {
		return b.missing("element", kind, target)
	}
	if pattern == "" {
		return nil
	}
	p, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	if !p.MatchString(browser.Text(found)) {
		return fmt.Errorf("no %q at %s:\n%s", pattern, b.url, browser.Text(b.page))
	}
	if strings.HasPrefix(then, "update-image-placeholder") {
		b.seen.pictured, b.pictured = true, true
	}
	return nil
}

// click follows a link, or sends the form of a button.
func (b *visitor) click(ctx context.Context, n *html.Node) error {
	if n.Data == "a" {
		to, err := b.url.Parse(browser.Attr(n, "href"))
		if err != nil {
			return err
		}
		return b.load(ctx, http.MethodGet, to.String(), "")
	}
	form := n.Parent
	if id := browser.Attr(n, "form"); id != "" {
		form = query(b.page, "id", id)
	}
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	if form == nil || n.Data != "button" && n.Data != "input" || browser.Attr(n, "type") == "button" {
		return fmt.Errorf("a %s at %s that does nothing without script", n.Data, b.url)
	}
	to, err := b.url.Parse(browser.Attr(form, "action"))
	if err != nil {
		return err
	}
	values := b.filled(form)
	if name := browser.Attr(n, "name"); name != "" {
		values.Set(name, browser.Attr(n, "value"))
	}
	if !strings.EqualFold(browser.Attr(form, "method"), http.MethodPost) {
		to.RawQuery = values.Encode()
		return b.load(ctx, http.MethodGet, to.String(), "")
	}
	return b.load(ctx, http.MethodPost, to.String(), values.Encode())
}

// filled is what the fields of a form hold.
func (b *visitor) filled(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		name := browser.Attr(n, "name")
		if n.Data != "input" || name == "" {
			continue
		}
		switch browser.Attr(n, "type") {
		case "submit", "button", "checkbox", "radio":
			continue
		}
		if typed, ok := b.typed[n]; ok {
			values.Add(name, typed)
		} else {
			values.Add(name, browser.Attr(n, "value"))
		}
	}
	return values
}
