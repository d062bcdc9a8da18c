package conformance

import (
	"crypto/rand"
	"net/url"
	"strings"
	"time"
)

// withoutProof is fapi2-security-profile-final-ensure-holder-of-key-required.
func withoutProof(r *run) error {
	for _, endpoint := range []string{"authorization_endpoint", "userinfo_endpoint", "token_endpoint"} {
		if err := r.checkTLS(endpoint); err != nil {
			return err
		}
	}
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.authorize(); err != nil {
		return err
	}
	answer, err := f.send("token_endpoint", f.form(), false)
	if err != nil {
		return err
	}
	return f.checkRefusal("token request without a proof", answer, proofMissing...)
}

// proofMissing are the errors of a token request without a proof that all versions of the official suite take.
var proofMissing = []string{"invalid_request", "invalid_grant"}

// codeAgain is fapi2-security-profile-final-attempt-reuse-authorization-code-after-one-second.
func codeAgain(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.complete(); err != nil {
		return err
	}
	r.wait(time.Second)
	answer, err := f.token(f.form())
	if err != nil {
		return err
	}
	if err := f.checkRefusal("code used again", answer, "invalid_grant"); err != nil {
		return err
	}
	if answer, err = f.use(resource{access: f.in.access}); err == nil && answer.status < 400 {
		r.warn("the access token still counts after its code was used again")
	}
	return err
}

// beyondCode is longer than a code lives under FAPI 2.0 (Security Profile section 5.3.2.1), with what clocks may be
// apart.
const beyondCode = 62 * time.Second

// codeTooLate is fapi2-security-profile-final-ensure-token-endpoint-fails-with-expired-auth-code.
func codeTooLate(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.authorize(); err != nil {
		return err
	}
	r.wait(beyondCode)
	answer, err := f.token(f.form())
	if err != nil {
		return err
	}
	return f.checkRefusal("code after 62 seconds", answer, "invalid_grant")
}

// withVerifier is a module whose verifier is not that of the request (RFC 7636 section 4.6).
func withVerifier(verifier func() string) func(*run) error {
	return atToken(func(f *flow) { f.verifier = verifier() }, "invalid_grant")
}

// noVerifier is fapi2-security-profile-final-ensure-pkce-code-verifier-required.
func noVerifier() string { return "" }

// otherVerifier is fapi2-security-profile-final-incorrect-pkce-code-verifier-rejected.
func otherVerifier() string { return rand.Text() + rand.Text() }

// fapiRefresh is fapi2-security-profile-final-refresh-token: both parties refresh, each with a new key; the first tries
// without an assertion, without a proof, and with the token of the second.
func fapiRefresh(r *run) error {
	one, err := r.flow()
	if err != nil {
		return err
	}
	refresh, err := one.refreshes()
	if err != nil {
		return err
	}
	bare := cloneForm(refresh)
	bare.Set(noAssertion, "") // RFC 6749 section 6
	answer, err := one.token(bare)
	if err != nil {
		return err
	}
	unproven := []string{"invalid_client", "invalid_grant", "invalid_request"}
	if err := one.checkRefusal("refresh token without an assertion", answer, unproven...); err != nil {
		return err
	}
	if answer, err = one.send("token_endpoint", refresh, false); err != nil {
		return err
	}
	if err := one.checkRefusal("refresh token without a proof", answer, proofMissing...); err != nil {
		return err
	}
	two, err := r.secondFlow()
	if err != nil {
		return err
	}
	if refresh, err = two.refreshes(); err != nil {
		return err
	}
	r.client = one.client
	if err := one.refusesKeyOf(two); err != nil {
		return err
	}
	refresh.Set("scope", one.asked.Get("scope"))
	if answer, err = one.token(refresh); err != nil {
		return err
	}
	return one.checkRefusal("refresh token of another party", answer, "invalid_grant")
}

// refreshes goes all the way, refreshes with a new key, and returns the request that would refresh again. A token that
// was replaced still counts half a minute later (FAPI 2.0 Security Profile section 5.3.2.1).
func (f *flow) refreshes() (url.Values, error) {
	if strings.Contains(f.asked.Get("scope"), "offline_access") {
		f.asked.Set("prompt", "consent")
	}
	if err := f.complete(); err != nil {
		return nil, err
	}
	listed, _ := f.meta.list("grant_types_supported")
	if !strings.Contains(" "+strings.Join(listed, " ")+" ", " refresh_token ") {
		f.warn("discovery does not list the grant type refresh_token")
	}
	token := text(f.in.answer, "refresh_token")
	if token == "" {
		f.warn("no refresh token was issued")
		return nil, skipped("no refresh token was issued")
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if !f.second {
		form.Set("scope", f.asked.Get("scope"))
	}
	next, err := f.refresh(form)
	if err != nil {
		return nil, err
	}
	if next != token {
		f.wait(30 * time.Second)
		if _, err := f.refresh(form); err != nil {
			return nil, err
		}
		form = cloneForm(form)
		form.Set("refresh_token", next)
	}
	return form, nil
}

// refresh refreshes with a new key, and returns the refresh token that counts then.
func (f *flow) refresh(form url.Values) (string, error) {
	var err error
	f.wait(time.Second) // so that iat differs
	if f.key, err = f.client.proofKey(); err != nil {
		return "", err
	}
	answer, err := f.token(form)
	if err != nil {
		return "", err
	}
	first, now := f.in, &signIn{asked: f.in.asked}
	if now.answer, err = f.granted(answer, "DPoP"); err != nil {
		return "", err
	}
	now.access, now.idToken, now.claims = text(now.answer, "access_token"), text(now.answer, "id_token"), first.claims
	if now.access == first.access {
		f.fail("refreshing gave the same access token")
	}
	if now.idToken != "" {
		if err := f.checkRefreshed(first, now); err != nil {
			return "", err
		}
	}
	f.in = now
	if err := f.works(resource{access: now.access}); err != nil {
		return "", err
	}
	if next := text(now.answer, "refresh_token"); next != "" {
		return next, nil
	}
	return form.Get("refresh_token"), nil
}
