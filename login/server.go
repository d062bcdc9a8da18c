package login

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/visitor"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Store is what the engine needs of storage; each method is one transaction.
type Store interface {
	Journey(ctx context.Context, p platform.ID, id string) (*authn.Journey, error)
	Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error)
	StartJourney(ctx context.Context, j authn.Journey) error
	Device(ctx context.Context, p platform.ID, of account.ID, id string, cookie []byte, now time.Time) (account.Device, account.Presented, error)
	ForgetDevice(ctx context.Context, d account.Device, follows authn.Change, now time.Time) error
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
	Uncount(ctx context.Context, p platform.ID, keys []string) error
	RecordOnceRef(ctx context.Context, e audit.Event, source string) (reference string, err error)
}

// Sealer seals what is stored, and hashes the names of counters.
type Sealer interface {
	Seal(plain []byte, binding string) []byte
	Open(sealed []byte, binding string) ([]byte, error)
	MAC(purpose, data string) []byte
}

// Parties are what is known of the parties of platforms.
type Parties interface {
	Party(p platform.ID, id grant.PartyID) (*grant.Party, bool)
	Connected(p platform.ID) bool    // an organisation's own sign-in is open
	HasMobileApp(p platform.ID) bool // a party is the platform's own mobile app: pages may speak of it
}

// Options are what the house passes in.
type Options struct {
	Store    Store
	Visitors visitor.Reader
	Sealer   Sealer
	Factors  []Factor
	UI       *ui.Renderer // pages and texts, those of the factors among them
	Mails    Mails
	Links    Links
	Devices  DeviceStore
	Parties
	Ends
	// RateLimit counts what somebody begins who is not known here by where it comes from, or says that there is too much
	// (see web.RateLimiter).
	RateLimit func(*http.Request) error
	Fresh     func() error // fault.Unavailable: parties and policies may have changed, and nobody can look
	Now       func() time.Time
	Log       *slog.Logger
}

// Ends are where journeys lead.
type Ends struct {
	// Callback is where a journey of a request leads at its end.
	Callback func(p *platform.Platform, request string, outcome web.Outcome) string
	// Restart is where a stale journey of a request begins anew.
	Restart func(p *platform.Platform, party *grant.Party) string
	// Login is where people log in who come by the link of a mail; the party had it sent, and may be nil.
	Login func(p *platform.Platform, party *grant.Party) string
	// Finished hears of a journey of our own pages that is done; Cancelled is where one leads that was given up. Both may
	// be nil.
	Finished  func(http.ResponseWriter, *Visit, authn.Change)
	Cancelled func(returnTo string) string
}

// Server is the login door. It is the same for all platforms; a request's platform is in its context.
type Server struct {
	Options
	steps []Step
}

// New builds the door from its factors. The order of factors is the order in which they are offered.
func New(o Options) *Server {
	s := &Server{Options: o}
	for _, f := range o.Factors {
		s.steps = append(s.steps, f.Prove)
		if f.Enrol != nil {
			s.steps = append(s.steps, f.Enrol)
		}
	}
	for _, f := range o.Factors {
		s.steps = append(s.steps, f.Steps...)
	}
	s.steps = append(s.steps, switchStep{}, continueAsStep{}, consentStep{}, deviceRemovalStep{s}, forgotStep{s}, signUpStep{s}, checkMailStep{s}, setUpStep{s}, turnOffStep{s},
		noCodeStep{s}, closedStep{}) // the last one, because it meets what no way of signing in meets
	return s
}

// Methods lists the second factors that exist.
func Methods(factors []Factor) []string {
	var methods []string
	for _, f := range factors {
		if f.Second {
			methods = append(methods, f.Method)
		}
	}
	return methods
}

// DefaultPolicy is what a platform has that sets nothing, where these factors exist.
func DefaultPolicy(factors []Factor) platform.Policy {
	p := platform.DefaultPolicy()
	for _, f := range factors {
		if f.Policy != nil {
			f.Policy(&p)
		}
	}
	return p
}

// Parts lists what factors show and say.
func Parts(factors []Factor) []ui.Part {
	var parts []ui.Part
	for _, f := range factors {
		if f.UI.Files != nil {
			parts = append(parts, f.UI)
		}
	}
	return parts
}

// Routes adds the door to a platform's router, in the order of a visit.
func (s *Server) Routes(r *mux.Router) {
	add := s.Pages(r)
	for _, path := range []string{"/", "/login"} { // the second is a shortened bookmark
		r.Handle(path, web.Route("home", s.page(s.home))).Methods("GET", "HEAD")
	}
	add(glassPath, "emergency door", answerHead, "HEAD") // a GET begins a journey
	add(glassPath, "emergency door", s.serveBreakGlass, "GET")
	r.Handle("/login/{journey}", web.Route("dispatch", s.page(s.ServePage(answerHead)))).Methods("HEAD") // a GET may end the journey
	add("/login/{journey}", "dispatch", s.ServePage(s.dispatch), "GET")
	add("/login/{journey}/"+stopPath, "stop", s.ServePage(s.showStop), "GET", "HEAD")
	add("/login/{journey}/"+stopPath, "submit stop", s.ServePage(s.submitStop), "POST")
	add("/login/{journey}/{step}", "show", s.ServePage(s.show), "GET", "HEAD")
	add("/login/{journey}/{step}", "submit", s.ServePage(s.submit), "POST")
	add("/login/{journey}/{step}/to/{place}", "leave", s.ServePage(s.serveRedirect), "GET")
	add("/login/{journey}/{step}/back/{handle}", "come back", s.ServePage(s.serveReturn), "GET")
	add("/forgot", "forgot", answerHead, "HEAD") // a GET begins a journey
	add("/forgot", "forgot", s.forgot, "GET")
	for _, f := range s.Factors {
		if f.Routes != nil {
			f.Routes(r)
		}
	}
	r.PathPrefix("/assets/").Handler(web.Route("assets", http.HandlerFunc(assets))).Methods("GET", "HEAD")
}

// ServePage lets through what a journey or a session could have: an identifier that has the form of one, and a step
// that there is. An old journey leads on; what never was one is not found.
func (s *Server) ServePage(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		for name, value := range mux.Vars(r) {
			known := true
			switch name {
			case "journey", "session":
				known = secret.IsID(value)
			case "step":
				known = slices.ContainsFunc(s.steps, func(step Step) bool { return step.Name() == value })
			}
			if !known {
				s.NotFound(w, r)
				return nil
			}
		}
		return h(w, r)
	}
}

// Reserved reports whether a first path element is one of this door's own.
func Reserved(element string) bool {
	return element == "login" || element == "assets" || element == "link" || element == "forgot" || element == "settings" || element == "staff" || element == "app" || element == "federation"
}

// JourneyPath is the address of a journey, and with it of the page the person should see now.
func JourneyPath(p *platform.Platform, id string) string { return p.URL("/login/" + id) }

// PageFor is the address of the page of a journey for what is wanted there, where a step meets that; otherwise of the
// journey. Who knows less than the journey may be wrong: the page leads on.
func (s *Server) PageFor(p *platform.Platform, id string, wanted authn.Requirement, f authn.Facts) string {
	i := slices.IndexFunc(s.steps, func(step Step) bool { return step.Handles(wanted, f) })
	if i < 0 {
		return JourneyPath(p, id)
	}
	return JourneyPath(p, id) + "/" + s.steps[i].Name()
}

// home leads people who come by a bookmark of ours to where their platform begins.
func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, platform.FromContext(r.Context()).HomeURL, http.StatusSeeOther)
	return nil
}

// errEnded says that the journey came to its end in this browser before: a double click, or the way back. The request
// it was for is answered now, if it was not.
var errEnded = errors.New("journey has ended")

// errUnbound says that the journey is not that of this browser, or that it has a cookie of its own by now, which this
// request did not bring: the person begins anew.
var errUnbound = errors.New("journey is bound to another cookie")

// errRestart says that the journey cannot be continued here and the person begins anew.
var errRestart = errors.New("journey is over")

// load finds the journey of a request, in the browser that began it, with everything the rules ask for. A browser
// without our cookie, or with another one, is not told that the journey exists.
func (s *Server) load(r *http.Request) (*Visit, error) {
	p, now := platform.FromContext(r.Context()), s.Now()
	id := mux.Vars(r)["journey"]
	if !secret.IsID(id) {
		return &Visit{Platform: p}, errRestart
	}
	j, err := s.Store.Journey(r.Context(), p.ID, id)
	if errors.Is(err, fault.NotFound) {
		return &Visit{Platform: p}, errRestart
	}
	if err != nil {
		return nil, err
	}
	v := &Visit{Platform: p, Journey: j, Caller: web.From(r.Context()), Now: now}
	v.knownBrowser.used = web.Cookie(r, p.ID, web.UsedCookie)
	v.AskedBy = p.Name
	party, known := s.Party(p.ID, partyID(j))
	if known {
		if name := party.CalledAs(p.Name); name != p.Name {
			v.PartyName, v.AskedBy = name, name
		}
		v.Party = *party
	}
	if web.Cookie(r, p.ID, web.BrowserCookie) == "" {
		return v, errCookies
	}
	if !web.Bound(r, p.ID, j.ID, j.Browser) {
		return v, errUnbound
	}
	if !known && j.Request != "" {
		return v, errEnded // whoever reads the request says that its party is gone
	}
	if !j.Open(now) {
		if err := s.linkWorks(r.Context(), v); err != nil {
			return v, err // another window set the password: that is said, not where the journey leads
		}
		if j.EndedAt.IsZero() || j.Request == "" {
			return v, errRestart
		}
		return v, errEnded
	}
	if err := s.linkWorks(r.Context(), v); err != nil {
		return v, err
	}
	return v, s.facts(r, v)
}

// facts gathers what the rules read: the account that the journey proved or, before that, the one signed in here.
func (s *Server) facts(r *http.Request, v *Visit) error {
	p, j := v.Platform, v.Journey
	v.Facts = authn.Facts{Methods: Methods(s.Factors), Recovery: s.recovery(), Now: v.Now}
	v.Facts.Policy = j.Ask.Policy(p.Policy, v.Facts.Methods)
	v.Facts.FollowJourney(j)
	v.Facts.Connected = s.Connected(p.ID)
	if party, ok := s.Party(p.ID, partyID(j)); ok {
		v.Facts.MobileApp = party.AsksAsMobileApp(j.Ask.Channel)
	}
	session, a, err := s.Visitors.Session(r, p.ID, j.Ask.Channel, v.Now)
	if err != nil {
		return err
	}
	v.Facts.Session, v.SignedIn = session, a
	if session != nil && !j.IgnoreSession && !j.Ask.PromptSelectAccount && (j.Account == "" && j.Ask.Purpose != authn.SignUp || j.Account == a.ID) {
		v.Facts.Account = a
	}
	if j.Account != "" && v.Facts.Account == nil {
		a, err := s.Store.Account(r.Context(), p.ID, j.Account)
		if err != nil {
			return err
		}
		v.Facts.Account = a
	}
	if a := v.Facts.Account; a != nil {
		if j.EndedByAct(a) || j.Account == a.ID && a.State == account.Deactivated {
			return errRestart
		}
		if j.Account == a.ID {
			j.CutAt, j.Unlinked = a.CutAt, false
		}
		if !welcomed(v) {
			return fault.Spent
		}
		j.Proofs = slices.DeleteFunc(j.Proofs, func(p authn.Proof) bool { return !p.Stands(a) })
	}
	if v.Facts.Account == nil && j.Ask.Purpose == authn.SignUp {
		a, err := s.newcomer(v)
		if err != nil {
			return err
		}
		v.Facts.Account = a
	}
	return s.personal(r, v)
}

// welcomed reports whether a journey of the welcome mail still has what to do: an account that got its first password
// elsewhere needs none.
func welcomed(v *Visit) bool {
	j := v.Journey
	return j.Ask.Purpose != authn.Welcome || v.Facts.Account.State == account.Invited || slices.Contains(j.Done, authn.NeedNewPassword)
}

// personal reads what depends on who it is: what was allowed before, whether this browser is remembered,
// and whether there is room for the device.
func (s *Server) personal(r *http.Request, v *Visit) error {
	return errors.Join(s.consented(r, v), s.remembered(r, v), s.readDeviceLimit(r.Context(), v))
}

// consented reads what the person allowed the party before, where that matters.
func (s *Server) consented(r *http.Request, v *Visit) error {
	if v.Facts.Account == nil || len(v.Journey.Ask.Consent) == 0 {
		return nil
	}
	consent, err := s.Visitors.Consent(r.Context(), v.Platform.ID, v.Facts.Account.ID, v.Journey.Party)
	v.Facts.Consent = consent
	return err
}

// current is the step for what is wanted now; nil when nothing is.
func (s *Server) current(v *Visit) (Step, error) {
	v.Facts.FollowJourney(v.Journey)
	missing := authn.Missing(v.Journey.Ask, v.Facts, v.Journey.Proofs)
	if len(missing) == 0 {
		return nil, nil
	}
	v.Requirement = missing[0]
	i := slices.IndexFunc(s.steps, func(step Step) bool { return step.Handles(missing[0], v.Facts) })
	if i < 0 {
		return nil, errors.New("no step meets " + string(missing[0].Need))
	}
	v.Action = JourneyPath(v.Platform, v.Journey.ID) + "/" + s.steps[i].Name()
	return s.steps[i], nil
}

func answerHead(w http.ResponseWriter, r *http.Request) error {
	web.AnswerHead(w, r)
	return nil
}

// assets serves our own style sheets and scripts, and the platform's logos and icon.
func assets(w http.ResponseWriter, r *http.Request) {
	http.StripPrefix("/assets", ui.AssetsOf(platform.FromContext(r.Context()))).ServeHTTP(w, r)
}
