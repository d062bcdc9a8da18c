//go:build clients

package clients_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	zitadel "github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/secret"
)

type (
	tokens = oidc.Tokens[*oidc.IDTokenClaims]
	person = oidc.UserInfo
)

// zitadelSite is a site on zitadel's handlers, which keep state and verifier in cookies.
type zitadelSite struct {
	rp.RelyingParty
	h      *house
	origin string
	got    *tokens // of the last arrival
}

// newZitadelSite serves a site of its own for a party that proves itself in this way.
func newZitadelSite(t *testing.T, h *house, id, auth string, style oauth2.AuthStyle, exchange ...rp.URLParamOpt) *zitadelSite {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &zitadelSite{h: h, origin: "http://localhost:" + port}
	h.register(t, `
      - client_id: `+id+`
        secret: `+secretText+`
        auth: `+auth+`
        redirect_uris: [`+s.origin+`/callback]
        post_logout_redirect_uris: [`+s.origin+`/bye]
`)
	cookies := httphelper.NewCookieHandler([]byte(secret.Token()[:32]), []byte(secret.Token()[:32]), httphelper.WithUnsecure())
	// The library changes the client it is given.
	own := &http.Client{Transport: h.http.Transport, Timeout: h.http.Timeout}
	s.RelyingParty, err = rp.NewRelyingPartyOIDC(t.Context(), h.issuer, id, secretText, s.origin+"/callback",
		[]string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess},
		rp.WithHTTPClient(own), rp.WithPKCE(cookies), rp.WithAuthStyle(style), rp.WithVerifierOpts(rp.WithIssuedAtOffset(time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/login", rp.AuthURLHandler(secret.Token, s.RelyingParty))
	mux.Handle("/callback", rp.CodeExchangeHandler(rp.UserinfoCallback(s.arrive), s.RelyingParty, exchange...))
	mux.HandleFunc("/bye", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // ends with the test
	t.Cleanup(func() { _ = server.Close() })
	return s
}

// arrive shows who came.
func (s *zitadelSite) arrive(w http.ResponseWriter, _ *http.Request, got *tokens, _ string, _ rp.RelyingParty, info *person) {
	s.got = got
	_ = json.NewEncoder(w).Encode(info) // the test looks at it
}

func (s *zitadelSite) signIn(t *testing.T) *visitor {
	t.Helper()
	v := s.h.visitor("")
	v.signIn(t, s.origin+"/login")
	var info person
	if err := json.Unmarshal([]byte(v.Body), &info); err != nil || v.Status != http.StatusOK {
		t.Fatalf("%d %v:\n%s", v.Status, err, v.Body)
	}
	if info.Email != annasEmail || info.FamilyName != "Bakker" || info.Subject != s.got.IDTokenClaims.Subject {
		t.Fatalf("userinfo %s", v.Body)
	}
	return v
}

func (s *zitadelSite) refresh(ctx context.Context) (*tokens, error) {
	return rp.RefreshTokens[*oidc.IDTokenClaims](ctx, s.RelyingParty, s.got.RefreshToken, "", "")
}

func zitadelRP(t *testing.T, h *house) {
	c := client{t, "zitadel/oidc rp", moduleVersion(t, "github.com/zitadel/oidc/v3")}
	header := newZitadelSite(t, h, "zitadel", "basic", oauth2.AuthStyleInHeader)
	var v *visitor
	c.check("code with PKCE and userinfo, secret in the header", func(t *testing.T) { v = header.signIn(t) })
	c.check("refresh", func(t *testing.T) {
		next, err := header.refresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if next.AccessToken == header.got.AccessToken || next.IDTokenClaims.Subject != header.got.IDTokenClaims.Subject {
			t.Errorf("%+v", next)
		}
	})
	c.check("logout", func(t *testing.T) {
		v.visit(t, header.GetEndSessionEndpoint()+"?id_token_hint="+header.got.IDToken+"&post_logout_redirect_uri="+header.origin+"/bye")
		if v.URL.String() != header.origin+"/bye" {
			t.Errorf("at %s", v.URL)
		}
		if _, err := header.refresh(t.Context()); !isError(err, "invalid_grant") {
			t.Errorf("refresh afterwards: %v", err)
		}
	})
	c.check("secret in the body, found out by the library (auth: post)", func(t *testing.T) {
		body := newZitadelSite(t, h, "zitadel-post", "post", oauth2.AuthStyleAutoDetect)
		body.signIn(t)
		if _, err := body.refresh(t.Context()); err != nil {
			t.Errorf("refresh: %v", err)
		}
		if err := rp.RevokeToken(t.Context(), body.RelyingParty, body.got.RefreshToken, "refresh_token"); err != nil {
			t.Errorf("revocation: %v", err)
		}
		if _, err := body.refresh(t.Context()); !isError(err, "invalid_grant") {
			t.Errorf("refresh afterwards: %v", err)
		}
	})
	// Releases of the library before this one repeated the secret: this one can be told to.
	c.check("secret in header and body, as earlier releases send it", func(t *testing.T) {
		both := newZitadelSite(t, h, "zitadel-both", "basic", oauth2.AuthStyleInHeader, rp.WithURLParam("client_secret", secretText), rp.WithURLParam("client_id", "zitadel-both"))
		both.signIn(t)
		request := rp.RefreshTokenRequest{RefreshToken: both.got.RefreshToken, GrantType: oidc.GrantTypeRefreshToken, ClientID: "zitadel-both", ClientSecret: secretText}
		next, err := zitadel.CallTokenEndpointWithAuthFn(t.Context(), request, httphelper.AuthorizeBasic("zitadel-both", secretText), tokenEndpoint{both.RelyingParty})
		if err != nil || next.AccessToken == "" {
			t.Errorf("refresh: %v, %v", next, err)
		}
	})
}

// tokenEndpoint shows the library its own relying party as it does inside.
type tokenEndpoint struct{ rp.RelyingParty }

func (e tokenEndpoint) TokenEndpoint() string { return e.OAuthConfig().Endpoint.TokenURL }

func isError(err error, code string) bool {
	var e *oidc.Error
	return errors.As(err, &e) && string(e.ErrorType) == code
}
