// Package demo is the relying side of `idp dev`: a start page, the platforms of two organisations and somebody else's
// diary, which send people to us and show what comes back. They have a button for whatever a platform can ask. Beside
// them is a phone with the mobile app, which is internal/phone with a screen.
//
// It is built on coreos/go-oidc and x/oauth2, as somebody else's platform would be, and keeps everything in memory. It
// serves every site under /<name>/, and what was sent to people at /dev/outbox. It is for development only: `idp serve`
// does not contain its routes. Passwords and secrets of people who do not exist are on the start page, on purpose.
package demo

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/platform"
)

//go:embed templates assets
var files embed.FS

// pages are the templates by name, each on the layout that all have.
var pages = func() map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range []string{"start", "site", "client", "outbox", "phone"} {
		all[name] = template.Must(template.ParseFS(files, "templates/layout.html", "templates/"+name+".html"))
	}
	return all
}()

// Platform is a site to log in to: that of an organisation, or somebody else's that asks its people's consent.
type Platform struct {
	Name, Title, Issuer, ClientID, Secret string

	Organisation string // whose accounts log in
	Colour       string // "#rrggbb"
	Others       bool   // somebody else's
	Refers       bool   // its server may send therapists to the provider, to help a client
	On           string // the provider's name of the organisation
	App          string // client_id of the mobile app; empty: it has none
	Scopes       []string
}

// Site is the relying side.
type Site struct {
	Origin    string // where it is served: http://localhost:8081
	Accounts  []Account
	Mails     *notify.Memory // shown at /dev/outbox
	Now       func() time.Time
	Subject   func(ctx context.Context, on, email string) (string, error) // what platforms know people by; nil: nothing
	Camera    func(ctx context.Context, on string) (string, error)        // what phones see; nil: they have none
	platforms map[string]Platform
	order     []Platform
	routes    *http.ServeMux

	mu       sync.Mutex
	visitors map[string]*visitor // by cookie
}

// Account is one that the start page names, with its password; empty: it is invited, and its mail is in the outbox.
type Account struct {
	Email, Password, Role, Platform, On string

	Name          string
	May           string   // what accounts of the role can do
	Pages         string   // where it helps others; empty: nowhere here
	At            string   // name of the site where it logs in
	TOTPSecret    string   // base32; empty: no authenticator app
	Phone         string   // gets codes by text message; empty: none
	RecoveryCodes []string // in place of the app's
}

// visitor is what one browser has at the site.
type visitor struct {
	mu      sync.Mutex
	pending map[string]attempt // by state
	signed  map[string]signed  // by site
	notice  notice

	handsets map[string]*handset // by site
}

// notice is said once. A warning is what did not work.
type notice struct {
	Text    string
	Warning bool
}

type attempt struct{ platform, verifier, nonce string }

// signed is what a site got when somebody logged in.
type signed struct {
	token *oauth2.Token
	raw   string // the ID token
	info  []byte // userinfo, JSON
}

// New makes the site. Its outbox is empty.
func New(origin string, platforms []Platform, accounts []Account, now func() time.Time) *Site {
	s := &Site{
		Origin: origin, Accounts: accounts, Mails: &notify.Memory{}, Now: now,
		platforms: map[string]Platform{}, order: platforms, visitors: map[string]*visitor{},
	}
	for _, p := range platforms {
		s.platforms[p.Name] = p
	}
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.start)
	m.HandleFunc("GET /dev/outbox", s.outbox)
	m.HandleFunc("GET /dev/outbox/{id}", s.html)
	m.HandleFunc("GET /dev/code/{email}", s.codeNow)
	m.HandleFunc("GET /dev/assets/{file}", s.asset)
	m.HandleFunc("GET /{platform}/{$}", s.with(s.home))
	m.HandleFunc("GET /{platform}/login", s.with(s.login))
	m.HandleFunc("GET /{platform}/callback", s.with(s.callback))
	m.HandleFunc("POST /{platform}/refresh", s.with(s.refresh))
	m.HandleFunc("POST /{platform}/logout", s.with(s.logout))
	m.HandleFunc("GET /{platform}/phone", s.with(s.showPhone))
	m.HandleFunc("GET /{platform}/phone/callback", s.with(s.backInApp))
	m.HandleFunc("POST /{platform}/phone/{act}", s.with(s.actOnPhone))
	m.HandleFunc("GET /{platform}/clients/{email}", s.with(s.details))
	m.HandleFunc("POST /{platform}/clients/{email}/reset", s.with(s.refer))
	s.routes = m
	return s
}

// policy lets pages load what this site serves, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"

// ServeHTTP routes /, /<site>/ and the actions under it.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if origin, err := url.Parse(s.Origin); err == nil && r.Host != origin.Host && !web.ToThisMachine(r) {
		http.Error(w, "This is "+s.Origin, http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Cache-Control", "no-store")
	s.routes.ServeHTTP(w, r)
}

// show writes a page, or says that its template is wrong.
func (s *Site) show(w http.ResponseWriter, page string, data any) {
	var b bytes.Buffer
	if err := pages[page].ExecuteTemplate(&b, "layout.html", data); err != nil {
		http.Error(w, "template: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w) // the caller is gone: nothing to do about it
}

// asset serves style, script, the colours of the sites and their icons.
func (s *Site) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	body, err := files.ReadFile("assets/" + name)
	if name == "colours.css" {
		body, err = s.colours(), nil
	}
	if p, ok := s.platforms[strings.TrimSuffix(name, ".svg")]; ok && strings.HasSuffix(name, ".svg") {
		body, err = icon(p), nil
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(body) // the caller is gone: nothing to do about it
}

// colours are classes that give a part of a page the colour of a site, as legible as the provider makes it.
func (s *Site) colours() []byte {
	var b bytes.Buffer
	for _, p := range s.order {
		colour := platform.Branding{Colour: p.Colour}
		fmt.Fprintf(&b, ".of-%[1]s{--brand:%[2]s}\n@media (prefers-color-scheme:dark){.of-%[1]s{--brand:%[3]s}}\n",
			p.Name, colour.Light(), colour.Dark())
	}
	return b.Bytes()
}

// icon is a site's first letter on its colour.
func icon(p Platform) []byte {
	colour := platform.Branding{Colour: p.Colour}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">`+
		`<rect width="32" height="32" rx="8" fill="%s"/><text x="16" y="23" font-family="system-ui,sans-serif" font-size="20" `+
		`font-weight="700" text-anchor="middle" fill="%s">%s</text></svg>`,
		colour.Colour, colour.Text(), template.HTMLEscapeString(p.Initial()))
}

// Initial stands for a site where its name does not fit: that of the last word of its title.
func (p Platform) Initial() string {
	words := strings.Fields(p.Title)
	if len(words) == 0 {
		return ""
	}
	return string([]rune(words[len(words)-1])[:1])
}

// with finds site and visitor.
func (s *Site) with(h func(http.ResponseWriter, *http.Request, Platform, *visitor) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.platforms[r.PathValue("platform")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		v := s.visitor(w, r)
		v.mu.Lock()
		defer v.mu.Unlock()
		if err := h(w, r, p, v); err != nil {
			v.notice = notice{Text: err.Error(), Warning: true}
			http.Redirect(w, r, "/"+p.Name+"/", http.StatusSeeOther)
		}
	}
}

func (s *Site) visitor(w http.ResponseWriter, r *http.Request) *visitor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, err := r.Cookie("demo"); err == nil && s.visitors[c.Value] != nil {
		return s.visitors[c.Value]
	}
	id, v := secret.Token(), &visitor{pending: map[string]attempt{}, signed: map[string]signed{}, handsets: map[string]*handset{}}
	s.visitors[id] = v
	http.SetCookie(w, &http.Cookie{Name: "demo", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return v
}

// soon bounds what a page waits for the provider, which runs in the same process.
func soon(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), 2*time.Second)
}
