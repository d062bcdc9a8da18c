package conformance

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// happy is oidcc-server.
func happy(r *run) error {
	in, err := r.signIn(r.ask())
	if err != nil {
		return err
	}
	r.checkUnasked(in)
	return nil
}

// secretPost is oidcc-server-client-secret-post.
func secretPost(r *run) error {
	r.client = r.Config.ClientPost
	return happy(r)
}

// accepted is a module that adds one parameter, which must do no harm.
func accepted(name, value string) func(*run) error {
	return func(r *run) error {
		_, err := r.signIn(r.ask(name, value))
		return err
	}
}

// loginHint is oidcc-login-hint.
func loginHint(r *run) error {
	hint := r.Config.Server.LoginHint
	if hint == "" {
		u, err := url.Parse(text(r.meta, "issuer"))
		if err != nil {
			return err
		}
		hint = "buffy@" + u.Hostname()
	}
	return accepted("login_hint", hint)(r)
}

// withoutNonce is oidcc-ensure-request-without-nonce-succeeds-for-code-flow.
func withoutNonce(r *run) error {
	a := r.ask()
	a.Del("nonce")
	_, err := r.signIn(a)
	return err
}

// otherOrder is oidcc-alternate-happy-flow.
func otherOrder(r *run) error {
	a := r.ask("scope", "email openid")
	a.reversed = true
	return r.checkScope(a, "email")
}

// posted is oidcc-ensure-post-request-succeeds.
func posted(r *run) error {
	a := r.ask()
	a.posted = true
	_, err := r.signIn(a)
	return err
}

// pkce is oidcc-ensure-request-with-valid-pkce-succeeds.
func pkce(r *run) error {
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	a := r.ask("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256")
	in, err := r.redeem(a, url.Values{"code_verifier": {verifier}})
	if err != nil {
		return err
	}
	_, err = r.userinfo(in)
	return err
}

// acrValues is oidcc-ensure-request-with-acr-values-succeeds.
func acrValues(r *run) error {
	wanted, _ := r.meta.list("acr_values_supported")
	if len(wanted) == 0 {
		wanted = []string{"1", "2"}
	}
	in, err := r.signIn(r.ask("acr_values", strings.Join(wanted, " ")))
	if err != nil {
		return err
	}
	if !slices.Contains(wanted, text(in.claims, "acr")) {
		r.warn("ID token: acr %v, asked for %s", in.claims["acr"], strings.Join(wanted, " "))
	}
	return nil
}

// userinfoGet is oidcc-userinfo-get: every sign-in does it.
func userinfoGet(r *run) error {
	_, err := r.signIn(r.ask())
	return err
}

// userinfoPostHeader is oidcc-userinfo-post-header.
func userinfoPostHeader(r *run) error {
	return r.userinfoPost(func(in *signIn, req *http.Request) { req.Header.Set("Authorization", "Bearer "+in.access) }, false)
}

// userinfoPostBody is oidcc-userinfo-post-body. Not supporting it is only warned of.
func userinfoPostBody(r *run) error {
	return r.userinfoPost(func(_ *signIn, req *http.Request) {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	}, true)
}

func (r *run) userinfoPost(prepare func(*signIn, *http.Request), inBody bool) error {
	in, err := r.signIn(r.ask())
	if err != nil {
		return err
	}
	form := url.Values{}
	if inBody {
		form.Set("access_token", in.access)
	}
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, text(r.meta, "userinfo_endpoint"), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	prepare(in, req)
	answer, err := r.do(req)
	if err != nil {
		return err
	}
	if inBody && answer.status != http.StatusOK {
		r.warn("userinfo: no access token in the body: status %d", answer.status)
		return nil
	}
	_, err = r.checkUserinfo(answer, in)
	return err
}
