package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/argon2"
	"github.com/minddistrict/idp/internal/clock"
	"github.com/minddistrict/idp/internal/metrics"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/partykeys"
	"github.com/minddistrict/idp/internal/snapshot"
	"github.com/minddistrict/idp/internal/trace"
	"github.com/minddistrict/idp/internal/visitor"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/admin"
	"github.com/minddistrict/idp/login/federated"
	"github.com/minddistrict/idp/login/link"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/login/qr"
	"github.com/minddistrict/idp/login/recoverycode"
	"github.com/minddistrict/idp/login/settings"
	"github.com/minddistrict/idp/login/sms"
	"github.com/minddistrict/idp/login/totp"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
	"github.com/minddistrict/idp/ui"
)

// Network is who is believed, and who is called.
type Network struct {
	Proxies  []netip.Prefix // peers whose forwarding headers are believed
	Outbound *http.Client   // calls parties, reads their keys; nil: at public addresses only
}

// Insight is what whoever runs the house sees of requests, beside the log.
type Insight struct {
	Traces  *trace.Tracer // nil: nobody asked for them
	Explain bool          // error pages say to developers what a party got wrong; only of `idp dev`
}

// Options are what a house is built from.
type Options struct {
	DB      *storage.DB
	Sealer  *keys.Sealer
	Hash    password.Params  // zero: password.DefaultParams
	Leaked  *password.Filter // passwords that became known; nil: only our own short list
	Workers int              // hashes at once
	Queue   int              // hashes waiting
	Network
	Arrival web.Rate // of what one source begins; zero: not bounded
	Now     func() time.Time
	// FixedClock: Now counts as it is. Otherwise the database's clock does, where it has one, so that nodes agree.
	FixedClock bool
	Wait       func(context.Context, time.Duration) // nil: really waits
	Limit      time.Duration                        // of a request; 0: requestTime
	Factors    []login.Factor                       // beside those of the house; tests add a pretend one here
	Mailer     notify.Mailer                        // nil: mails wait
	MailFrom   string                               // address of the sender, where a platform has none of its own
	Texts      notify.Gateway                       // nil: text messages wait
	Senders    map[outbox.Recipient]notify.Sender   // beside those of mails and text messages
	Reports    map[string]notify.ReportedBy         // by the name of the gateway that sends them
	Log        *slog.Logger
	Insight
}

// House is the provider, ready to serve.
type House struct {
	Options
	Pool      *password.Pool
	UI        *ui.Renderer
	outbox    *notify.Worker
	metrics   *metrics.Metrics
	settings  *snapshot.Current
	clock     *clock.Clock
	handler   http.Handler
	upstreams map[federation.Kind]federated.Protocol // built once: they remember what upstreams publish
	outgrown  sync.Once                              // says that the schema is newer now
	leave     sync.Once                              // closes leaving
	leaving   chan struct{}
}

// Build joins doors and floor.
func Build(ctx context.Context, o Options) (*House, error) {
	if o.Hash == (password.Params{}) {
		o.Hash = password.DefaultParams
	}
	if o.Wait == nil {
		o.Wait = Wait
	}
	if o.Outbound == nil {
		o.Outbound = outbound.NewClient(nil)
	}
	if o.Limit == 0 {
		o.Limit = requestTime
	}
	if err := argon2.Check(); err != nil {
		o.Log.WarnContext(ctx, "hashing passwords", "error", err)
	}
	h := &House{Options: o, Pool: password.NewPool(o.Workers, o.Queue, o.Hash), leaving: make(chan struct{})}
	var source clock.Source
	if !o.FixedClock {
		source = o.DB
	}
	h.clock = clock.New(source, o.Now, o.Log)
	h.upstreams = protocols(h)
	h.Pool.Patience = o.Limit / 2
	h.UI = UI(o.Factors...)
	h.settings = snapshot.New(snapshot.Options{Store: o.DB, Sealer: o.Sealer, Now: h.clock.Now, Own: o.Now, Log: o.Log})
	h.metrics = metrics.New(sources(h))
	h.DB.OnRecord(count(h.metrics))
	h.outbox = h.newOutbox()
	if err := h.clock.Follow(ctx); err != nil {
		return nil, err
	}
	if err := h.settings.EnsureKeys(ctx); err != nil {
		return nil, err
	}
	if err := h.settings.Refresh(ctx); err != nil {
		return nil, err
	}
	for _, k := range h.settings.Unopened() { // others go on; whoever starts this one looks
		return nil, fmt.Errorf("opening key %s of platform %s: %w", k.KID, k.Platform, k.Err)
	}
	h.handler = h.routes()
	return h, nil
}

// factors are the ways of proving, one line each.
func (h *House) factors() []login.Factor {
	return append([]login.Factor{
		password.Factor(h.passwords()),
		totp.Factor(totp.Options{Sealer: h.Sealer, Budget: h.budget(), Log: h.Log}),
		sms.Factor(sms.Options{Store: h.DB, Sealer: h.Sealer, Budget: h.budget()}),
		recoverycode.Factor(h.recoveryCodes()),
		federated.Factor(federatedOptions(h)),
	}, h.Factors...)
}

// buttons are the links of mails that are one page, that belong to a factor.
func (h *House) buttons() []link.Button {
	return []link.Button{
		password.NewUnblock(h.passwords()),
	}
}

func (h *House) passwords() password.Options {
	return password.Options{Store: h.DB, Sealer: h.Sealer, Pool: h.Pool, Rule: password.Rule{Filter: h.Leaked}, Wait: h.Wait}
}

// budget counts codes, whichever way they came.
func (h *House) budget() login.Budget { return login.Budget{Store: h.DB, Sealer: h.Sealer} }

func (h *House) recoveryCodes() recoverycode.Options {
	return recoverycode.Options{
		Store: h.DB, Sealer: h.Sealer, Budget: h.budget(),
		Text: func(lang, key string, args ...any) string { return h.UI.Text(lang, key, args...) },
	}
}

// acts are those of staff, as somebody does them now.
func acts(h *House) func(staff.Actor, audit.Origin, time.Time) *staff.Acts {
	return func(by staff.Actor, from audit.Origin, now time.Time) *staff.Acts {
		return &staff.Acts{
			Store: h.DB, Sealer: h.Sealer, Actor: by, People: h.DB, Origin: from, Now: now,
			Tickets: h.DB, Waiting: h.DB, Devices: h.DB, Federation: h.DB,
		}
	}
}

// files are acts on files of people to invite.
func files(h *House) func(staff.Actor, audit.Origin, time.Time) *staff.Files {
	return func(by staff.Actor, from audit.Origin, now time.Time) *staff.Files {
		return &staff.Files{Acts: acts(h)(by, from, now), Intakes: h.DB, Open: h.Sealer.Open}
	}
}

// cancelled is where somebody goes on who gave up a journey that was to lead to a page.
func cancelled(page string) string { return settings.Cancelled(admin.Cancelled(page)) }

// Methods lists the second factors of this build.
func Methods() []string { return login.Methods((&House{}).factors()) }

// DefaultPolicy is what a platform has that sets nothing, in this build and with further factors.
func DefaultPolicy(further ...login.Factor) platform.Policy {
	return login.DefaultPolicy((&House{Options: Options{Factors: further}}).factors())
}

// UI has the pages and texts of this build, and of further factors.
func UI(further ...login.Factor) *ui.Renderer {
	if len(further) == 0 {
		return usual()
	}
	return ui.New(parts((&House{Options: Options{Factors: further}}).factors())...)
}

// usual is read once, however many houses there are, as in tests.
var usual = sync.OnceValue(func() *ui.Renderer { return ui.New(parts((&House{}).factors())...) })

// parts are what there is beside ui's own pages and texts.
func parts(factors []login.Factor) []ui.Part {
	return append(login.Parts(factors), admin.Part(), qr.Part())
}

// routes builds the doors and the one router that all platforms share.
func (h *House) routes() http.Handler {
	arrivals := web.NewRateLimiter(h.Arrival)
	arrive := func(r *http.Request) error { return arrivals.Allow(r, h.Now()) }
	visitors := visitor.Reader{Store: h.DB}
	factors := h.factors()
	people := login.New(login.Options{
		Store: h.DB, Visitors: visitors, Sealer: h.Sealer, Factors: factors, UI: h.UI, Devices: h.DB, Parties: h.settings,
		Mails: login.Mails{Store: h.DB, Sealer: h.Sealer, RateLimit: arrive}, Links: link.Opened{Store: h.DB},
		RateLimit: arrive, Fresh: h.settings.Fresh,
		Ends: login.Ends{
			Callback: op.CallbackURL, Restart: op.RestartURL, Login: h.settings.LoginURL, Finished: settings.Finished, Cancelled: cancelled,
		},
		Now: h.clock.Now, Log: h.Log,
	})
	links := link.New(link.Options{Store: h.DB, Engine: people, Buttons: h.buttons()})
	codes := qr.New(qr.Options{Store: h.DB, Engine: people, Sealer: h.Sealer})
	elsewhere := federated.Links{Options: federatedOptions(h), Engine: people, Save: h.DB, Unlinked: settings.SetUnlinkedNotice, Noted: settings.TakeNotice}
	own := settings.New(settings.Options{
		Store: h.DB, Apps: h.DB, Past: h.DB, Consents: h.DB, Engine: people, Party: h.settings.Party, Logout: op.LogoutURL,
		Pages: []settings.Page{{Key: "staff.menu", Path: admin.Path, For: admin.Helps}, codes.Page(), {Key: federated.LinksTitle, Path: federated.LinksPath, State: elsewhere.State}},
	})
	protocol := op.New(op.Options{
		Stores:   op.Stores{Sessions: h.DB, Requests: h.DB, Grants: h.DB, Record: h.DB, Uses: h.DB, Pushes: h.DB, Referrals: h.DB, Devices: h.DB, Handoffs: h.DB},
		Keys:     partykeys.New(h.Outbound, h.clock.Now, h.Log),
		Visitors: visitors, Registry: h.settings, Methods: login.Methods(factors), URLs: op.URLs{JourneyURL: people.PageFor, ReferralURL: referralURL},
		Now: h.clock.Now, Log: h.Log,
		RateLimit: arrive, RateRefund: func(r *http.Request) { arrivals.Refund(r, h.Now()) },
		Secrets: op.Secrets{Handles: h.Sealer.Derive("access token handles"), Successor: h.Sealer.Derive("refresh token successors")[0], Sealer: h.Sealer},
		Pages: op.Pages{
			Show: func(w http.ResponseWriter, r *http.Request, status int, page string, data any) error {
				return people.ShowPage(w, r, status, page, data, login.Look{Fixed: page == op.PageFormPost})
			},
			Refused: people.ShowRefused, Explain: h.Explain,
		},
	})
	answers := federated.New(federatedOptions(h), people, h.clock.Now)
	helping := admin.New(admin.Options{
		Store: h.DB, People: h.DB, Cards: h.DB, Uses: h.DB, Engine: people, Acts: acts(h), Files: files(h), Sealer: h.Sealer,
		LoginURL: loginURL(h), Connections: federatedOptions(h).Connections,
	})
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	if h.Traces != nil {
		r.Use(h.Traces.Name)
	}
	routes := protocol.Routes(r)
	if h.Traces != nil {
		routes = r // which names the route of a span
	}
	people.Routes(r)
	links.Routes(r)
	own.Routes(r)
	codes.Routes(r)
	elsewhere.Routes(r)
	answers.Routes(r)
	helping.Routes(r)
	r.NotFoundHandler = web.Route(web.UnknownRoute, http.HandlerFunc(people.NotFound))
	r.MethodNotAllowedHandler = web.Route(web.UnknownRoute, protocol.Unserved(otherMethod(r)))
	reports := notify.Reports{By: h.Reports, Store: h.DB, Log: h.Log}
	return web.CloseConnections(h.documents(h.wrap(reports.Beside(h.byPlatform(guardForms(routes))))), h.leaves)
}

// referralURL is where a professional helps whom his platform referred him to.
func referralURL(p *platform.Platform, token string) string { return p.URL(admin.ReferralPath(token)) }

// loginURL is where somebody goes on to a party, or to where the platform has people log in.
func loginURL(h *House) func(*platform.Platform, grant.PartyID) string {
	return func(p *platform.Platform, id grant.PartyID) string {
		party, _ := h.settings.Party(p.ID, id)
		return h.settings.LoginURL(p, party)
	}
}

// How long work may take. A database can be gone without a word: no answer, and no end of the connection either.
const (
	requestTime = 9500 * time.Millisecond // then 503, so that nobody waits 10 s; the slowest honest answer comes 8 s after a wrong password
	readyTime   = 1500 * time.Millisecond // whoever balances the load learns within two seconds
)

// Wait really waits, or until the caller is gone.
func Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
