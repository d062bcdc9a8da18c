package wire

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login/federated"
	"github.com/minddistrict/idp/login/settings"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// ServeHTTP answers every platform.
func (h *House) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.handler.ServeHTTP(w, r) }

// authorizationServer is the well-known path of RFC 8414 section 3.1: for an issuer with a path it stands before that
// path, so it lies outside the platform's own prefix.
const authorizationServer = "/.well-known/oauth-authorization-server"

// byPlatform finds the platform of a request by its host and the longest path prefix, puts it into the context, and
// strips the prefix. A host or path that nobody configured gets a page or line that speaks for nobody.
func (h *House) byPlatform(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := h.settings.Load()
		if rest, ok := strings.CutPrefix(r.URL.Path, authorizationServer); ok && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			if p := known.Platforms.Find(r.Host, rest); p != nil && p.Issuer.Path() == rest {
				op.ServeDocument(w, r, known.Discovery(p.ID))
				return
			}
		}
		p := known.Platforms.Find(r.Host, r.URL.EscapedPath())
		if only := known.Platforms.Only(r.Host); p == nil && only != nil && r.URL.Path == settings.ChangePasswordPath {
			// Password managers know hosts, not issuers. On a host of several platforms nobody can know which is meant.
			http.Redirect(w, r, settings.ChangePasswordURL(only), http.StatusSeeOther)
			return
		}
		if p == nil {
			nowhere(h.UI, w, r)
			return
		}
		if h.Traces != nil {
			h.Traces.Platform(r.Context(), p.ID)
		}
		if p.Issuer.Secure() {
			if !h.overTLS(r) {
				web.LogRefusal(w, "insecure", "not over https as far as anybody knows: no TLS here, and no X-Forwarded-Proto: https of one of trusted_proxies")
				http.Error(w, "400 this address is served over https only (a proxy in front must be in trusted_proxies and send X-Forwarded-Proto)", http.StatusBadRequest)
				return
			}
			web.Transport(w.Header())
		}
		r = r.WithContext(platform.NewContext(r.Context(), p))
		prefix := p.Issuer.Path()
		if path := strings.TrimPrefix(r.URL.EscapedPath(), prefix); path == "" {
			r.URL = &url.URL{Path: "/", RawQuery: r.URL.RawQuery}
		} else {
			// Escapes stay as they are: no route of ours has any, so an escaped twin of a path is a 404.
			r.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
		}
		next.ServeHTTP(w, r)
	})
}

// nowhere answers for what belongs to no platform: browsers with a page in their language, programs with a line.
func nowhere(pages *ui.Renderer, w http.ResponseWriter, r *http.Request) {
	web.LogRefusal(w, "not_found", "no platform has this host and path")
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	lang := cmp.Or(ui.Match(r.Header.Get("Accept-Language")), "nl")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.Header().Add("Vary", "Accept, Accept-Language")
	w.WriteHeader(http.StatusNotFound)
	_ = pages.Nowhere(w, lang) // the caller is gone: nothing to do about it
}

// overTLS reports whether the peer, or the person before a trusted proxy, spoke TLS.
func (h *House) overTLS(r *http.Request) bool {
	return r.TLS != nil || web.FromProxy(r, h.Proxies) && r.Header.Get("X-Forwarded-Proto") == "https"
}

// documents answers discovery and key sets before everything else. They are counted and not logged: every party asks
// for them again and again, and they tell nothing of anybody. Whoever traces requests, or logs at debug, sees them too.
func (h *House) documents(next http.Handler) http.Handler {
	if h.Traces != nil || h.Log.Enabled(context.Background(), slog.LevelDebug) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, known := h.Now(), h.settings.Load()
		path := r.URL.EscapedPath()
		if p := known.Platforms.Find(r.Host, path); p != nil && (!p.Issuer.Secure() || h.overTLS(r)) {
			if p.Issuer.Secure() {
				web.Transport(w.Header())
			}
			if route, status := op.ServeIfDocument(w, r, strings.TrimPrefix(path, p.Issuer.Path()), known.Discovery(p.ID), known.JWKS(p.ID)); route != "" {
				h.metrics.Observe(route, status, h.Now().Sub(start))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// guardForms refuses forms that another site sends, by what browsers say of them: http.CrossOriginProtection, and, for
// browsers that send only an Origin, the scheme as well, which it does not compare. The endpoints that others may post
// to see no cookie there.
func guardForms(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	open := map[string]bool{}
	for _, path := range op.OpenToOthers() {
		guard.AddInsecureBypassPattern("POST " + path)
		open[path] = true
	}
	for _, path := range federated.OpenToOthers() {
		guard.AddInsecureBypassPattern("POST " + path)
	}
	refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.LogRefusal(w, "cross_origin", "a form of another site")
		http.Error(w, "403 forbidden: this form was sent by another site", http.StatusForbidden)
	})
	guard.SetDenyHandler(refuse)
	return guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if r.Method == http.MethodPost && !open[r.URL.Path] && !federated.IsOpen(r.URL.Path) && origin != "" && origin != platform.FromContext(r.Context()).Issuer.Origin() {
			refuse(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// otherMethod answers for an address that has routes, none of them with the method of the request.
func otherMethod(routes *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} { // no route has another
			asked, match := *r, mux.RouteMatch{}
			asked.Method = method
			if routes.Match(&asked, &match) && match.MatchErr == nil {
				allowed = append(allowed, method)
			}
		}
		web.MethodNotAllowed(w, allowed...)
	})
}

// wrap puts log, reference, headers and limits around everything.
func (h *House) wrap(next http.Handler) http.Handler {
	o := web.Options{
		Log: h.Log, Now: h.Now, Limit: h.Limit, Proxies: h.Proxies, Observe: h.metrics.Observe, Leaves: h.leaves,
		Broken: func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "500 something went wrong. Reference: "+web.From(r.Context()).Reference, http.StatusInternalServerError)
		},
	}
	if h.Traces != nil {
		o.Trace = h.Traces.Request
	}
	return web.Wrap(next, o)
}
