package conformance

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// provedFrom is a module whose proofs, all of them, are changed alike and must work.
func provedFrom(change func(*run, *jwt)) func(*run) error {
	return goesWell(func(f *flow) {
		f.proves = true
		f.prove = func(j *jwt) { change(f.run, j) }
	})
}

// proofTimes is fapi2-security-profile-final-check-dpop-proof-nbf-exp.
func proofTimes(f *flow) {
	f.prove = func(j *jwt) {
		j.claims["nbf"], j.claims["exp"] = f.Now().Unix(), f.Now().Add(5*time.Minute).Unix()
	}
}

// issuedAt changes when a proof was made.
func issuedAt(after time.Duration) func(*run, *jwt) {
	return func(r *run, j *jwt) { j.claims["iat"] = r.Now().Add(after).Unix() }
}

// someThumbprint belongs to no key.
func someThumbprint() string {
	sum := make([]byte, 32)
	_, _ = rand.Read(sum) // never fails
	return base64.RawURLEncoding.EncodeToString(sum)
}

// otherThumbprint is fapi2-security-profile-final-ensure-mismatched-dpop-jkt-fails: dpop_jkt and the key of the proof
// at the same endpoint differ (RFC 9449 section 10.1).
func otherThumbprint(f *flow) {
	f.proves = true
	f.asked.Set("dpop_jkt", someThumbprint())
}

// otherKeyAtToken is a module whose code is bound to one key and redeemed with another (RFC 9449 section 10).
func otherKeyAtToken(bind func(*flow)) func(*run) error {
	return func(r *run) error {
		f, err := r.flow()
		if err != nil {
			return err
		}
		bind(f)
		if err := f.authorize(); err != nil {
			return err
		}
		if f.key, err = f.client.proofKey(); err != nil {
			return err
		}
		answer, err := f.token(f.form())
		if err != nil {
			return err
		}
		return f.checkRefusal("code with another key", answer, "invalid_request", "invalid_grant", "invalid_dpop_proof")
	}
}

// boundByProof is the first half of
// fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt.
func boundByProof(f *flow) { f.proves = true }

// boundByThumbprint is that of fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-jkt.
func boundByThumbprint(f *flow) { f.asked.Set("dpop_jkt", someThumbprint()) }

// sameKey is fapi2-security-profile-final-ensure-dpop-auth-code-binding-success.
func sameKey(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	f.proves = true
	jkt, err := thumbprint(f.key)
	if err != nil {
		return err
	}
	f.asked.Set("dpop_jkt", jkt)
	return f.complete()
}

// attempt is one use of an access token.
type attempt struct {
	says   string
	how    resource
	works  bool
	should bool // otherwise is only warned of
}

// proofsRefused is fapi2-security-profile-final-dpop-negative-tests: a token that works, and then with everything wrong
// that a proof can have (RFC 9449 section 4.3). At the end it works again.
func proofsRefused(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.complete(); err != nil {
		return err
	}
	attempts, err := f.attempts()
	if err != nil {
		return err
	}
	for _, a := range attempts {
		a.how.access = f.in.access
		answer, err := f.use(a.how)
		if err != nil {
			return fmt.Errorf("%s: %w", a.says, err)
		}
		note := f.fail
		if a.should {
			note = f.warn
		}
		switch {
		case a.works && answer.status != http.StatusOK && answer.status != http.StatusCreated:
			note("resource: %s: status %d, it should work: %.200s", a.says, answer.status, answer.body)
		case !a.works && answer.status != http.StatusBadRequest && answer.status != http.StatusUnauthorized:
			note("resource: %s: status %d, wanted 400 or 401", a.says, answer.status)
		}
	}
	return nil
}

// attempts are those of the official suite, in its order.
func (f *flow) attempts() ([]attempt, error) {
	address, err := url.Parse(f.protected())
	if err != nil {
		return nil, err
	}
	other, err := f.client.proofKey()
	if err != nil {
		return nil, err
	}
	claim := func(name string, value any) resource { return resource{prove: func(j *jwt) { j.set(name, value) }} }
	head := func(name string, value any) resource { return resource{prove: func(j *jwt) { j.head(name, value) }} }
	spoilt := func(spoil func(string) string) resource {
		return resource{prove: func(j *jwt) { j.spoil = spoil }}
	}
	header := func(change func(http.Header)) resource {
		return resource{change: func(req *http.Request) { change(req.Header) }}
	}
	twice := resource{change: func(req *http.Request) {
		again, err := proof(f.key, req.Method, f.protected(), f.in.access, f.Now()).sign()
		if err == nil { // it signed before
			req.Header["Dpop"] = append(req.Header["Dpop"], again)
		}
	}}
	once := rand.Text()
	upper := strings.ToUpper(address.Scheme) + "://" + strings.ToUpper(address.Host) + address.EscapedPath()
	withPort := address.String()
	if address.Port() == "" {
		withPort = address.Scheme + "://" + address.Host + ":443" + address.EscapedPath()
	}
	return []attempt{
		{"header in capitals", header(func(h http.Header) { h["DPOP"] = h["Dpop"]; delete(h, "Dpop") }), true, true},
		{"two proofs", twice, false, false},
		{"not a JWT", spoilt(withoutSignature), false, false},
		{"no typ", head("typ", nil), false, false},
		{"no alg", spoilt(otherAlgName), false, false},
		{"no jwk", head("jwk", nil), false, false},
		{"no jti", claim("jti", nil), false, false},
		{"no htm", claim("htm", nil), false, false},
		{"no htu", claim("htu", nil), false, false},
		{"no iat", claim("iat", nil), false, false},
		{"no ath", claim("ath", nil), false, false},
		{"another typ", head("typ", "dpop+jwt+wrongyousee"), false, false},
		{"alg none", resource{prove: func(j *jwt) { j.alg = "none"; j.head("jwk", nil) }}, false, false},
		{"broken signature", spoilt(brokenSignature), false, false},
		{"private key in jwk", head("jwk", f.key), false, false},
		{"another htm", claim("htm", "PUT"), false, false},
		{"htu with query and fragment", claim("htu", f.protected()+"?allthedoorsonthisspaceshiphavebeen#programmedtohaveacheeryandsunnydisposition"), true, false},
		{"htu without them", claim("htu", f.protected()), true, false},
		{"another htu", claim("htu", f.protected()+"ohnonotagain"), false, false},
		{"made in an hour", claim("iat", f.Now().Add(time.Hour).Unix()), false, false},
		{"made an hour ago", claim("iat", f.Now().Add(-time.Hour).Unix()), false, false},
		{"jti the first time", claim("jti", once), true, false},
		{"jti the second time", claim("jti", once), false, true},
		{"another ath", claim("ath", accessHash(rand.Text())), false, false},
		{"another key", resource{prove: func(j *jwt) { j.key, j.header["jwk"] = other.Key, other.Public() }}, false, false},
		{"more in header and claims", resource{prove: func(j *jwt) { j.header["tx_id"], j.claims["tx_id_key"] = f.Now().Unix(), f.Now().Unix() }}, true, false},
		{"htu with scheme and host in capitals", claim("htu", upper), true, true},
		{"htu with the port that is usual", claim("htu", withPort), true, true},
		{"no proof", header(func(h http.Header) { h.Del("DPoP") }), false, false},
		{"no proof, as Bearer", resource{scheme: "Bearer", change: func(req *http.Request) { req.Header.Del("DPoP") }}, false, false},
		{"a proof that is right", resource{}, true, false},
	}, nil
}
