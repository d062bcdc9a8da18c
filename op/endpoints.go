package op

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// Endpoint is an address under a platform's issuer, and what is true of it. Routes, what others may post to, which
// first path elements are taken, discovery and the table in docs/oidc.md follow from the rows.
type Endpoint struct {
	Path      string
	Route     string            // its name in log and metrics
	Methods   []string          // those served, without what follows from the other columns (see Served)
	Auth      []oidc.AuthMethod // how a party proves itself here; none: no party does
	Scripts   Scripts           // whose pages may read its answers by script
	CrossSite bool              // forms of other sites are taken: none of our cookies comes with them (SameSite)
	Proofs    bool              // it takes a DPoP proof (RFC 9449)
	Answers   int               // status of what it answers; 0: 200
	Stale     bool              // it is served although nobody can look whether settings have changed
	Published string            // its name in discovery; empty: parties are led there, or find it themselves

	checked func(url.Values) error // what is wrong with a form, whoever sent it; nil: nothing can be
	serve   serving
}

// Scripts are the pages that may read an answer by script (CORS), always without credentials.
type Scripts string

// Whose pages: an endpoint that says none answers those of its own origin.
const (
	ScriptsOfOrigins Scripts = "registered" // those whose origin a party of the platform registered
	ScriptsOfAll     Scripts = "all"        // what is answered is public
)

// serving makes the handler of an endpoint: people, machine and document are those that there are.
type serving func(*Server, Endpoint) http.Handler

// Ways in which parties prove themselves at an endpoint; see clientAuths.
var (
	byAll   = []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodPrivateKeyJWT, oidc.AuthMethodNone}
	byProof = byAll[:3] // a public party proves nothing
)

// Methods that endpoints are served with.
var (
	getOnly  = []string{http.MethodGet}
	getHead  = []string{http.MethodGet, http.MethodHead}
	postOnly = []string{http.MethodPost}
	putOnly  = []string{http.MethodPut}
	getPost  = []string{http.MethodGet, http.MethodPost}
)

// endpoints are those of every platform, in the order of a visit. Settings that are too old let nobody in; signing out
// goes on, because whoever wants to be out must not stay in.
var endpoints = []Endpoint{
	{
		Path: pathDiscovery, Route: routeDiscovery, Methods: getHead, Scripts: ScriptsOfAll, Stale: true,
		serve: document(Registry.Discovery),
	},
	{
		Path: pathKeys, Route: routeKeys, Methods: getHead, Scripts: ScriptsOfAll, Stale: true, Published: "jwks_uri",
		serve: document(Registry.JWKS),
	},
	{
		Path: pathAuthorize, Route: "authorize", Methods: getPost, CrossSite: true, Published: "authorization_endpoint",
		serve: people((*Server).authorize),
	},
	{Path: pathContinue, Route: "authorize", Methods: getOnly, serve: people((*Server).resume)},
	{Path: pathCallback, Route: "callback", Methods: getOnly, serve: people((*Server).callback)},
	{
		Path: pathPush, Route: "par", Methods: postOnly, Auth: byAll, Scripts: ScriptsOfOrigins, CrossSite: true, Proofs: true,
		Answers: http.StatusCreated, Published: "pushed_authorization_request_endpoint", serve: machine((*Server).push),
	},
	{
		Path: pathToken, Route: "token", Methods: postOnly, Auth: byAll, Scripts: ScriptsOfOrigins, CrossSite: true,
		Proofs: true, Published: "token_endpoint", checked: grantNamed, serve: machine((*Server).token),
	},
	{
		Path: pathUserinfo, Route: "userinfo", Methods: getPost, Scripts: ScriptsOfOrigins, CrossSite: true,
		Proofs: true, Published: "userinfo_endpoint", serve: machine((*Server).userinfo),
	},
	{
		Path: pathRevoke, Route: "revoke", Methods: postOnly, Auth: byAll, Scripts: ScriptsOfOrigins, CrossSite: true,
		Published: "revocation_endpoint", serve: machine((*Server).revoke),
	},
	{
		Path: pathIntrospect, Route: "introspect", Methods: postOnly, Auth: byProof, CrossSite: true,
		Published: "introspection_endpoint", serve: machine((*Server).introspect),
	},
	{
		Path: pathHandoff, Route: "app-handoff", Methods: postOnly, Auth: byAll[3:], Proofs: true, serve: machine((*Server).claimHandoff),
	},
	{
		Path: pathPIN, Route: "app-pin", Methods: putOnly, Proofs: true, Answers: http.StatusNoContent, serve: machine((*Server).setPIN),
	},
	{
		Path: pathReferrals, Route: "referrals", Methods: postOnly, Proofs: true, Answers: http.StatusCreated,
		serve: api("accounts:refer", (*Server).refer),
	},
	{
		Path: pathLogout, Route: "logout", Methods: getPost, CrossSite: true, Stale: true, Published: "end_session_endpoint",
		serve: people((*Server).logout),
	},
	{Path: pathLoggedOut, Route: "logged-out", Methods: getHead, Stale: true, serve: people((*Server).loggedOut)},
}

// Endpoints are the rows of the table, for tests and documents.
func Endpoints() []Endpoint { return slices.Clone(endpoints) }

// Served are the methods that a row answers: its own, HEAD where web.AnswerHead answers it, and OPTIONS, by which
// browsers ask before a script of another origin may read.
func (e Endpoint) Served() []string {
	methods := slices.Clone(e.Methods)
	if e.answersHead() {
		methods = append(methods, http.MethodHead)
	}
	if e.preflight() {
		methods = append(methods, http.MethodOptions)
	}
	return methods
}

// answersHead reports whether HEAD is answered by web.AnswerHead: at a page (no script reads it) that GET opens only
// once.
func (e Endpoint) answersHead() bool {
	return slices.Contains(e.Methods, http.MethodGet) && !slices.Contains(e.Methods, http.MethodHead) && e.Scripts == ""
}

func (e Endpoint) check(form url.Values) error {
	if e.checked == nil {
		return nil
	}
	return e.checked(form)
}

func (e Endpoint) preflight() bool { return e.Scripts == ScriptsOfOrigins }

// people serves those who come with a browser: an error is a page.
func people(h func(*Server, http.ResponseWriter, *http.Request) error) serving {
	return func(s *Server, e Endpoint) http.Handler {
		answer := func(w http.ResponseWriter, r *http.Request) error { return h(s, w, r) }
		if !e.Stale {
			answer = web.Guard(s.Registry.Fresh, answer)
		}
		return s.page(answer)
	}
}

// document serves a prebuilt document to anyone, also to pages of other origins.
func document(of func(Registry, platform.ID) Document) serving {
	return func(s *Server, _ Endpoint) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ServeDocument(w, r, of(s.Registry, platform.FromContext(r.Context()).ID))
		})
	}
}

// row is what answers one path by some methods.
type row struct {
	path    string
	methods []string
	handler http.Handler
}

// rows makes the handlers of the table.
func (s *Server) rows() (rows []row) {
	for _, e := range endpoints {
		if e.answersHead() {
			rows = append(rows, row{e.Path, []string{http.MethodHead}, web.Route(e.Route, http.HandlerFunc(web.AnswerHead))})
		}
		methods := slices.Clone(e.Methods)
		if e.preflight() {
			methods = append(methods, http.MethodOptions)
		}
		rows = append(rows, row{e.Path, methods, web.Route(e.Route, e.serve(s, e))})
	}
	return rows
}

// Routes adds the door to a platform's router, and returns a handler that answers the rows of the table by one look at
// path and method. The router, which tries one pattern after the other, has the same rows: it is asked for what no row
// answers, and where requests are traced.
func (s *Server) Routes(r *mux.Router) (ahead http.Handler) {
	type address struct{ path, method string }
	table := map[address]http.Handler{}
	for _, row := range s.rows() {
		for _, method := range row.methods {
			table[address{row.path, method}] = row.handler
		}
		r.Handle(row.path, row.handler).Methods(row.methods...)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		if h := table[address{asked.URL.Path, asked.Method}]; h != nil {
			h.ServeHTTP(w, asked)
			return
		}
		r.ServeHTTP(w, asked)
	})
}

// Reserved reports whether a first path element is one of the protocol's own, so that no platform can have its issuer
// there and take over another's endpoints.
func Reserved(element string) bool {
	if element == "register" { // RFC 7591, which is not served yet
		return true
	}
	return slices.ContainsFunc(endpoints, func(e Endpoint) bool {
		first, _, _ := strings.Cut(e.Path[1:], "/")
		return first == element
	})
}

// OpenToOthers lists the paths under an issuer that other sites may post to.
func OpenToOthers() (paths []string) {
	for _, e := range endpoints {
		if e.CrossSite {
			paths = append(paths, e.Path)
		}
	}
	return paths
}
